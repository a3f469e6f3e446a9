"""The axes of a plot: ticks, their labels, the lines of limits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from widgets.kinds import Frame, Line
from widgets.layout import Label, along, pixels, steps_that_fit
from widgets.numbers import format_ticks
from widgets.paths import GRID_X, GRID_Y
from widgets.scales import (
    LogScale,
    Scale,
    inner_ticks,
    log_ticks,
    round_ticks,
    time_label,
    time_ticks,
)

# The labels of axes at 1080p, px; what they take below the plot, and what a legend takes.
TEXT = 20
BELOW = 50
LEGEND = 32
# More moments than these are noise.
MOST_MOMENTS = 10


@dataclass(frozen=True, slots=True)
class Axis:
    """A vertical axis: `scale` is linear, and of the logarithms where `log` is given."""

    scale: Scale
    ticks: Sequence[float]
    labels: Sequence[str]
    log: LogScale | None = None

    def share(self, value: float) -> float:
        return self.log.share(value) if self.log else self.scale.share(value)

    @property
    def digits(self) -> int:
        """The length of the longest label; the word of a CSS class."""
        return min(max(map(len, self.labels), default=1), 10)

    @property
    def grid(self) -> str:
        """The lines across the plot at the ticks, as one path on the grid of the plot."""
        rows = [round((1 - self.share(tick)) * GRID_Y) for tick in self.ticks]
        return SafeString("".join(f"M0 {row}h{GRID_X}" for row in rows))

    @property
    def marks(self) -> list[dict[str, str]]:
        return [
            {"at": percent(1 - self.share(tick)), "label": label}
            for tick, label in zip(self.ticks, self.labels, strict=True)
        ]


def plot_size(frame: Frame, digits: int, *, legend: bool) -> tuple[float, float]:
    """Width and height of the plot inside of its axes, px at 1080p."""
    width, height = pixels(frame)
    left = TEXT * (0.62 * digits + 0.7)
    return max(width - left, 40.0), max(height - BELOW - (LEGEND if legend else 0), 20.0)


def value_axis(
    span: tuple[float, float],
    unit: str,
    count: int,
    fixed: tuple[float | None, float | None] = (None, None),
) -> Axis:
    """Round ticks around the values; ends that somebody has fixed stay where they are."""
    low, high = (
        given if given is not None else own for given, own in zip(fixed, span, strict=True)
    )
    ticks = round_ticks(min(low, high), max(low, high), count, unit)
    low = ticks[0] if fixed[0] is None else fixed[0]
    high = ticks[-1] if fixed[1] is None else fixed[1]
    scale = Scale.over(min(low, high), max(low, high))
    if fixed != (None, None):
        ticks = inner_ticks(scale.low, scale.high, count, unit)
    return Axis(scale, ticks, format_ticks(ticks, unit))


def log_axis(span: tuple[float, float], unit: str, count: int) -> Axis:
    """Whole decades around the values that are above zero."""
    log = LogScale.over(*span)
    ticks = log_ticks(log, count)
    return Axis(log.flat, ticks, [format_ticks([tick], unit)[0] for tick in ticks], log)


def time_axis(
    start: int, end: int, frame: Frame, length: float, narrow: int = 2
) -> list[dict[str, Any]]:
    """Moments round on the wall clock of the frame's zone, as many as have room."""
    step, moments = time_ticks(start, end, min(max(int(length / 110), 1), MOST_MOMENTS), frame.zone)
    shares = [(moment - start) / (end - start) for moment in moments]
    texts = [time_label(moment, step, frame.zone) for moment in moments]
    return written(along(shares, texts, length, TEXT), narrow)


def written(labels: Sequence[Label], narrow: int) -> list[dict[str, Any]]:
    """Labels as the template writes them. On a phone only one of so many (`narrow`) stays."""
    return [
        {
            "at": percent(label.share),
            "anchor": label.anchor,
            "label": label.text,
            "minor": i % narrow,
        }
        for i, label in enumerate(labels)
    ]


def tick_count(height: float) -> int:
    return steps_that_fit(height, TEXT, 5)


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


def limit_lines(lines: Sequence[Line], axis: Axis) -> list[dict[str, str]]:
    low, high = (axis.log.low, axis.log.high) if axis.log else (axis.scale.low, axis.scale.high)
    return [
        {"at": percent(1 - axis.share(value)), "state": state}
        for value, state in limits_of(lines)
        if low <= value <= high
    ]


def percent(share: float) -> str:
    """Two decimals at most; a safe string, for there is nothing in it to escape."""
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return SafeString(f"{text}%")
