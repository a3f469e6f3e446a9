"""What a Nagios plugin says: text, performance data, and the ranges in it. Pure.

Format: monitoring-plugins, "Development Guidelines" (Plugin Output, Threshold and Ranges,
Performance data).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite

from widgets.labels import printable
from widgets.reading import State, Verdict

# By exit status; whatever is above says nothing that is known.
STATES: tuple[State, ...] = ("ok", "warning", "critical", "unknown")
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
# Units to what they are here and how many of it: s, B, and everything else as it is.
UNITS = {"s": ("s", 1.0), "ms": ("s", 1e-3), "us": ("s", 1e-6), "ns": ("s", 1e-9)} | {
    f"{sign}{ending}": ("B", 1024.0**power)
    for power, sign in enumerate(("", "K", "M", "G", "T", "P"))
    for ending in ("B", "iB")
    if sign or ending == "B"
}

_RANGE = re.compile(rf"(@?)(?:(~|{NUMBER})?(:))?({NUMBER})?")
_ITEM = re.compile(
    r"""\s*
    (?:'(?P<quoted>(?:[^']|'')*)'|(?P<plain>[^\s='][^\s=]*))
    =(?P<rest>[^\s;]*)
    (?P<limits>(?:;[^\s;]*)*)
    (?=\s|$)
    """,
    re.VERBOSE,
)
_VALUE = re.compile(rf"({NUMBER})(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Range:
    """What raises an alert: a value outside `low` to `high`, or if `inside`, within them."""

    low: float
    high: float
    inside: bool = False

    def why(self, value: float) -> str:
        """Why this value alerts, such as "above 10"; "" if it does not."""
        if self.inside:
            within = self.low <= value <= self.high
            return f"within {self.low:g} to {self.high:g}" if within else ""
        if value < self.low:
            return f"below {self.low:g}"
        return f"above {self.high:g}" if value > self.high else ""


def read_range(given: str) -> Range | None:
    """`10`, `10:`, `~:10`, `10:20`, `@10:20`; None for what is none of them."""
    found = _RANGE.fullmatch(given.strip())
    if not found or not (found[3] or found[4]):
        return None
    low = -inf if found[2] == "~" else float(found[2] or 0)
    high = float(found[4]) if found[4] else inf
    return Range(low, high, bool(found[1])) if low <= high else None


@dataclass(frozen=True, slots=True)
class Metric:
    """One item of performance data, as it was written. `value`: None for U, which is unknown."""

    label: str
    value: float | None
    unit: str
    warning: Range | None
    critical: Range | None

    def verdict(self) -> Verdict:
        """What its own ranges say of its value."""
        if self.value is not None:
            shown = f"{self.value:g} {self.unit}".rstrip()
            if self.critical and (why := self.critical.why(self.value)):
                return Verdict("critical", f"{shown} is {why}")
            if self.warning and (why := self.warning.why(self.value)):
                return Verdict("warning", f"{shown} is {why}")
        return Verdict("ok")


@dataclass(frozen=True, slots=True)
class Output:
    """The text for people, the performance data, and how many words of that were none."""

    text: str
    metrics: list[Metric]
    strange: int


def read_output(given: str) -> Output:
    """What a plugin printed.

    The first line is text and, behind a bar, performance data; lines after it are text, up to
    another bar, behind which everything is performance data.
    """
    first, _, rest = given.replace("\r\n", "\n").partition("\n")
    line, _, data = first.partition("|")
    more, _, last = rest.partition("|")
    text = "\n".join(part for part in (line.strip(), more.strip()) if part)
    found = list(read_metrics(f"{data} {last}"))
    metrics = [metric for metric in found if isinstance(metric, Metric)]
    return Output(text, metrics, len(found) - len(metrics))


def read_metrics(given: str) -> Iterator[Metric | str]:
    """The items of performance data; one that is none of it as it stands there."""
    at = 0
    while at < len(given):
        found = _ITEM.match(given, at)
        metric = _metric(found) if found else None
        if found and metric:
            yield metric
            at = found.end()
            continue
        word = re.compile(r"\s*(\S*)").match(given, at)
        assert word
        if word[1]:
            yield word[1]
        at = max(word.end(), at + 1)


def _metric(found: re.Match[str]) -> Metric | None:
    quoted = found["quoted"]
    label = printable(found["plain"] if quoted is None else quoted.replace("''", "'")).strip()
    warning, critical = [*map(read_range, found["limits"].split(";")[1:3]), None, None][:2]
    if found["rest"] == "U":
        return Metric(label, None, "", warning, critical) if label else None
    value = _VALUE.fullmatch(found["rest"])
    if not label or not value or not isfinite(float(value[1])):
        return None
    return Metric(label, float(value[1]), printable(value[2]), warning, critical)
