"""How often each value occurs: the samples of a window, counted into buckets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from django import forms

from widgets.axes import TEXT, percent, plot_size, tick_count, value_axis, written
from widgets.clock import DAY, MINUTE, format_duration
from widgets.counting import count, edges, percentile
from widgets.kinds import Data, Frame, Kind, Line, Needs, Sheet
from widgets.layout import along, columns_that_fit
from widgets.numbers import format_ticks, say
from widgets.options import DurationField, Options
from widgets.scales import within
from widgets.sheets import say_moment

BUCKET_WIDTH = 36
MOST_BUCKETS = 40
PERCENTILES = (0.5, 0.95, 0.99)


class HistogramOptions(Options):
    window = DurationField(
        initial="1h", least=MINUTE, most=7 * DAY, help_text="Of how long the samples are counted."
    )
    buckets = forms.IntegerField(
        required=False,
        min_value=2,
        max_value=MOST_BUCKETS,
        help_text="About how many buckets; empty: as many as fit.",
    )
    scale = forms.ChoiceField(
        choices=[(s, s) for s in ("linear", "log")],
        initial="linear",
        help_text="linear, or log: buckets grow with their values, for what has a long tail.",
    )


class Histogram(Kind):
    slug = "histogram"
    label = "Histogram"
    Options = HistogramOptions
    size = (4, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(window=options["window"], points="samples")

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        window = frame.window or options["window"]
        values = samples(data, frame.now - window, frame.now)
        unit = data.lines[0].unit if data.lines else ""
        bounds = bounds_of(options, values, unit, frame)
        counts = count(values, bounds)
        height = plot_size(frame, 1, legend=False)[1]
        axis = value_axis((0.0, float(max(counts, default=0) or 1)), "", tick_count(height))
        width, _ = plot_size(frame, axis.digits, legend=False)
        bare = frame.height == 1
        return {
            "empty": "" if values else f"No samples in the last {format_duration(window)}",
            "bare": bare,
            "axis": axis.digits,
            "y": () if bare else axis.marks,
            "grid": "" if bare else axis.grid,
            "x": () if bare else edge_labels(bounds, unit, width),
            "rects": rects(counts, axis.scale.high),
            "footer": summary(values, unit, data, frame, window) if values else "",
            "described": "Histogram: " + summary(values, unit, data, frame, window),
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        window = frame.window or options["window"]
        values = samples(data, frame.now - window, frame.now)
        unit = data.lines[0].unit if data.lines else ""
        bounds = bounds_of(options, values, unit, frame)
        rows = [
            (say(low, unit), say(high, unit), f"{n:,}")
            for (low, high), n in zip(pairwise(bounds), count(values, bounds), strict=True)
        ]
        return Sheet(("From", "To", "Samples"), rows)


def samples(data: Data, start: int, end: int) -> list[float]:
    """Those of all series together, in order."""
    return sorted(v for line in data.lines for _, v in within(line.points, start, end))


def bounds_of(
    options: Mapping[str, Any], values: Sequence[float], unit: str, frame: Frame
) -> list[float]:
    wanted = options["buckets"] or min(columns_that_fit(frame, BUCKET_WIDTH), MOST_BUCKETS)
    low, high = (values[0], values[-1]) if values else (0.0, 1.0)
    return edges(low, high, wanted, unit, log=options["scale"] == "log")


def rects(counts: Sequence[int], top: float) -> list[dict[str, str]]:
    """A bar for each bucket that has any; one of few samples is still to be seen."""
    each = 1 / max(len(counts), 1)
    return [
        {
            "x": percent(i * each + each * 0.05),
            "width": percent(each * 0.9),
            "y": percent(1 - max(n / top, 0.006)),
            "height": percent(max(n / top, 0.006)),
        }
        for i, n in enumerate(counts)
        if n
    ]


def edge_labels(bounds: Sequence[float], unit: str, width: float) -> list[dict[str, Any]]:
    shares = [i / (len(bounds) - 1) for i in range(len(bounds))]
    return written(along(shares, format_ticks(bounds, unit), width, TEXT), 3)


def summary(values: Sequence[float], unit: str, data: Data, frame: Frame, window: int) -> str:
    """`p50 12 ms, p95 80 ms, p99 1.2 s of 3,021 samples`, and since when where there are fewer
    than the window should have."""
    if not values:
        return "no samples"
    said = ", ".join(f"p{p * 100:g} {say(percentile(values, p), unit)}" for p in PERCENTILES)
    return f"{said} of {len(values):,} samples{since(data.lines, frame, window)}"


def since(lines: Sequence[Line], frame: Frame, window: int) -> str:
    """Only raw samples can be counted, and they are kept for a time only."""
    first = min((line.points[0][0] for line in lines if line.points), default=frame.now)
    late = first - (frame.now - window)
    return f" since {say_moment(first, frame)}" if late > window // 10 else ""
