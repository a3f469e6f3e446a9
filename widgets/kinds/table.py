"""The rows of a reading, or the series as rows: name, value, state, age."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._room import columns_that_fit, rows_that_fit
from widgets.kinds._words import MARKS, choose, short_names
from widgets.numbers import MINUS, format_age, say
from widgets.options import ListField, MappingField, Options

ROW_HEIGHT = 29
COLUMN_WIDTH = 105
# A cell shows one line of some 60 characters; the rest of a long text would only be sent along.
MOST_TEXT = 200
FULL_DIGITS = 99_999


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


class Table(Kind):
    slug = "table"
    label = "Table"
    Options = TableOptions
    accepts = frozenset({"numbers", "rows"})
    size = (4, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        # One row is the head's.
        room = max(rows_that_fit(frame, ROW_HEIGHT) - 1, 1)
        room = min(room, options["limit"] or room)
        if data.rows:
            wanted = options["columns"] or list(data.rows[0])
            across = columns_that_fit(frame, COLUMN_WIDTH)
            return from_rows(data, wanted, options["units"], across, room)
        return from_lines(data, room, frame)


def from_rows(
    data: Data, wanted: Sequence[str], units: Mapping[str, str], across: int, room: int
) -> dict[str, Any]:
    shown, rows = wanted[:across], data.rows[:room]
    columns = {c: write_column([row.get(c) for row in rows], units.get(c, "")) for c in shown}
    numeric = {c for c in shown if all(is_number(row.get(c)) for row in rows)}
    left = wanted[across:]
    return {
        "head": [{"text": column, "number": column in numeric} for column in shown],
        "rows": [
            {
                "state": "ok",
                "cells": [{"text": columns[c][i], "number": c in numeric} for c in shown],
            }
            for i in range(len(rows))
        ],
        "footer": more_columns(left) if left else "",
        "more": len(data.rows) - len(rows) + data.hidden,
    }


def more_columns(names: Sequence[str]) -> str:
    noun = "column" if len(names) == 1 else "columns"
    return f"{len(names)} more {noun}: {', '.join(names)[:MOST_TEXT]}"


def from_lines(data: Data, room: int, frame: Frame) -> dict[str, Any]:
    lines = choose(data.lines, room)
    ages = frame.width > 2
    head = [("name", False), ("value", True), ("state", False), *([("age", True)] if ages else [])]
    return {
        "head": [{"text": text, "number": number} for text, number in head],
        "rows": [
            {"state": line.state, "cells": line_cells(line, short, frame.now, ages)}
            for line, short in zip(lines, short_names(lines), strict=True)
        ],
        "footer": "",
        "more": len(data.lines) - len(lines) + data.hidden,
    }


def line_cells(line: Line, short: str, now: int, ages: bool) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = [
        {"text": short, "title": line.name},
        {"text": say(line.value, line.unit), "number": True},
        {"text": f"{MARKS[line.state]} {line.message or line.state}".strip()},
    ]
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
