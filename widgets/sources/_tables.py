"""From a table to a reading, by what its columns hold. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from widgets.clock import DAY
from widgets.labels import printable, series_name
from widgets.reading import MAX_ROWS, Reading
from widgets.shows import matches
from widgets.sources import SourceError
from widgets.sources._sql import Table

SHAPES = ("auto", "numbers", "rows", "series")


@dataclass(slots=True)
class Columns:
    """Which columns hold what, by position. One without any value holds nothing."""

    times: list[int] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, table: Table) -> Columns:
        found = cls()
        for at in range(len(table.columns)):
            values = [row[at] for row in table.rows if row[at] is not None]
            if not values:
                continue
            if all(isinstance(value, date) for value in values):
                found.times.append(at)
            elif all(isinstance(value, int | float | Decimal | timedelta) for value in values):
                found.numbers.append(at)
            else:
                found.texts.append(at)
        return found


def reading_of(table: Table, options: Mapping[str, Any], now: int) -> Reading:
    """The reading in the table in the shape that the options name; `now` in µs."""
    if len(set(table.columns)) < len(table.columns):
        twice = next(name for name in table.columns if list(table.columns).count(name) > 1)
        raise SourceError(f"two columns are called {twice!r}; name one of them anew with AS")
    columns = Columns.of(table)
    shape = options["shape"]
    series = columns.times and columns.numbers
    if shape == "series" and table.rows and not series:
        raise SourceError("a time series needs a column of times and one of numbers")
    if shape == "series" or (shape == "auto" and series):
        return _series(table, columns, options, now)
    numbers: dict[str, float] = {}
    if shape != "rows":
        numbers = _numbers(table, columns, must=shape == "numbers")
    units = _durations(table, columns, numbers)
    return Reading(
        numbers=numbers,
        units=units | _units(numbers, options["units"]),
        rows=None if shape == "numbers" else _rows(table),
        notes=list(_notes(table, options, rows=shape != "numbers")),
    )


def number(value: Any) -> float | None:
    """A finite float, a span in seconds; None for what is neither."""
    if value is None:
        return None
    try:
        found = value.total_seconds() if isinstance(value, timedelta) else float(value)
    except (OverflowError, ValueError):
        return None  # Too large, or a Decimal that is a NaN of the other kind.
    return found if isfinite(found) else None


def name(table: Table, columns: Columns, row: Sequence[Any], at: int) -> str:
    """What the number in that column of the row is called.

    The text in the row, where there is one of it beside the number; otherwise the column, with
    the texts in the row as labels.
    """
    # A column without any value counts, or names would change with the first.
    if len(columns.texts) == 1 and len(table.columns) - len(columns.times) == 2:
        return printable(str(row[columns.texts[0]] or "")).strip() or "(empty)"
    labels = {
        table.columns[text]: str(row[text]) for text in columns.texts if row[text] is not None
    }
    return series_name(table.columns[at], labels)


def _numbers(table: Table, columns: Columns, must: bool) -> dict[str, float]:
    """The numbers in a table without times; {} where nothing tells its rows apart, or if they
    `must` be told apart, an error."""
    found: dict[str, float] = {}
    seen: set[str] = set()
    for row in table.rows:
        for at in columns.numbers:
            one = name(table, columns, row, at)
            if one in seen:
                if must:
                    raise SourceError(
                        f"two rows give {one!r}; a column of texts must tell each row from others"
                    )
                return {}
            seen.add(one)
            if (value := number(row[at])) is not None:
                found[one] = value
    return found


def _series(table: Table, columns: Columns, options: Mapping[str, Any], now: int) -> Reading:
    """Points at their times. The newest of all is the reading's time; a series whose newest is
    older has that as its last value."""
    points: dict[str, dict[int, float]] = {}
    outside = 0
    for row in table.rows:
        span = options["bucket"] or _natural(row[columns.times[0]])
        start = moment(row[columns.times[0]])
        if start is None:
            continue
        if not 0 < start <= now:
            outside += 1
            continue
        for at in columns.numbers:
            if (value := number(row[at])) is not None:
                one = points.setdefault(name(table, columns, row, at), {})
                one[min(now, start + span)] = value
    newest = max((max(one) for one in points.values()), default=None)
    notes = list(_notes(table, options, rows=False))
    if outside:
        notes.append(f"{outside:,} rows are left out: their time is in the future or before 1970")
    return Reading(
        numbers={
            n: one[newest] for n, one in points.items() if newest is not None and newest in one
        },
        units=_durations(table, columns, points) | _units(points, options["units"]),
        at=newest,
        history=[
            (n, at, value) for n, one in points.items() for at, value in one.items() if at != newest
        ],
        notes=notes,
    )


def _natural(given: Any) -> int:
    """A day's row is about the whole day; a moment's about that moment. µs."""
    return 0 if given is None or isinstance(given, datetime) else DAY


def moment(given: date | None) -> int | None:
    """µs since 1970, in UTC where no zone is said; None where there is none."""
    if given is None:
        return None
    if not isinstance(given, datetime):
        given = datetime(given.year, given.month, given.day)
    given = given if given.tzinfo else given.replace(tzinfo=UTC)
    return (given - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _durations(table: Table, columns: Columns, names: Mapping[str, Any]) -> dict[str, str]:
    """The unit of all numbers, where all of them are spans of time."""
    values = [row[at] for row in table.rows for at in columns.numbers if row[at] is not None]
    if values and all(isinstance(value, timedelta) for value in values):
        return dict.fromkeys(names, "s")
    return {}


def _units(names: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    return {
        one: next(unit for pattern, unit in given.items() if matches(one, pattern))
        for one in names
        if any(matches(one, pattern) for pattern in given)
    }


def _rows(table: Table) -> list[dict[str, Any]]:
    return [
        {column: _cell(value) for column, value in zip(table.columns, row, strict=True)}
        for row in table.rows[:MAX_ROWS]
    ]


def _cell(value: Any) -> Any:
    """The value as JSON has it."""
    match value:
        case None | bool() | int() | float() | str() | dict():
            return value
        case list():
            return [_cell(one) for one in value]
        case Decimal():
            whole = value.is_finite() and value == value.to_integral_value()
            return int(value) if whole else number(value)
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat(" ", "seconds")
        case bytes() | bytearray() | memoryview():
            return f"{len(value):,} bytes"
        case _:
            return str(value)


def _notes(table: Table, options: Mapping[str, Any], rows: bool) -> Iterator[str]:
    if not table.rows:
        yield "no data: the query has no row"
    if table.more:
        yield f"there are more rows; the first {options['limit']:,} are taken"
    elif rows and len(table.rows) > MAX_ROWS:
        yield f"{len(table.rows):,} rows; the first {MAX_ROWS:,} are shown"
