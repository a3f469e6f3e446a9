"""How far each value is on its way to a goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets import formula
from widgets.axes import limits_of, percent
from widgets.formula import UnitOptions
from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.layout import lines_that_fit
from widgets.numbers import format_number, say
from widgets.scales import Scale

# Of the words' size.
ROW_LINES = 2.5


class BulletOptions(UnitOptions):
    goal = forms.FloatField(
        required=False,
        help_text="What is to be reached, marked on each bar; empty: 100 for %, or the limit.",
    )
    max = forms.FloatField(
        required=False, help_text="Where the bars end; empty: a little beyond goal and values."
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many bars; empty: as many as fit.",
    )


class Bullet(Kind):
    slug = "bullet"
    label = "Progress to a goal"
    Options = BulletOptions
    size = (4, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        lines = formula.apply(options, data.lines)
        room = lines_that_fit(frame, ROW_LINES)
        shown = choose(lines, min(room, options["limit"] or room))
        goals = [goal_of(line, options["goal"]) for line in shown]
        scale = bullet_scale(shown, goals, options["max"])
        return {
            "bullets": [
                bullet(line, short, goal, scale)
                for line, short, goal in zip(shown, short_names(shown), goals, strict=True)
            ],
            "more": 0 if options["formula"] else left_out(data, len(shown)),
        }


def goal_of(line: Line, given: float | None) -> float | None:
    if given is not None:
        return given
    limits = line.limits
    for limit in (limits.warning_above, limits.critical_above, limits.warning_below):
        if limit is not None:
            return limit
    return 100.0 if line.unit == "%" else None


def bullet_scale(lines: Sequence[Line], goals: Sequence[float | None], top: float | None) -> Scale:
    """From zero, or the least below it, to a little beyond the greatest: every goal shows."""
    values = [v for v in (*goals, *(line.value for line in lines)) if v is not None]
    low, high = min([0.0, *values]), max([0.0, *values])
    if top is None:
        percentage = bool(lines) and lines[0].unit == "%" and high <= 100
        top = 100.0 if percentage else high + (high / 20 - low / 20)
    return Scale.over(low, top) if top > low else Scale.over(low, low + 1)


def bullet(line: Line, short: str, goal: float | None, scale: Scale) -> dict[str, Any]:
    number, unit = format_number(line.value, line.unit)
    end = 0.0 if line.value is None else scale.share(line.value)
    zero = scale.share(0.0)
    return {
        "name": line.name,
        "short": short,
        "number": number,
        "unit": unit,
        "of": "" if goal is None else f"of {say(goal, line.unit)}",
        "done": done(line.value, goal),
        "state": line.state,
        "mark": MARKS[line.state],
        "freshness": line.freshness,
        "x": percent(min(zero, end)),
        "width": percent(abs(end - zero)),
        "goal": "" if goal is None else percent(scale.share(goal)),
        "limits": [
            {"at": percent(scale.share(value)), "state": state}
            for value, state in limits_of([line])
            if scale.low <= value <= scale.high and value != goal
        ],
    }


def done(value: float | None, goal: float | None) -> str:
    """How much of the goal there is; a goal of nothing, or of less, has no share."""
    if value is None or goal is None or goal <= 0:
        return ""
    share = value / goal * 100
    return say(share, "%", "short") if 0 <= share < 10_000 else ""
