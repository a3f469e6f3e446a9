"""What several kinds say in the same words, and what they leave out by the same rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from widgets.kinds import Data, Line
from widgets.numbers import format_age, say
from widgets.reading import State

MARKS: dict[State, str] = {"ok": "", "unknown": "?", "warning": "◆", "critical": "▲"}
# Everything that can be the matter: its sign, and the look it has (a state, or none).
WORDS: dict[str, tuple[str, str]] = {
    "critical": ("▲", "critical"),
    "warning": ("◆", "warning"),
    "unknown": ("?", "unknown"),
    "late": ("◔", ""),
    "stale": ("◌", ""),
    "failed": ("✕", ""),
}
# A shorter beginning costs little room and helps to know the series again.
SHARED_LEAST = 8
SEVERITY: tuple[State, ...] = ("critical", "warning", "unknown", "ok")


def explain(line: Line, now: int) -> str:
    """Why a line is not well: `over 1 % for 6 min`, or what its source says; "" when it is."""
    if line.state == "ok":
        return ""
    reason = line.message or crossed(line)
    lasting = "" if line.since is None else f" for {format_age(now - line.since)}"
    return reason + lasting if reason else ""


def crossed(line: Line) -> str:
    """The limit the value is beyond, the most severe first."""
    limits, value = line.limits, line.value
    if value is None:
        return ""
    for above, below in (
        (limits.critical_above, limits.critical_below),
        (limits.warning_above, limits.warning_below),
    ):
        if above is not None and value > above:
            return f"over {say(above, line.unit)}"
        if below is not None and value < below:
            return f"under {say(below, line.unit)}"
    return ""


def left_out(data: Data, shown: int) -> int:
    """How many series are not on the tile: those beyond the shown, and those a cap took."""
    return max(len(data.lines) - shown, 0) + data.hidden


def choose(lines: Sequence[Line], room: int) -> list[Line]:
    """As many as fit, in their order; what is left out is never worse than what is shown."""
    if len(lines) <= room:
        return list(lines)
    worst = sorted(range(len(lines)), key=lambda i: (badness(lines[i]), i))[: max(room, 0)]
    return [lines[i] for i in sorted(worst)]


def short_names(lines: Sequence[Line]) -> list[str]:
    """The names without the beginning they share: cut off at the end, all would read alike."""
    names = [line.name for line in lines]
    if len(names) < 2:
        return names
    # What the first and the last in order share, all between them share.
    pairs = zip(min(names), max(names), strict=False)
    shared = "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    cut = max(shared.rfind(separator) for separator in "/.:_- ") + 1
    if cut < SHARED_LEAST:
        return names
    return [f"…{name[cut:]}" if name[cut:] else name for name in names]


def badness(line: Line) -> tuple[int, int]:
    """For sorting: the worst first; of equals the one that is less to be believed."""
    return SEVERITY.index(line.state), 0 if line.freshness in {"stale", "failed"} else 1
