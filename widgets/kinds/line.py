"""Several series over time: as lines, areas, steps, or stacked on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets import formula
from widgets.axes import (
    Axis,
    limit_lines,
    log_axis,
    plot_size,
    tick_count,
    time_axis,
    value_axis,
    with_limits,
    with_zero,
)
from widgets.clock import DAY, MINUTE, format_duration
from widgets.formula import UnitOptions
from widgets.kinds import Data, Frame, Kind, Line, Needs, Sheet
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.layout import pack, pixels, text_width
from widgets.numbers import say
from widgets.options import BoolField, DurationField
from widgets.paths import line_and_area, stepped
from widgets.scales import Point, extent, within
from widgets.sheets import history_sheet
from widgets.stacking import stacked, usual_step

# More colours than these cannot be told apart from across a room.
COLOURS = 8
# A picture has so many points at most; 300 of three lines are 5 kB.
MOST_STACKED = 300
STYLES = [(s, s) for s in ("line", "area", "step")]
SCALES = [(s, s) for s in ("linear", "log")]


class LineOptions(UnitOptions):
    window = DurationField(
        initial="1h", least=MINUTE, most=366 * DAY, help_text="How far back it goes."
    )
    style = forms.ChoiceField(
        choices=STYLES,
        initial="line",
        help_text="line; area: filled down to the foot; step: each value holds until the next.",
    )
    stack = BoolField(initial=False, help_text="Lay the series on top of each other.")
    scale = forms.ChoiceField(
        choices=SCALES, initial="linear", help_text="linear, or log: ten times is one step."
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
        lines = choose(formula.apply(options, data.lines), COLOURS)
        window = frame.window or options["window"]
        start, end = frame.now - window, frame.now
        drawn = layers(options, lines, start, end)
        span = extent([value for some in drawn for _, value in some])
        bare = frame.height == 1
        named = options["legend"] and not bare
        axis = y_axis(
            options, lines, span or (0, 1), tick_count(plot_size(frame, 1, legend=named)[1])
        )
        width, _ = plot_size(frame, axis.digits, legend=named)
        return {
            "empty": "" if span else f"No readings in the last {format_duration(window)}",
            "bare": bare,
            "axis": str(axis.digits),
            "y": () if bare else axis.marks,
            "grid": "" if bare else axis.grid,
            "x": () if bare else time_axis(start, end, frame, width),
            "limits": () if options["stack"] else limit_lines(lines, axis),
            "stack": options["stack"],
            "paths": paths(options, lines, drawn, axis, start, end),
            "legend": legend(lines, frame) if named else None,
            "footer": ", ".join(f"{one.name} {say(one.value, one.unit, 'short')}" for one in lines)
            if bare
            else "",
            "described": describe(lines, window),
            "more": 0 if options["formula"] else left_out(data, len(lines)),
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        lines = formula.apply(options, data.lines)
        return history_sheet(lines, frame, frame.window or options["window"])


def layers(
    options: Mapping[str, Any], lines: Sequence[Line], start: int, end: int
) -> Sequence[Sequence[Point]]:
    """The points to draw, by line."""
    points = [within(line.points, start, end) for line in lines]
    if options["stack"]:
        return stacked(points, [line.step for line in lines], MOST_STACKED)
    return points


def y_axis(
    options: Mapping[str, Any], lines: Sequence[Line], span: tuple[float, float], count: int
) -> Axis:
    unit = lines[0].unit if lines else ""
    if options["scale"] == "log" and not options["stack"]:
        least = min((v for one in lines for _, v in one.points if v > 0), default=1.0)
        return log_axis((least, span[1]), unit, count)
    span = (0.0, span[1]) if options["stack"] else with_limits(lines, *with_zero(*span))
    return value_axis(span, unit, count, (options["min"], options["max"]))


def paths(
    options: Mapping[str, Any],
    lines: Sequence[Line],
    drawn: Sequence[Sequence[Point]],
    axis: Axis,
    start: int,
    end: int,
) -> list[dict[str, Any]]:
    """The highest layer of a stack first: each is filled to the foot, and the next covers it."""
    filled = len(lines) == 1 or options["style"] == "area" or options["stack"]
    found = []
    for i, (line, points) in enumerate(zip(lines, drawn, strict=True)):
        step = usual_step(lines) if options["stack"] else line.step
        if axis.log:
            points = [(ts, axis.log.log(value)) for ts, value in points]
        if options["style"] == "step":
            points = stepped(points, step)
        d, area = line_and_area(points, start, end, axis.scale, step)
        if d:
            found.append({"colour": str(i + 1), "d": d, "area": area if filled else ""})
    return found[::-1] if options["stack"] else found


def legend(lines: Sequence[Line], frame: Frame) -> dict[str, Any]:
    """Names with last values, as many as fit on one row of the tile; the rest is counted."""
    room = pixels(frame)[0] - 60
    size = 24 if frame.width > 3 else 20
    items: list[dict[str, Any]] = []
    for i, (line, short) in enumerate(zip(lines, short_names(lines), strict=True)):
        value = say(line.value, line.unit, "short")
        items.append(
            {
                "colour": str(i + 1),
                "name": line.name,
                "short": short,
                "value": value,
                "mark": MARKS[line.state],
            }
        )
    widths = [text_width(f"{one['short'][:16]} {one['value']}", size) + 40 for one in items]
    fits = pack(widths, room, 1.3 * size)
    hidden = [line.name for line in lines[fits:]]
    return {"items": items[:fits], "more": len(hidden), "names": ", ".join(hidden)[:500]}


def describe(lines: Sequence[Line], window: int) -> str:
    """The picture in words, for who cannot see it."""
    said = ", ".join(f"{line.name} {say(line.value, line.unit, 'short')}" for line in lines)
    return f"Line chart of the last {format_duration(window)}; now: {said or 'nothing'}"
