"""What is wrong now, the worst first; and that nothing is, when nothing is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._words import SEVERITY, WORDS, badness, crossed
from widgets.layout import rows_that_fit
from widgets.numbers import format_age, say
from widgets.options import BoolField, Options

ROW_HEIGHT = 38
OLD = {"stale", "failed"}


class AlertsOptions(Options):
    old = BoolField(initial=True, help_text="List what is stale or failed, too.")
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many; empty: as many as fit.",
    )


class Alerts(Kind):
    slug = "alerts"
    label = "Alert list"
    Options = AlertsOptions
    size = (4, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        found = wrong(data.lines, old=options["old"])
        room = rows_that_fit(frame, ROW_HEIGHT)
        shown = found[: min(room, options["limit"] or room)]
        return {
            "rows": [row(line, frame.now) for line in shown],
            "watched": f"{len(data.lines) + data.hidden:,} watched",
            "footer": counts(found, len(data.lines) + data.hidden) if found else "",
            "more": len(found) - len(shown) + (data.hidden if found else 0),
        }


def wrong(lines: Sequence[Line], *, old: bool) -> list[Line]:
    """The worst first; of equals what began last, for that is the news."""
    found = [line for line in lines if line.state != "ok" or (old and line.freshness in OLD)]
    return sorted(found, key=lambda line: (*badness(line), -(line.since or 0)))


def row(line: Line, now: int) -> dict[str, Any]:
    word = line.freshness if line.state == "ok" else line.state
    mark, look = WORDS[word]
    since = line.since if line.state != "ok" else line.at
    reason = (
        line.message or crossed(line) or ("" if line.value is None else say(line.value, line.unit))
    )
    return {
        "mark": mark,
        "what": word,
        "look": look,
        "name": line.name,
        "reason": reason if line.state != "ok" else "no reading",
        "lasting": "" if since is None else format_age(now - since),
        "old": line.state != "ok" and line.freshness in OLD,
    }


def counts(found: Sequence[Line], watched: int) -> str:
    """`1 critical, 2 warning of 54`."""
    said = [
        f"{n:,} {state}"
        for state in SEVERITY[:-1]
        if (n := sum(line.state == state for line in found))
    ]
    if old := sum(line.state == "ok" for line in found):
        said.append(f"{old:,} stale")
    return f"{', '.join(said)} of {watched:,}"
