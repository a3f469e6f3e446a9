"""One number, large: with its unit, how it has changed, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from widgets import formula
from widgets.clock import DAY, MINUTE, format_duration
from widgets.formula import UnitOptions
from widgets.history import thin
from widgets.kinds import Data, Frame, Kind, Line, Needs, Sheet
from widgets.kinds._words import explain, left_out
from widgets.numbers import format_number, join, say
from widgets.options import BoolField, DurationField
from widgets.paths import line_and_area
from widgets.scales import Scale, extent, within
from widgets.sheets import history_sheet

# Of a spark some hundred pixels wide more points than these cannot be told apart.
SPARK_POINTS = 100


class StatOptions(UnitOptions):
    compare = DurationField(
        required=False,
        initial="",
        least=MINUTE,
        most=366 * DAY,
        help_text="Show the change since so long ago, such as 1h or 7d; empty: none.",
    )
    spark = BoolField(initial=True, help_text="Draw how the value went beneath it.")
    window = DurationField(
        initial="1h", least=MINUTE, most=366 * DAY, help_text="How far back the spark goes."
    )
    target = forms.CharField(
        required=False,
        initial="",
        max_length=100,
        help_text="A few words beneath the number, such as: target 99.9 %.",
    )
    goal = forms.FloatField(
        required=False, help_text="The number to reach; how far it is off stands beneath it."
    )


class Stat(Kind):
    slug = "stat"
    label = "Number"
    Options = StatOptions
    size = (3, 2)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(
            window=options["window"] if options["spark"] else 0,
            offsets=(options["compare"],) if options["compare"] else (),
        )

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        lines = formula.apply(options, data.lines)
        line = lines[0] if lines else Line("", "")
        text, unit = format_number(line.value, line.unit)
        window = frame.window or options["window"]
        return {
            "text": text,
            "unit": unit,
            "fit": str(fit(text, unit)),
            "footer": self.footer(options, line, frame),
            "more": 0 if options["formula"] else left_out(data, 1),
            "spark": spark(line, frame.now - window, frame.now) if options["spark"] else None,
        }

    def footer(self, options: Mapping[str, Any], line: Line, frame: Frame) -> str:
        """What explains the number best: why it is bad, or else its change and its target."""
        if why := explain(line, frame.now):
            return why
        if not line.at and line.message:
            return line.message
        said = [change(line, options["compare"]), to_goal(line, options["goal"]), options["target"]]
        return " · ".join(part for part in said if part)

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet | None:
        if not options["spark"]:
            return None
        lines = formula.apply(options, data.lines)[:1]
        return history_sheet(lines, frame, frame.window or options["window"])


def fit(text: str, unit: str) -> int:
    """The width of a number in digits' widths, 3 to 14: its size follows from it by CSS."""
    return min(max(round(len(text) + 0.45 * len(unit)), 3), 14)


def change(line: Line, offset: int | None) -> str:
    """`+18 ms in 1 h`; nothing when either end is unknown."""
    then = line.then.get(offset) if offset else None
    if line.value is None or then is None or offset is None:
        return ""
    span = format_duration(offset)
    difference = line.value - then
    if not difference:
        return f"unchanged in {span}"
    sign = "+" if difference > 0 else ""
    if line.unit == "%":
        # The difference of two percentages is no percentage of anything.
        return f"{sign}{join(*format_number(difference))} points in {span}"
    return f"{sign}{say(difference, line.unit)} in {span}"


def to_goal(line: Line, goal: float | None) -> str:
    """`160 under the goal of 1,000`; nothing without either."""
    if goal is None or line.value is None:
        return ""
    said, off = say(goal, line.unit), line.value - goal
    if not off:
        return f"at the goal of {said}"
    way = "over" if off > 0 else "under"
    return f"{say(abs(off), line.unit)} {way} the goal of {said}"


def spark(line: Line, start: int, end: int, most: int = SPARK_POINTS) -> dict[str, str] | None:
    """The two paths of a small line; None where there is nothing to draw.

    It has no axis to be read, so a history shorter than the window takes the whole width: on a
    wall that has just begun it would otherwise be a splinter at the right edge.
    """
    points = thin(within(line.points, start, end), most)
    ends = extent([value for _, value in points])
    if ends is None:
        return None
    start = points[0][0]
    # Thinned points stand further apart than the usual step says.
    step = max(line.step, (end - start) // most) if line.step else 0
    path, area = line_and_area(points, start, end, Scale.over(*ends), step)
    return {"line": path, "area": area}
