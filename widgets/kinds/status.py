"""A cell for each series: what it is, how it is, and since when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._words import MARKS, SEVERITY, badness, choose, left_out, short_names
from widgets.layout import pixels
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
# Of dense cells: the height of a name beneath them, how many of those, and the least square, px at
# 1080p, on which a sign can be read.
NAME_HEIGHT = 32
MOST_NAMED = 3
LEAST_SIGN = 26
# Triangle, diamond, an empty square, an empty one on its corner; from the corner of a square of 8.
SHAPES = {
    "critical": "m4-1l5 9h-10z",
    "warning": "m4-1l5 5-5 5-5-5z",
    "unknown": "h8v8h-8z",
    "stale": "m4 0l4 4-4 4-4-4z",
}
OLD = {"stale", "failed"}


class StatusOptions(Options):
    dense = forms.ChoiceField(
        choices=[(d, d) for d in ("auto", "yes", "no")],
        initial="auto",
        help_text="yes: small cells without words, for hundreds; auto: where words do not fit.",
    )


class Status(Kind):
    slug = "status"
    label = "Status cells"
    Options = StatusOptions
    size = (3, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        width, height = pixels(frame)
        most = min(max(width // cell_width(data.lines, frame.now), 1), MOST_COLUMNS)
        room = most * max(height // CELL_HEIGHT, 1)
        tight = len(data.lines) > room or frame.height == 1
        if options["dense"] == "yes" or (options["dense"] == "auto" and tight):
            return dense(data, width, height, frame.now)
        lines = choose(data.lines, room)
        return {
            "columns": columns(len(lines), width, height, most),
            "cells": [
                cell(line, short, frame.now)
                for line, short in zip(lines, short_names(lines), strict=True)
            ],
            "footer": count_states(data.lines),
            "more": left_out(data, len(lines)),
        }


def dense(data: Data, width: int, height: int, now: int) -> dict[str, Any]:
    """A small cell for each series without words, and beneath them the names of the worst.

    What is well is one path. What is not has a sign on it, or where that were too small a shape
    of its own, so that no colour has to be told.
    """
    lines = data.lines
    bad = sorted(
        (line for line in lines if line.state != "ok" or line.freshness in OLD), key=badness
    )
    named = bad[: max(min((height - 30) // NAME_HEIGHT, MOST_NAMED), 0)]
    across, side = squares(len(lines), width, height - NAME_HEIGHT * len(named))
    places = [(i % across, i // across) for i in range(len(lines))]
    well, marked = [], []
    for (x, y), line in zip(places, lines, strict=True):
        if line.state == "ok" and line.freshness not in OLD:
            well.append(f"M{x * 10} {y * 10}h8v8h-8z")
        else:
            sign = MARKS[line.state] or "◌"
            shape = SHAPES["stale" if line.state == "ok" else line.state]
            d = f"M{x * 10} {y * 10}{shape}"
            marked.append({"x": x * 10, "y": y * 10, "state": line.state, "sign": sign, "d": d})
    return {
        "dense": True,
        "view": f"0 0 {across * 10 - 2} {max(-(-len(lines) // across), 1) * 10 - 2}",
        "well": "".join(well),
        "signs": side >= LEAST_SIGN,
        "marked": marked,
        "named": [cell(line, line.name, now) for line in named],
        "described": f"{len(lines):,} cells: {count_states(lines)}",
        "footer": count_states(lines),
        "more": data.hidden,
    }


def squares(count: int, width: int, height: int) -> tuple[int, float]:
    """How many columns make the largest squares that all fit, and their side in px."""
    best, side = 1, 0.0
    for across in range(1, max(count, 1) + 1):
        down = max(-(-count // across), 1)
        if (fits := min(width / across, max(height, 1) / down)) > side:
            best, side = across, fits
    return best, side


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
