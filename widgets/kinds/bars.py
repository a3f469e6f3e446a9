"""Series side by side as bars: lying or standing, alone, in groups, or stacked on each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from widgets.axes import TEXT, limit_lines, percent, plot_size, tick_count, value_axis, written
from widgets.kinds import Data, Frame, Kind, Line
from widgets.kinds._words import MARKS, badness, choose, left_out, short_names
from widgets.layout import along, columns_that_fit, pack, pixels, rows_that_fit, text_width
from widgets.numbers import say
from widgets.options import Options
from widgets.scales import Bands, Scale

ROW_HEIGHT = 38
# The least a standing bar takes, px at 1080p.
BAND_WIDTH = 26
# Parts of a group have colours of their own.
COLOURS = 8
DIRECTIONS = [(d, d) for d in ("horizontal", "vertical")]
TOGETHER = [(t, t) for t in ("none", "grouped", "stacked")]


class BarsOptions(Options):
    direction = forms.ChoiceField(
        choices=DIRECTIONS, initial="horizontal", help_text="horizontal or vertical bars."
    )
    together = forms.ChoiceField(
        choices=TOGETHER,
        initial="none",
        help_text="Series whose names begin alike: each a bar (none), side by side (grouped), or "
        "on top of each other (stacked).",
    )
    split = forms.CharField(
        initial=".",
        max_length=5,
        help_text="What parts the beginning of a name from its end: `.` in web.read, web.write.",
    )
    max = forms.FloatField(
        required=False, help_text="What a full bar is; empty: 100 for %, or the greatest value."
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many bars; empty: as many as fit.",
    )


@dataclass(frozen=True, slots=True)
class Group:
    """What stands at one place. `parts`: the colour (0: its state's) and the line of each."""

    name: str
    short: str
    parts: Sequence[tuple[int, Line]]

    @property
    def worst(self) -> Line:
        return min((line for _, line in self.parts), key=badness)

    @property
    def values(self) -> list[float]:
        return [0.0 if line.value is None else line.value for _, line in self.parts]


class Bars(Kind):
    slug = "bars"
    label = "Bars"
    Options = BarsOptions
    size = (3, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        groups, parts = grouped(options, data.lines)
        standing = options["direction"] == "vertical" and frame.height > 1
        fits = columns_that_fit(frame, BAND_WIDTH) if standing else rows_that_fit(frame, ROW_HEIGHT)
        groups = kept(
            groups, min(fits - bool(parts and not standing) or 1, options["limit"] or fits)
        )
        lines = [line for group in groups for _, line in group.parts]
        stack = options["together"] == "stacked"
        shared = {
            "lying": not standing,
            "legend": legend(parts, frame) if parts and frame.height > 1 else None,
            "footer": limit_text(lines, options["max"]),
            "more": left_out(data, len(lines)),
        }
        if standing:
            return shared | columns(groups, options["max"], stack, frame)
        scale = bar_scale(groups, options["max"], stack)
        return shared | {"bars": [row(group, scale, stack) for group in groups]}


def grouped(options: Mapping[str, Any], lines: Sequence[Line]) -> tuple[list[Group], Sequence[str]]:
    """What stands where, and the names of the parts, by colour."""
    if options["together"] == "none":
        pairs = zip(lines, short_names(lines), strict=True)
        return [Group(line.name, short, [(0, line)]) for line, short in pairs], ()
    found: dict[str, dict[str, Line]] = {}
    for line in lines:
        name, _, part = line.name.partition(options["split"])
        found.setdefault(name, {}).setdefault(part, line)
    names = list(dict.fromkeys(part for parts in found.values() for part in parts))[:COLOURS]
    return [
        Group(name, name, [(names.index(p) + 1, line) for p, line in parts.items() if p in names])
        for name, parts in found.items()
        if any(part in names for part in parts)
    ], names


def kept(groups: list[Group], room: int) -> list[Group]:
    """As many as fit; what is left out is never worse than what is shown."""
    worst = choose([group.worst for group in groups], room)
    shown = {id(line) for line in worst}
    return [group for group in groups if id(group.worst) in shown][:room]


def ends(groups: Sequence[Group], stack: bool) -> tuple[float, float]:
    """The least and the greatest any bar reaches, zero among them."""
    if stack:
        sums = [sum(v for v in group.values if v > 0) for group in groups]
        return 0.0, min(max([0.0, *sums]), 1e300)
    values = [value for group in groups for value in group.values]
    return min([0.0, *values]), max([0.0, *values])


def bar_scale(groups: Sequence[Group], top: float | None, stack: bool) -> Scale:
    """From zero, or the least where that is below, to the top."""
    low, high = ends(groups, stack)
    if top is None:
        percentage = bool(groups) and groups[0].worst.unit == "%"
        top = max(100.0 if percentage else 0.0, high)
    return Scale.over(low, top) if top > low else Scale.over(low, low + 1)


def pieces(group: Group, scale: Scale, stack: bool) -> list[tuple[int, float, float]]:
    """The colour of each part, and from where to where it reaches, as shares."""
    found, total = [], 0.0
    for (colour, _), value in zip(group.parts, group.values, strict=True):
        begin = total if stack else 0.0
        end = min(begin + max(value, 0.0), 1e300) if stack else value
        total = end
        low, high = sorted((scale.share(begin), scale.share(end)))
        found.append((colour, low, high))
    return found


def row(group: Group, scale: Scale, stack: bool) -> dict[str, Any]:
    """A lying bar: its parts one after the other, or one above the other."""
    drawn = pieces(group, scale, stack)
    bands = Bands(1 if stack else len(drawn), 0 if stack or len(drawn) == 1 else 0.15)
    places = [0] * len(drawn) if stack else range(len(drawn))
    worst = group.worst
    return {
        **facts(group, stack),
        "thick": len(drawn) > 1 and not stack,
        "rects": [
            {
                "colour": colour,
                "x": f"{low * 100:.2f}%",
                "width": f"{(high - low) * 100:.2f}%",
                "y": percent(bands.start(place)),
                "height": percent(bands.width),
            }
            for place, (colour, low, high) in zip(places, drawn, strict=True)
        ],
        "freshness": worst.freshness,
    }


def facts(group: Group, stack: bool) -> dict[str, Any]:
    worst = group.worst
    return {
        "name": described(group),
        "short": group.short,
        "value": said(group, stack),
        "state": worst.state,
        "mark": MARKS[worst.state],
    }


def said(group: Group, stack: bool) -> str:
    """The value of a bar, the sum of a stack, the greatest of a group."""
    if all(line.value is None for _, line in group.parts):
        return say(None)
    values = group.values
    total = min(sum(v for v in values if v > 0), 1e300) if stack else max(values)
    return say(total, group.worst.unit)


def described(group: Group) -> str:
    """In words, for who cannot see its parts."""
    if len(group.parts) == 1:
        return group.parts[0][1].name
    return ", ".join(
        f"{line.name} {say(line.value, line.unit, 'short')}" for _, line in group.parts
    )


def columns(
    groups: Sequence[Group], top: float | None, stack: bool, frame: Frame
) -> dict[str, Any]:
    """Standing bars on axes."""
    unit = groups[0].worst.unit if groups else ""
    _, height = plot_size(frame, 1, legend=False)
    low, high = ends(groups, stack)
    axis = value_axis((low, high), unit, tick_count(height), (None, top))
    width, _ = plot_size(frame, axis.digits, legend=False)
    bands = Bands(len(groups), 0.3)
    labels = along(
        [bands.middle(i) for i in range(len(groups))],
        [MARKS[g.worst.state] + g.short[:16] for g in groups],
        width,
        TEXT,
    )
    return {
        "empty": "" if groups else "Nothing to show",
        "axis": axis.digits,
        "y": axis.marks,
        "grid": axis.grid,
        "x": written(labels, 3),
        "limits": limit_lines([line for group in groups for _, line in group.parts], axis),
        "columns": [
            column(group, bands.start(i), bands.width, axis.scale, stack)
            for i, group in enumerate(groups)
        ],
        "described": "Bars: " + ", ".join(f"{g.name} {said(g, stack)}" for g in groups),
    }


def column(group: Group, start: float, width: float, scale: Scale, stack: bool) -> dict[str, Any]:
    drawn = pieces(group, scale, stack)
    each = width if stack else width / max(len(drawn), 1)
    return facts(group, stack) | {
        "rects": [
            {
                "colour": colour,
                "x": percent(start + (0 if stack else place * each)),
                "width": percent(each * (1 if stack or len(drawn) == 1 else 0.9)),
                "y": percent(1 - high),
                "height": percent(high - low),
            }
            for place, (colour, low, high) in enumerate(drawn)
        ]
    }


def legend(parts: Sequence[str], frame: Frame) -> dict[str, Any]:
    """The parts by their colours, as many as fit on a row."""
    widths = [text_width(part[:16], 24) + 40 for part in parts]
    fits = pack(widths, pixels(frame)[0] - 60, 32)
    items = [
        {"colour": i + 1, "name": part, "short": part or "rest"} for i, part in enumerate(parts)
    ]
    return {
        "items": items[:fits],
        "more": len(parts) - fits,
        "names": ", ".join(parts[fits:])[:500],
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
