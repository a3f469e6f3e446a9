"""One number on a dial of 270 degrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from widgets import formula
from widgets.axes import percent
from widgets.formula import UnitOptions
from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._words import explain, left_out
from widgets.kinds.stat import fit
from widgets.numbers import format_number, say
from widgets.paths import arc_path
from widgets.scales import Scale

# Degrees from twelve o'clock.
FROM, TO = -135.0, 135.0
RADIUS = 42
ZONE_RADIUS = 48.5


class GaugeOptions(UnitOptions):
    min = forms.FloatField(initial=0, help_text="Where the dial begins.")
    max = forms.FloatField(
        required=False,
        help_text="Where it ends; empty: 100 for %, or the critical limit.",
    )


class Gauge(Kind):
    slug = "gauge"
    label = "Gauge"
    Options = GaugeOptions
    size = (2, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        lines = formula.apply(options, data.lines)
        line = lines[0] if lines else Line("", "")
        top = dial_top(line, options["max"])
        scale = Scale.over(min(options["min"], top), max(options["min"], top))
        text, unit = format_number(line.value, line.unit, "short")
        share = 0.0 if line.value is None else scale.share(line.value)
        whole = "" if line.unit == "%" and top == 100 else f"of {say(top, line.unit, 'short')}"
        return {
            # There is no room for a dial: a bar beside the number.
            "flat": frame.height == 1,
            "share": percent(share),
            "fit": fit(text, unit),
            "text": text,
            "unit": unit,
            "font": f"{min(27, 90 / fit(text, '')):.1f}",
            "track": arc_path(FROM, TO, RADIUS),
            "fill": arc_path(FROM, angle(share), RADIUS) if share > 0 else "",
            "zones": zones(line, scale),
            "described": f"{say(line.value, line.unit)} {whole}".strip(),
            "footer": explain(line, frame.now) or whole,
            "more": 0 if options["formula"] else left_out(data, 1),
        }


def dial_top(line: Line, given: float | None) -> float:
    if given is not None:
        return given
    if line.unit == "%":
        return 100.0
    limits = line.limits
    top = limits.critical_above if limits.critical_above is not None else limits.warning_above
    return max(top or 0.0, line.value or 0.0) or 1.0


def angle(share: float) -> float:
    return FROM + (TO - FROM) * share


def zones(line: Line, scale: Scale) -> list[dict[str, str]]:
    """Thin arcs outside of the dial where it is warning and critical."""
    limits = line.limits
    found = []
    for state, above, below in (
        ("warning", limits.warning_above, limits.warning_below),
        ("critical", limits.critical_above, limits.critical_below),
    ):
        if above is not None and scale.share(above) < 1:
            arc = arc_path(angle(scale.share(above)), TO, ZONE_RADIUS)
            found.append({"state": state, "d": arc})
        if below is not None and scale.share(below) > 0:
            arc = arc_path(FROM, angle(scale.share(below)), ZONE_RADIUS)
            found.append({"state": state, "d": arc})
    return found
