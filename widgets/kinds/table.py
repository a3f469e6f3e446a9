"""The rows of a reading, or the series as rows: name, value, state, age."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._room import columns_that_fit, rows_that_fit
from widgets.kinds._words import MARKS, choose, short_names
from widgets.numbers import format_age, format_number, say
from widgets.options import ListField, Options

ROW_HEIGHT = 29
COLUMN_WIDTH = 105
# A cell shows one line of some 60 characters; the rest of a long text would only be sent along.
MOST_TEXT = 200


class TableOptions(Options):
    columns = ListField(
        required=False, help_text="Which columns, in order; empty: those of the first row."
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
            return from_rows(data, wanted, columns_that_fit(frame, COLUMN_WIDTH), room)
        return from_lines(data, room, frame)


def from_rows(data: Data, wanted: Sequence[str], across: int, room: int) -> dict[str, Any]:
    shown, rows = wanted[:across], data.rows[:room]
    numeric = {c for c in shown if all(is_number(r.get(c)) for r in rows)}
    left = len(wanted) - len(shown)
    return {
        "head": [{"text": column, "number": column in numeric} for column in shown],
        "rows": [
            {
                "state": "ok",
                "cells": [{"text": write(r.get(c)), "number": c in numeric} for c in shown],
            }
            for r in rows
        ],
        "footer": f"{left} more column{'s' * (left > 1)}: {', '.join(wanted[across:])[:MOST_TEXT]}"
        if left
        else "",
        "more": len(data.rows) - len(rows) + data.hidden,
    }


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


def write(value: Any) -> str:
    """Any JSON value in a cell."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return format_number(float(value))[0]
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:MOST_TEXT]
