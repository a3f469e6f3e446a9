"""Series side by side, as horizontal bars with their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._room import rows_that_fit
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.numbers import format_number, join, say
from widgets.options import Options
from widgets.scales import Scale

ROW_HEIGHT = 38


class BarsOptions(Options):
    max = forms.FloatField(
        required=False, help_text="What a full bar is; empty: 100 for %, or the greatest value."
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many bars; empty: as many as fit.",
    )


class Bars(Kind):
    slug = "bars"
    label = "Bars"
    Options = BarsOptions
    size = (3, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        room = rows_that_fit(frame, ROW_HEIGHT)
        lines = choose(data.lines, min(room, options["limit"] or room))
        scale = bar_scale(lines, options["max"])
        zero = scale.share(0.0)
        return {
            "bars": [
                bar(line, short, scale, zero)
                for line, short in zip(lines, short_names(lines), strict=True)
            ],
            "footer": limit_text(lines, options["max"]),
            "more": left_out(data, len(lines)),
        }


def bar_scale(lines: Sequence[Line], top: float | None) -> Scale:
    """From zero, or the least where that is below, to the top."""
    values = [line.value for line in lines if line.value is not None]
    if top is None:
        percentage = bool(lines) and lines[0].unit == "%"
        top = max([100.0 if percentage else 0.0, *values])
    low = min([0.0, *values])
    return Scale.over(low, top) if top > low else Scale.over(low, low + 1)


def bar(line: Line, short: str, scale: Scale, zero: float) -> dict[str, Any]:
    end = zero if line.value is None else scale.share(line.value)
    return {
        "name": line.name,
        "short": short,
        "value": join(*format_number(line.value, line.unit)),
        "state": line.state,
        "mark": MARKS[line.state],
        "freshness": line.freshness,
        "x": f"{min(zero, end) * 100:.2f}%",
        "width": f"{abs(end - zero) * 100:.2f}%",
    }


def limit_text(lines: Sequence[Line], top: float | None) -> str:
    """The one limit all bars have, or what a full bar is."""
    limits = {
        line.limits.critical_above
        if line.limits.warning_above is None
        else line.limits.warning_above
        for line in lines
    }
    limit = next(iter(limits)) if len(limits) == 1 else None
    if limit is not None:
        return f"limit {say(limit, lines[0].unit)}"
    return f"of {say(top, lines[0].unit)}" if top is not None and lines else ""
