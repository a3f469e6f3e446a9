"""A cell for each series: what it is, how it is, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._room import pixels
from widgets.kinds._words import MARKS, SEVERITY, choose, left_out
from widgets.numbers import format_age, say
from widgets.options import Options

# The least a cell needs for two lines of text, in pixels at 1080p.
CELL_WIDTH = 112
CELL_HEIGHT = 54
MOST_COLUMNS = 12


class StatusOptions(Options):
    pass


class Status(Kind):
    slug = "status"
    label = "Status cells"
    Options = StatusOptions
    size = (3, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        width, height = pixels(frame)
        most = min(max(width // CELL_WIDTH, 1), MOST_COLUMNS)
        lines = choose(data.lines, most * max(height // CELL_HEIGHT, 1))
        return {
            "columns": columns(len(lines), width, height, most),
            "cells": [cell(line, frame.now) for line in lines],
            "footer": count_states(data.lines),
            "more": left_out(data, len(lines)),
        }


def columns(count: int, width: int, height: int, most: int) -> int:
    """How many columns make cells that are nearest to twice as wide as high."""

    def strain(across: int) -> float:
        down = -(-count // across)
        ratio = (width / across) / (height / down)
        return max(ratio / 2, 2 / ratio)

    fitting = [n for n in range(1, most + 1) if -(-count // n) * CELL_HEIGHT <= height]
    return min(fitting or [most], key=strain) if count else 1


def cell(line: Line, now: int) -> dict[str, Any]:
    bad = line.state != "ok"
    said = line.message or (line.state if line.value is None else say(line.value, line.unit))
    if bad and line.since is not None:
        said = f"{said}, {format_age(now - line.since)}"
    return {
        "name": line.name,
        "said": said,
        "state": line.state,
        "freshness": line.freshness,
        "mark": MARKS[line.state],
        "old": "◌ " if line.freshness in {"stale", "failed"} else "",
    }


def count_states(lines: Sequence[Line]) -> str:
    """`1 critical, 2 warning, 14 ok`; the worst first, for the end may be cut."""
    counts = {state: sum(line.state == state for line in lines) for state in SEVERITY}
    return ", ".join(f"{n:,} {state}" for state, n in counts.items() if n)
