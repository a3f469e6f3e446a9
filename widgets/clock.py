"""Moments and spans are whole microseconds everywhere; a moment counts from 1970 in UTC."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {
    "ms": SECOND // 1000,
    "s": SECOND,
    "min": MINUTE,
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d|w)")


def now() -> int:
    """This moment in microseconds."""
    return time.time_ns() // 1000


def parse_duration(given: object) -> int:
    """A span in microseconds, from `10` (seconds), `"30s"`, `"1 h 30 min"`, `"500ms"`.

    ValueError says what is expected.
    """
    try:
        return round(_microseconds(given))
    except (ValueError, OverflowError):  # Overflow: of infinity, too, which YAML can write.
        shown = str(given).strip()[:40]
        raise ValueError(f"{shown!r} is no duration; write 10s, 5 min, 1h30m or 7d") from None


def _microseconds(given: object) -> float:
    if isinstance(given, int | float) and not isinstance(given, bool):
        return given * SECOND
    text = str(given).strip()
    try:
        return float(text) * SECOND
    except ValueError:
        pass
    total, end = 0.0, 0
    while part := _PART.match(text, end):
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not end or end != len(text):
        raise ValueError
    return total


def format_duration(span: int) -> str:
    """The span as `parse_duration` reads it back: `90 s` is `1 min 30 s`."""
    if span <= 0:
        return "0 s"
    parts = []
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE), ("s", SECOND), ("ms", 1000)):
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


def as_datetime(moment: int) -> datetime:
    """The moment as Django and people's calendars want it, in UTC."""
    return datetime.fromtimestamp(moment / SECOND, UTC)
