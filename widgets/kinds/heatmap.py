"""How often each value occurs, over time: columns of time, rows of value buckets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import forms

from widgets.axes import TEXT, percent, plot_size, time_axis
from widgets.clock import DAY, MINUTE, format_duration
from widgets.counting import bucket_of, columns, edges, runs
from widgets.kinds import Data, Frame, Kind, Needs, Sheet
from widgets.layout import steps_that_fit
from widgets.numbers import format_ticks
from widgets.options import DurationField, Options
from widgets.scales import extent, within
from widgets.sheets import say_moment

# As many cells as stay below 8 kB, and can be told apart.
MOST_COLUMNS = 60
COLUMN_WIDTH = 22
ROW_HEIGHT = 24
MOST_ROWS = 12
LEVELS = 5


class HeatmapOptions(Options):
    window = DurationField(
        initial="1h", least=MINUTE, most=7 * DAY, help_text="How far back it goes."
    )
    scale = forms.ChoiceField(
        choices=[(s, s) for s in ("linear", "log")],
        initial="linear",
        help_text="linear, or log: buckets grow with their values, for what has a long tail.",
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """`cells`: how many samples, by row from below and by column. `moments` and `bounds`: edges."""

    moments: Sequence[int]
    bounds: Sequence[float]
    cells: Sequence[Sequence[int]]
    most: int
    total: int


class Heatmap(Kind):
    slug = "heatmap"
    label = "Heatmap"
    Options = HeatmapOptions
    size = (6, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(window=options["window"], points="samples")

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        window = frame.window or options["window"]
        counted = count(options, data, frame, window)
        unit = data.lines[0].unit if data.lines else ""
        bare = frame.height == 1
        labels = format_ticks(counted.bounds, unit)
        digits = min(max(map(len, labels), default=1), 10)
        width, height = plot_size(frame, digits, legend=False)
        rows = len(counted.cells)
        every = max(-(-rows // steps_that_fit(height, TEXT, rows)), 1)
        return {
            "empty": "" if counted.total else f"No samples in the last {format_duration(window)}",
            "bare": bare,
            "axis": digits,
            "y": ()
            if bare
            else [
                {"at": percent(1 - i / rows), "label": label}
                for i, label in enumerate(labels)
                if i % every == 0
            ],
            "x": () if bare else time_axis(frame.now - window, frame.now, frame, width),
            "view": f"0 0 {len(counted.moments) - 1} {rows}",
            "levels": levels(counted),
            "key": range(1, LEVELS + 1),
            "most": f"{counted.most:,}",
            "described": f"Heatmap of {counted.total:,} samples of the last "
            f"{format_duration(window)}; {busiest(counted, labels)}",
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        counted = count(options, data, frame, frame.window or options["window"])
        labels = format_ticks(counted.bounds, data.lines[0].unit if data.lines else "")
        heads = [f"{low} to {high}" for low, high in pairwise(labels)]
        rows = [
            [say_moment(moment, frame), *(f"{row[i]:,}" for row in counted.cells)]
            for i, moment in enumerate(counted.moments[:-1])
        ]
        return Sheet(["From", *heads], rows)


def count(options: Mapping[str, Any], data: Data, frame: Frame, window: int) -> Counted:
    start, end = frame.now - window, frame.now
    points = [point for line in data.lines for point in within(line.points, start, end)]
    low, high = extent([value for _, value in points]) or (0.0, 1.0)
    width, height = plot_size(frame, 5, legend=False)
    wanted = min(max(int(height // ROW_HEIGHT), 3), MOST_ROWS - 2)
    unit = data.lines[0].unit if data.lines else ""
    bounds = edges(low, high, wanted, unit, log=options["scale"] == "log")
    across = min(max(int(width // COLUMN_WIDTH), 4), MOST_COLUMNS)
    cells = [[0] * across for _ in bounds[1:]]
    for moment, value in points:
        column = min((moment - start) * across // (end - start), across - 1)
        cells[bucket_of(value, bounds)][column] += 1
    most = max(map(max, cells), default=0)
    return Counted(columns(start, end, across), bounds, cells, most, len(points))


def level(n: int, most: int) -> int:
    """0 for none, 1 … LEVELS. By the square root, so that the rare is seen beside the usual."""
    return 0 if not n else min(1 + int(LEVELS * math.sqrt(n / most) * 0.999), LEVELS)


def levels(counted: Counted) -> list[dict[str, Any]]:
    """One path a level: the runs of its cells, a unit high each, the highest row first."""
    parts: dict[int, list[str]] = {}
    for y, row in enumerate(reversed(counted.cells)):
        for found, x, length in runs([level(n, counted.most) for n in row]):
            parts.setdefault(found, []).append(f"M{x} {y}h{length}v1h-{length}z")
    return [{"level": found, "d": "".join(parts[found])} for found in sorted(parts)]


def busiest(counted: Counted, labels: Sequence[str]) -> str:
    totals = [sum(row) for row in counted.cells]
    if not any(totals):
        return "none there"
    row = totals.index(max(totals))
    return f"most, {totals[row]:,}, between {labels[row]} and {labels[row + 1]}"
