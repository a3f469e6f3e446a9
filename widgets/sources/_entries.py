"""What an entry of a stream says: fields of text, or JSON in one of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from widgets.clock import SECOND
from widgets.formats import BadPush, Push, Request
from widgets.formats.json import Json
from widgets.judge import MOST_AHEAD
from widgets.labels import printable
from widgets.reading import MAX_NAME, MAX_SERIES, Reading
from widgets.sources import Position

# An id with a smaller time, ms, was counted by somebody and is none: 2001.
FIRST_TIME = 10**12
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadEntry(ValueError):
    """An entry that means nothing; the sentence says why."""


def moment_of(place: Position, now: int) -> int | None:
    """When an entry was added, µs, by its id; the number in it tells those of one millisecond
    apart. None if the id is no time."""
    milliseconds, number = place
    at = milliseconds * 1_000 + number
    return at if milliseconds >= FIRST_TIME and at <= now + MOST_AHEAD else None


def after(at: int, last: int) -> int:
    """The moment, or the next one that is free: thousands of entries can be of one millisecond,
    and their numbers run into the next, while a sample is known by its moment."""
    return last + 1 if last - SECOND < at <= last else at


def read_entry(
    fields: Mapping[str, str], options: Mapping[str, Any], at: int | None, now: int
) -> list[Reading]:
    """The readings of an entry, one at least; `at` is when it was added, if that is known."""
    if options["time"]:
        at = _time(fields, options["time"])
    if options["payload"]:
        readings = _of_json(fields, options["payload"], now)
        return [replace(one, at=at) if one.at is None else one for one in readings]
    numbers = _numbers(fields, options["time"])
    if not numbers and not options["rows"]:
        raise BadEntry("it holds no number")
    return [Reading(numbers, at=at, complete=False)]


def _numbers(fields: Mapping[str, str], time: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, text in fields.items():
        value = number(text)
        if value is not None and name != time and name and len(found) < MAX_SERIES:
            found[printable(name)[:MAX_NAME]] = value
    return found


def number(text: str) -> float | None:
    """The finite number that the text is; None if it is none."""
    try:
        # Python reads `1_000` and other scripts' digits as numbers, and nobody else does.
        value = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def read_time(text: str) -> int:
    """A moment, µs, in seconds since 1970 or as ISO 8601; BadEntry if it is none."""
    seconds = number(text)
    if seconds is not None:
        return round(seconds * SECOND)
    try:
        found = datetime.fromisoformat(text)
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise BadEntry(
            f"{text[:40]!r} is no time; it is expected in seconds since 1970 or as ISO 8601"
        ) from None


def _time(fields: Mapping[str, str], field: str) -> int:
    try:
        return read_time(fields.get(field, ""))
    except BadEntry as bad:
        raise BadEntry(f"{field}: {bad}") from None


def _of_json(fields: Mapping[str, str], field: str, now: int) -> list[Reading]:
    if field not in fields:
        raise BadEntry(f"there is no field {field}; there is {', '.join(fields)[:100]}")
    request = Request("POST", "", now, parts={"name": "entry"})
    readings = []
    try:
        for item in Json().decode(fields[field].encode("utf-8", "replace"), request):
            if not isinstance(item, Push):
                raise item
            readings.append(item.reading)
    except BadPush as bad:
        raise BadEntry(f"{field}: {bad}") from None
    if not readings:
        raise BadEntry(f"{field} is empty")
    return readings
