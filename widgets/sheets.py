"""Pictures as tables, for who cannot see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from widgets.clock import DAY, as_datetime, format_duration
from widgets.kinds import Data, Frame, Kind, Line, Sheet
from widgets.numbers import NONE, format_age, say
from widgets.scales import extent, within

MOST_ROWS = 200
MOST_COLUMNS = 20
MOST_TEXT = 200
# A window is told in so many steps.
STEPS = 24


def sheet(kind: Kind, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
    """What the kind says, or what the data are."""
    own = kind.sheet(options, data, frame)
    if own is not None:
        return own
    return rows_sheet(data) if data.rows and not data.lines else lines_sheet(data, frame.now)


def lines_sheet(data: Data, now: int) -> Sheet:
    return Sheet(
        ("Series", "Value", "State", "Age"),
        [
            (
                line.name,
                say(line.value, line.unit),
                f"{line.state}: {line.message}" if line.message else line.state,
                NONE if line.at is None else format_age(now - line.at),
            )
            for line in data.lines[:MOST_ROWS]
        ],
    )


def rows_sheet(data: Data) -> Sheet:
    head = list(dict.fromkeys(key for row in data.rows for key in row))[:MOST_COLUMNS]
    return Sheet(head, [[_cell(row.get(key)) for key in head] for row in data.rows[:MOST_ROWS]])


def _cell(value: Any) -> str:
    if value is None:
        return NONE
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:MOST_TEXT]


def history_sheet(lines: Sequence[Line], frame: Frame, window: int) -> Sheet:
    """The window in equal steps: of each series the least and the greatest value in each."""
    step = max(window // STEPS, 1)
    start = frame.now - step * STEPS
    lines = lines[:MOST_COLUMNS]
    rows: list[list[str]] = []
    for i in range(STEPS if lines else 0):
        begin = start + i * step
        cells = [_between(line, begin, begin + step - (i < STEPS - 1)) for line in lines]
        rows.append([say_moment(begin, frame), *cells])
    return Sheet([f"From, each {format_duration(step)}", *(line.name for line in lines)], rows)


def _between(line: Line, start: int, end: int) -> str:
    ends = extent([value for _, value in within(line.points, start, end)])
    if ends is None:
        return NONE
    low, high = (say(end, line.unit, "short") for end in ends)
    return low if low == high else f"{low} to {high}"


def say_moment(moment: int, frame: Frame) -> str:
    """In the frame's zone: `14:05`, with the date if it is not of today."""
    at, today = (as_datetime(m).astimezone(frame.zone) for m in (moment, frame.now))
    if at.date() == today.date() and frame.now - moment < DAY:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b %H:%M}"
