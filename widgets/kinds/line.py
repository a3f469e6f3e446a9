"""Several series over time, on axes with round ticks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.clock import DAY, MINUTE, format_duration
from widgets.kinds import Data, Frame, Kind, Line, Needs
from widgets.kinds._room import pixels
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.numbers import format_ticks, say
from widgets.options import BoolField, DurationField, Options
from widgets.scales import (
    Scale,
    extent,
    inner_ticks,
    line_and_area,
    round_ticks,
    time_label,
    time_ticks,
    within,
)

# More colours than these cannot be told apart from across a room.
COLOURS = 8


class LineOptions(Options):
    window = DurationField(
        initial="1h", least=MINUTE, most=366 * DAY, help_text="How far back it goes."
    )
    min = forms.FloatField(
        required=False, help_text="The foot of the axis; empty: as the values have it."
    )
    max = forms.FloatField(
        required=False, help_text="The top of the axis; empty: as the values have it."
    )
    legend = BoolField(initial=True, help_text="Name each series with its last value.")


class LineChart(Kind):
    slug = "line"
    label = "Line chart"
    Options = LineOptions
    size = (6, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(window=options["window"])

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        lines = choose(data.lines, COLOURS)
        window = frame.window or options["window"]
        start, end = frame.now - window, frame.now
        points = [within(line.points, start, end) for line in lines]
        span = extent([value for some in points for _, value in some])
        unit = lines[0].unit if lines else ""
        scale, ticks = y_axis(options, lines, span or (0, 1), 5 if frame.height > 2 else 3)
        labels = format_ticks(ticks, unit)
        return {
            "empty": "" if span else f"No readings in the last {format_duration(window)}",
            "axis": min(max(map(len, labels), default=1), 10),
            "y": [
                {"at": percent(1 - scale.share(tick)), "label": label}
                for tick, label in zip(ticks, labels, strict=True)
            ],
            "x": x_axis(start, end, frame),
            "limits": limit_lines(lines, scale),
            "paths": [
                {"colour": i + 1, "d": d, "area": area if len(lines) == 1 else ""}
                for i, (line, some) in enumerate(zip(lines, points, strict=True))
                for d, area in [line_and_area(some, start, end, scale, line.step)]
                if d
            ],
            "legend": legend(lines, frame) if options["legend"] else None,
            "described": describe(lines, window),
            "more": left_out(data, len(lines)),
        }


def y_axis(
    options: Mapping[str, Any], lines: Sequence[Line], span: tuple[float, float], count: int
) -> tuple[Scale, list[float]]:
    """The scale and its ticks; ends that somebody has fixed stay where they are."""
    unit = lines[0].unit if lines else ""
    low, high = with_limits(lines, *with_zero(*span))
    fixed_low, fixed_high = options["min"], options["max"]
    ticks = round_ticks(
        low if fixed_low is None else fixed_low,
        high if fixed_high is None else fixed_high,
        count,
        unit,
    )
    low = ticks[0] if fixed_low is None else fixed_low
    high = ticks[-1] if fixed_high is None else fixed_high
    scale = Scale.over(min(low, high), max(low, high))
    if fixed_low is None and fixed_high is None:
        return scale, ticks
    return scale, inner_ticks(scale.low, scale.high, count, unit)


def with_zero(low: float, high: float) -> tuple[float, float]:
    """Down to zero, unless that would press the line flat against the top."""
    return (0.0, high) if 0 <= low <= 0.6 * high else (low, high)


def with_limits(lines: Sequence[Line], low: float, high: float) -> tuple[float, float]:
    """Far enough to show the limits that are near; a far one would press the line flat."""
    near = high / 2 - low / 2 or 1.0
    for value, _ in limits_of(lines):
        if low / 2 - near <= value / 2 <= high / 2 + near:
            low, high = min(low, value), max(high, value)
    return low, high


def limits_of(lines: Sequence[Line]) -> list[tuple[float, str]]:
    """Each limit of any line once, with the state that begins there."""
    found: dict[float, str] = {}
    for line in lines:
        limits = line.limits
        for value in (limits.warning_above, limits.warning_below):
            if value is not None:
                found.setdefault(value, "warning")
        for value in (limits.critical_above, limits.critical_below):
            if value is not None:
                found[value] = "critical"
    return sorted(found.items())


def limit_lines(lines: Sequence[Line], scale: Scale) -> list[dict[str, str]]:
    return [
        {"at": percent(1 - scale.share(value)), "state": state}
        for value, state in limits_of(lines)
        if scale.low <= value <= scale.high
    ]


def x_axis(start: int, end: int, frame: Frame) -> list[dict[str, str]]:
    step, moments = time_ticks(start, end, min(max(frame.width, 2), 10), frame.zone)
    close = len(moments) > 5
    found = []
    for moment in moments:
        share = (moment - start) / (end - start)
        # A label in the middle of the first or last tick would stick out of the tile; moved in,
        # it would lie on its neighbour where that is close.
        anchor = "start" if share < 0.05 else "end" if share > 0.95 else "middle"
        if close and anchor != "middle":
            continue
        label = time_label(moment, step, frame.zone)
        found.append({"at": percent(share), "anchor": anchor, "label": label})
    return found


def percent(share: float) -> str:
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return f"{text}%"


def legend(lines: Sequence[Line], frame: Frame) -> dict[str, Any]:
    """Names with last values, as many as fit on one row of the tile; the rest is counted."""
    room = pixels(frame)[0] - 60
    items: list[dict[str, Any]] = []
    hidden = []
    for i, (line, short) in enumerate(zip(lines, short_names(lines), strict=True)):
        value = say(line.value, line.unit, "short")
        width = 13 * (min(len(short), 16) + len(value)) + 70
        if width > room and items:
            hidden.append(line.name)
            continue
        room -= width
        mark = MARKS[line.state]
        items.append(
            {"colour": i + 1, "name": line.name, "short": short, "value": value, "mark": mark}
        )
    return {"items": items, "more": len(hidden), "names": ", ".join(hidden)[:500]}


def describe(lines: Sequence[Line], window: int) -> str:
    """The picture in words, for who cannot see it."""
    said = ", ".join(f"{line.name} {say(line.value, line.unit, 'short')}" for line in lines)
    return f"Line chart of the last {format_duration(window)}; now: {said or 'nothing'}"
