"""Smashing's (and Dashing's) jobs, as they are."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

from widgets.clock import SECOND
from widgets.formats import (
    Answer,
    BadPush,
    Format,
    Push,
    Reload,
    Request,
    Result,
    as_json,
    as_text,
    route,
)
from widgets.formats._json import expect_object, parse
from widgets.formats._points import check_feed, check_series, check_time
from widgets.reading import MAX_ROWS, MAX_SERIES, BadReading, Reading, State, Verdict, clean_json

MOST_POINTS = 10_000
# What the widgets of Smashing call it; whatever else is a number is a series, too.
WORDS = {"title", "moreinfo", "text", "status", "prefix", "suffix", "updatedAt", "id", "auth_token"}
STATES: dict[str, State] = {"danger": "critical", "critical": "critical", "warning": "warning"}
# By its sign alone: a body is not parsed for a stranger. In a text every quote has a backslash.
_TOKEN = re.compile(rb'"auth_token"\s*:\s*"([!#-\[\]-~]{1,200})"')
# The x of a graph is a moment in seconds, or merely counts.
EARLIEST = 1_000_000_000


class Smashing(Format):
    """`POST /widgets/<id>`: the id is the feed. `POST /dashboards/<id>` with the event `reload`:
    the pages of that dashboard, by its slug, are loaded anew; `*` is all of them.

    `current`, `last`, `value` and every other number are series; of `points` the y is `value`;
    `items` and `comments` are rows; `suffix` is the unit, `status` the state, `moreinfo` a note.
    """

    slug = "smashing"
    label = "Smashing"
    routes = (route("POST", "/widgets/<id>"), route("POST", "/dashboards/<id>"))

    def token_in(self, body: bytes) -> str:
        found = _TOKEN.search(body)
        return found[1].decode() if found else ""

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush | Reload]:
        given = expect_object(parse(body))
        if request.path.startswith("/dashboards/"):
            if given.get("event") == "reload":
                yield Reload(_text(given.get("dashboard")) or request.parts["id"])
            return
        feed = check_feed(request.parts["id"].strip(), "the address")
        reading = _reading(given, request.now)
        if not (reading.numbers or reading.rows or reading.text or reading.notes):
            raise BadPush("", "it holds nothing that a widget of ours shows")
        yield Push(feed, reading)

    def answer(self, request: Request, result: Result) -> Answer:
        if result.good:
            return Answer(204)
        if result.status == 401:
            return as_text(401, "Invalid API key\n")
        return as_json(result.status, {"error": result.message})


def _reading(given: dict[str, Any], now: int) -> Reading:
    numbers = {
        check_series(key, key[:80]): number
        for key, value in given.items()
        if key not in WORDS and (number := _number(value)) is not None
    }
    if len(numbers) > MAX_SERIES:
        raise BadPush("", f"{len(numbers):,} numbers; {MAX_SERIES:,} is the most")
    history = []
    at = None
    if isinstance(points := given.get("points"), list):
        found = _points(points, now)
        if found:
            at, numbers["value"] = found[-1]
            history = [("value", ts, value) for ts, value in found[:-1] if ts is not None]
    unit = _text(given.get("suffix")).strip() or _text(given.get("prefix")).strip()
    verdict = Verdict(STATES.get(_text(given.get("status")).lower(), "ok"))
    note = _text(given.get("moreinfo"))
    return Reading(
        numbers=numbers,
        units=dict.fromkeys(numbers, unit) if unit else {},
        verdicts=dict.fromkeys(numbers, verdict),
        rows=_rows(given),
        text=_text(given.get("text")) or None,
        notes=[note] if note else [],
        at=at,
        complete=False,
        history=history,
    )


def _number(value: Any) -> float | None:
    """A number, or text that is one; None where it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _points(points: list[Any], now: int) -> list[tuple[int | None, float]]:
    """The points of a graph by time, or the last one alone if their x merely counts."""
    if len(points) > MOST_POINTS:
        raise BadPush("points", f"{len(points):,} points; {MOST_POINTS:,} is the most")
    found: dict[int | None, float] = {}
    for i, point in enumerate(points):
        item = expect_object(point, f"points[{i}]")
        y, x = _number(item.get("y")), _number(item.get("x"))
        if y is None:
            raise BadPush(f"points[{i}].y", "a number is expected")
        if x is not None and x >= EARLIEST:
            found[check_time(round(x * SECOND), now, f"points[{i}].x")] = y
        else:
            found[None] = y
    if None in found:
        return [(None, found[None])]
    return sorted(found.items(), key=lambda point: point[0] or 0)


def _rows(given: dict[str, Any]) -> list[dict[str, Any]] | None:
    for key in ("items", "comments"):
        if isinstance(rows := given.get(key), list):
            if len(rows) > MAX_ROWS:
                raise BadPush(key, f"{len(rows):,} rows; {MAX_ROWS:,} is the most")
            try:
                return [clean_json(expect_object(row, f"{key}[{i}]")) for i, row in enumerate(rows)]
            except BadReading as error:
                raise BadPush(key, str(error)) from None
    return None
