"""Our own: a number, an object or a list of them, with or without time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from widgets.clock import SECOND
from widgets.formats import BadPush, Format, Push, Request, route
from widgets.formats._json import expect_object, noun, parse
from widgets.formats._points import Points, check_feed, check_series, check_time, order
from widgets.reading import (
    MAX_ROWS,
    MAX_SERIES,
    BadReading,
    Reading,
    Verdict,
    clean_json,
    clean_number,
)

DEEPEST = 6
STATES = ("ok", "warning", "critical", "unknown")


class Json(Format):
    """`POST /api/feeds/<name>`: one reading, or a list of them.

    A number is the series `value`. Of an object `time`, `units`, `states`, `rows`, `text` and
    `numbers` mean what they say where their value is of that kind; whatever else it holds is a
    series, and what is nested is named with dots. A pair in a list is [time, number].
    """

    slug = "json"
    label = "Our own JSON"
    routes = (route("POST PUT", "/api/feeds/<name>"),)

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        feed = check_feed(request.parts["name"].strip(), "the address")
        yield from pushes(feed, parse(body), request.now)


def pushes(feed: str, given: Any, now: int) -> Iterator[Push | BadPush]:
    """What parsed JSON says of a feed; see `Json`. `now` in µs."""
    if isinstance(given, list):
        yield from _batch(feed, given, now)
    else:
        yield Push(feed, _reading(given, "", now))


def _batch(feed: str, given: list[Any], now: int) -> Iterator[Push | BadPush]:
    """The readings of a list. Of rows and of text the latest are kept: they have no history."""
    points = Points(now)
    latest: dict[str, tuple[Reading, str]] = {}
    for i, item in enumerate(given):
        place = f"[{i}]"
        points.part(place)
        try:
            reading = _listed(item, place, now)
            for name, value in reading.numbers.items():
                points.add(
                    feed, name, reading.at, value, place,
                    reading.units.get(name, ""), reading.verdicts.get(name),
                )  # fmt: skip
        except BadPush as error:
            if error.status == 413:
                raise
            yield error
            continue
        for kind in ("rows", "text"):
            if getattr(reading, kind) is not None and (
                kind not in latest or order(reading.at) >= order(latest[kind][0].at)
            ):
                latest[kind] = reading, place
    yield from points.pushes()
    for kind, (reading, place) in latest.items():
        only = Reading(at=reading.at, complete=False, **{kind: getattr(reading, kind)})
        yield Push(feed, only, place)


def _listed(item: Any, place: str, now: int) -> Reading:
    if isinstance(item, list):
        if len(item) != 2:
            raise BadPush(place, "a pair of time and number is expected")
        return Reading(
            {"value": _number(item[1], "value", f"{place}[1]")},
            at=_time(item[0], f"{place}[0]", now),
            complete=False,
        )
    if isinstance(item, dict):
        return _reading(item, place, now)
    raise BadPush(place, f"an object or [time, number] is expected, not {noun(item)} by itself")


def _reading(given: Any, place: str, now: int) -> Reading:
    """One reading, or a BadPush. `place` is where it stands; "" is the whole body."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Reading({"value": _number(given, "value", place)}, complete=False)
    found = _Reader(expect_object(given, place), place, now).read()
    if not found.numbers and found.rows is None and found.text is None:
        raise BadPush(place, "it holds no number, no rows and no text")
    return found


class _Reader:
    """Takes an object apart."""

    def __init__(self, given: dict[str, Any], place: str, now: int) -> None:
        self.given = dict(given)
        self.place = place
        self.now = now
        self.numbers: dict[str, float] = {}

    def read(self) -> Reading:
        at = self._at()
        units = self._take("units", dict) or {}
        states = self._take("states", dict) or {}
        rows = self._take("rows", list)
        text = self._take("text", str)
        numbers = self._take("numbers", dict) or {}
        self._gather(self.given, "", self.place, DEEPEST)
        self._gather(numbers, "", self._below("numbers"), DEEPEST)
        return Reading(
            numbers=self.numbers,
            units={k: self._text(v, self._below(f"units.{k}")) for k, v in units.items()},
            verdicts={k: self._verdict(v, self._below(f"states.{k}")) for k, v in states.items()},
            rows=None if rows is None else self._rows(rows),
            text=text,
            at=at,
            complete=False,
        )

    def _below(self, name: str) -> str:
        return f"{self.place}.{name[:80]}" if self.place else name[:80]

    def _take(self, name: str, kind: type) -> Any:
        """What is meant by the name, if it is of the kind; otherwise it may be a series."""
        return self.given.pop(name) if isinstance(self.given.get(name), kind) else None

    def _at(self) -> int | None:
        if "time" not in self.given:
            return None
        return _time(self.given.pop("time"), self._below("time"), self.now)

    def _gather(self, given: Mapping[str, Any], before: str, place: str, left: int) -> None:
        """The numbers of an object and of those inside it."""
        for key, value in given.items():
            where = f"{place}.{key[:80]}" if place else key[:80]
            name = f"{before}{key}"
            if value is None:
                continue
            if isinstance(value, dict):
                if left <= 1:
                    raise BadPush(where[:200], "it is nested too deeply; flatten it")
                self._gather(value, f"{name}.", where, left - 1)
                continue
            if len(self.numbers) >= MAX_SERIES:
                raise BadPush(where, f"more than {MAX_SERIES:,} series in one reading")
            self.numbers[check_series(name, where)] = _number(value, key[:80], where)

    def _text(self, value: Any, place: str) -> str:
        if isinstance(value, str):
            return value
        raise BadPush(place, f"text is expected, not {noun(value)}")

    def _verdict(self, value: Any, place: str) -> Verdict:
        """`"critical"`, or `["critical", "why"]`."""
        state, message = value if isinstance(value, list) and len(value) == 2 else (value, "")
        for known in STATES:
            if state == known:
                return Verdict(known, self._text(message, place))  # type: ignore[arg-type]
        raise BadPush(place, f"one of {', '.join(STATES)} is expected")

    def _rows(self, rows: list[Any]) -> list[dict[str, Any]]:
        place = self._below("rows")
        if len(rows) > MAX_ROWS:
            raise BadPush(place, f"{len(rows):,} rows; {MAX_ROWS:,} is the most")
        found = []
        for i, row in enumerate(rows):
            try:
                found.append(clean_json(expect_object(row, f"{place}[{i}]")))
            except BadReading as error:
                raise BadPush(f"{place}[{i}]", str(error)) from None
        return found


def _number(value: Any, name: str, place: str) -> float:
    if not isinstance(value, int | float | str):
        raise BadPush(place, f"a number is expected, not {noun(value)}")
    try:
        return clean_number(name, value)
    except BadReading as error:
        raise BadPush(place, str(error)) from None


def _time(value: Any, place: str, now: int) -> int:
    """A moment in µs, from seconds since 1970 or from ISO 8601."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = _number(value, "time", place)
        return check_time(int(seconds) * SECOND + round(seconds % 1 * SECOND), now, place)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            raise BadPush(place, f"{value[:40]!r} is no time of ISO 8601") from None
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        try:
            span = aware - datetime(1970, 1, 1, tzinfo=UTC)
        except OverflowError:
            raise BadPush(place, f"{value[:40]!r} is no time a wall can show") from None
        whole = span.days * 86_400 + span.seconds
        return check_time(whole * SECOND + span.microseconds, now, place)
    raise BadPush(place, f"seconds since 1970 or ISO 8601 is expected, not {noun(value)}")
