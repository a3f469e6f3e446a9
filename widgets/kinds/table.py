"""The rows of a reading, or the series as rows: name, value, state, age."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets.axes import percent
from widgets.clock import DAY, MINUTE, format_duration
from widgets.kinds import Data, Frame, Kind, Line, Needs
from widgets.kinds._words import MARKS, choose, short_names
from widgets.kinds.stat import spark
from widgets.layout import columns_that_fit, rows_that_fit
from widgets.numbers import MINUS, format_age, say
from widgets.options import BoolField, DurationField, ListField, MappingField, Options
from widgets.reading import State
from widgets.scales import Scale

ROW_HEIGHT = 29
COLUMN_WIDTH = 105
# A cell shows one line of some 60 characters; the rest of a long text would only be sent along.
MOST_TEXT = 200
FULL_DIGITS = 99_999
# A cell is some hundred pixels wide.
CELL_POINTS = 60


class TableOptions(Options):
    columns = ListField(
        required=False, help_text="Which columns, in order; empty: those of the first row."
    )
    units = MappingField(
        required=False,
        help_text="The unit of a column's numbers, such as memory: B or cpu: %.",
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many rows; empty: as many as fit.",
    )
    bars = ListField(required=False, help_text="Columns of numbers that are drawn as bars, too.")
    colours = MappingField(
        required=False,
        help_text="From which value on a column is warning and critical, such as cpu: 80 95; "
        "falling values are low: disk: 20 5.",
    )
    spark = BoolField(
        initial=False, help_text="Where the rows are series, draw how each of them went."
    )
    window = DurationField(
        initial="1h", least=MINUTE, most=366 * DAY, help_text="How far back such a line goes."
    )

    def clean_colours(self) -> dict[str, tuple[float, float]]:
        return {
            name: colour_limits(name, text) for name, text in self.cleaned_data["colours"].items()
        }


class Table(Kind):
    slug = "table"
    label = "Table"
    Options = TableOptions
    accepts = frozenset({"numbers", "rows"})
    size = (4, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(window=options["window"] if options["spark"] else 0)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        # One row is the head's.
        room = max(rows_that_fit(frame, ROW_HEIGHT) - 1, 1)
        room = min(room, options["limit"] or room)
        if data.rows:
            wanted = options["columns"] or list(data.rows[0])
            across = columns_that_fit(frame, COLUMN_WIDTH)
            return from_rows(data, wanted, options, across, room)
        return from_lines(data, room, frame, options)


def colour_limits(name: str, text: str) -> tuple[float, float]:
    """`80 95`: warning and critical; the other way round where low is bad."""
    try:
        warning, critical = (float(part) for part in text.replace(",", " ").split())
    except ValueError:
        raise ValidationError(f"{name}: two numbers are expected, such as 80 95") from None
    return warning, critical


def state_of(value: Any, limits: tuple[float, float] | None) -> State:
    if limits is None or not is_number(value):
        return "ok"
    warning, critical = limits
    sign = 1 if critical >= warning else -1
    if sign * value >= sign * critical:
        return "critical"
    return "warning" if sign * value >= sign * warning else "ok"


def from_rows(
    data: Data, wanted: Sequence[str], options: Mapping[str, Any], across: int, room: int
) -> dict[str, Any]:
    units = options["units"]
    shown, rows = wanted[:across], data.rows[:room]
    columns = {c: write_column([row.get(c) for row in rows], units.get(c, "")) for c in shown}
    numeric = {c for c in shown if all(is_number(row.get(c)) for row in rows)}
    left = wanted[across:]
    tops = {c: top_of([row.get(c) for row in rows], units.get(c)) for c in options["bars"]}

    def cell(column: str, i: int) -> dict[str, Any]:
        value = rows[i].get(column)
        state = state_of(value, options["colours"].get(column))
        return {
            "text": columns[column][i],
            "number": column in numeric,
            "state": "" if state == "ok" else state,
            "mark": MARKS[state],
            "bar": bar(value, tops[column]) if column in tops else "",
        }

    return {
        "head": [
            {"text": column, "number": column in numeric, "barred": column in tops}
            for column in shown
        ],
        "rows": [
            {
                "state": "ok",
                "cells": [cell(column, i) for column in shown],
            }
            for i in range(len(rows))
        ],
        "footer": more_columns(left) if left else "",
        "more": len(data.rows) - len(rows) + data.hidden,
    }


def top_of(values: Sequence[Any], unit: str | None) -> float:
    """What a full bar of a column is."""
    numbers = [abs(float(value)) for value in values if is_number(value)]
    return max([100.0 if unit == "%" else 0.0, *numbers]) or 1.0


def bar(value: Any, top: float) -> str:
    """How long the bar of a number is; "" of what is none."""
    if not is_number(value):
        return ""
    return percent(Scale.over(0.0, top).share(abs(value)))


def more_columns(names: Sequence[str]) -> str:
    noun = "column" if len(names) == 1 else "columns"
    return f"{len(names)} more {noun}: {', '.join(names)[:MOST_TEXT]}"


def from_lines(data: Data, room: int, frame: Frame, options: Mapping[str, Any]) -> dict[str, Any]:
    lines = choose(data.lines, room)
    ages, sparks = frame.width > 2, options["spark"] and frame.width > 2
    head = [("name", False), ("value", True), ("state", False), *([("age", True)] if ages else [])]
    if sparks:
        head.insert(1, (f"last {format_duration(frame.window or options['window'])}", False))
    start = frame.now - (frame.window or options["window"])
    return {
        "head": [{"text": text, "number": number} for text, number in head],
        "rows": [
            {
                "state": line.state,
                "cells": line_cells(line, short, frame.now, ages, start if sparks else None),
            }
            for line, short in zip(lines, short_names(lines), strict=True)
        ],
        "footer": "",
        "more": len(data.lines) - len(lines) + data.hidden,
    }


def line_cells(
    line: Line, short: str, now: int, ages: bool, spark_from: int | None
) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = [
        {"text": short, "title": line.name},
        {"text": say(line.value, line.unit), "number": True},
        {"text": f"{MARKS[line.state]} {line.message or line.state}".strip()},
    ]
    if spark_from is not None:
        drawn = spark(line, spark_from, now, CELL_POINTS)
        cells.insert(1, {"spark": drawn["line"] if drawn else "", "text": ""})
    if ages:
        age = "–" if line.at is None else format_age(now - line.at)
        cells.append({"text": age, "number": True, "age": line.at and line.at // 1000})
    return cells


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def write_column(values: Sequence[Any], unit: str) -> list[str]:
    """The cells of a column; its numbers all have the same decimals, so that they can be read
    from above to below."""
    places = decimals([float(value) for value in values if is_number(value)])
    return [
        write_number(float(value), unit, places) if is_number(value) else write(value)
        for value in values
    ]


def write_number(value: float, unit: str, places: int) -> str:
    """With so many decimals, unless it then were too long, or no more than a zero."""
    vanishes = value != 0 and abs(value) < 0.5 * 10**-places
    if unit or vanishes or abs(value) > FULL_DIGITS:
        return say(value, unit)
    return f"{value:,.{places}f}".replace("-", MINUS)


def decimals(values: Sequence[float]) -> int:
    """As many as the largest needs for three figures; none where all are whole."""
    largest = max(map(abs, values), default=0.0)
    if all(value == int(value) for value in values):
        return 0
    return 2 if largest < 10 else 1 if largest < 1000 else 0


def write(value: Any) -> str:
    """Any JSON value that is no number, in a cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:MOST_TEXT]
