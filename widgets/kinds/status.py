"""A cell for each series: what it is, how it is, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._room import pixels
from widgets.kinds._words import MARKS, SEVERITY, choose, left_out, short_names
from widgets.numbers import format_age, say
from widgets.options import Options

# The least a cell needs for two lines of text, in pixels at 1080p; a longer text than so many
# characters ends in an ellipsis before it makes every cell wide.
CELL_HEIGHT = 47
CHARACTER = 9
PADDING = 12
CHARACTERS = (6, 11)
MOST_COLUMNS = 12
ROOM_FOR_SINCE = 6


class StatusOptions(Options):
    pass


class Status(Kind):
    slug = "status"
    label = "Status cells"
    Options = StatusOptions
    size = (3, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        width, height = pixels(frame)
        most = min(max(width // cell_width(data.lines, frame.now), 1), MOST_COLUMNS)
        lines = choose(data.lines, most * max(height // CELL_HEIGHT, 1))
        return {
            "columns": columns(len(lines), width, height, most),
            "cells": [
                cell(line, short, frame.now)
                for line, short in zip(lines, short_names(lines), strict=True)
            ],
            "footer": count_states(data.lines),
            "more": left_out(data, len(lines)),
        }


def cell_width(lines: Sequence[Line], now: int) -> int:
    """By the longest name and the longest trouble, within reason."""
    least, most = CHARACTERS
    names = (len(short) for short in short_names(lines))
    troubles = (len(say_state(line, now)) for line in lines if line.state != "ok")
    longest = max(chain(names, troubles), default=least)
    return CHARACTER * min(max(longest, least), most) + PADDING


def columns(count: int, width: int, height: int, most: int) -> int:
    """How many columns make cells near to twice as wide as high, and few of them empty."""

    def strain(across: int) -> float:
        down = -(-count // across)
        ratio = (width / across) / (height / down)
        return max(ratio / 2, 2 / ratio) * across * down / count

    fitting = [n for n in range(1, most + 1) if -(-count // n) * CELL_HEIGHT <= height]
    return min(fitting or [most], key=strain) if count else 1


def cell(line: Line, short: str, now: int) -> dict[str, Any]:
    return {
        "name": line.name,
        "short": short,
        "said": say_state(line, now),
        "state": line.state,
        "freshness": line.freshness,
        "mark": MARKS[line.state],
        "old": "◌ " if line.freshness in {"stale", "failed"} else "",
    }


def say_state(line: Line, now: int) -> str:
    """What its source says, or its value; and since when, if it is bad and there is room."""
    value = line.state if line.value is None else say(line.value, line.unit, "short")
    said = line.message or value
    if line.state == "ok" or line.since is None or len(said) > ROOM_FOR_SINCE:
        return said
    return f"{said} {format_age(now - line.since)}"


def count_states(lines: Sequence[Line]) -> str:
    """`1 critical, 2 warning, 14 ok`; the worst first, for the end may be cut."""
    counts = {state: sum(line.state == state for line in lines) for state in SEVERITY}
    return ", ".join(f"{n:,} {state}" for state, n in counts.items() if n)
