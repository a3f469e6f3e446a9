"""SVG paths: lines, what lies under them, steps, arcs. Pure.

`NaN` in a path makes the browser drop all of it: whatever finite numbers go in, whole numbers on
the grid come out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from widgets.scales import Point, Scale, extent

# The grid of a plot. Whole numbers keep a path short (six bytes a point, written as steps from
# the last one) and still end finer than a pixel on a 4K wall.
GRID_X = 3000
GRID_Y = 1000
# A distance of more than so many usual ones is a gap and never a straight line across it.
GAP_STEPS = 3
# A stretch that goes nowhere.
DOT = "h0"


def stepped(points: Sequence[Point], step: int = 0) -> list[Point]:
    """The points of a line that keeps each value until the next; not across a gap."""
    most = GAP_STEPS * (step or _usual_step(points))
    found = list(points[:1])
    for (before, value), (at, to) in itertools.pairwise(points):
        if value != to and (not most or at - before <= most):
            found.append((at, value))
        found.append((at, to))
    return found


def _usual_step(points: Sequence[Point]) -> int:
    distances = sorted([b[0] - a[0] for a, b in itertools.pairwise(points)])
    return distances[len(distances) // 2] if distances else 0


def line_path(points: Sequence[Point], start: int, end: int, scale: Scale, step: int = 0) -> str:
    """The points as an SVG path on the grid; a lone one is a dot (with round line caps).

    `step`: the usual distance of two points, µs, for gaps; 0: unknown, taken from the points.
    """
    return line_and_area(points, start, end, scale, step)[0]


def line_and_area(
    points: Sequence[Point], start: int, end: int, scale: Scale, step: int = 0
) -> tuple[str, str]:
    """`line_path`, and the path of what lies under it, down to the foot of the plot."""
    found = list(_stretches(_inside(points, start, end, scale), start, end, scale, step))
    lines = ["".join(parts) for _, parts in found]
    areas = [
        f"{line}V{GRID_Y}H{x}Z"
        for line, (x, parts) in zip(lines, found, strict=True)
        if parts[-1] != DOT
    ]
    return "".join(lines), "".join(areas)


def _inside(points: Sequence[Point], start: int, end: int, scale: Scale) -> Sequence[Point]:
    """The points with those outside of the plot put on its edge; mostly there are none."""
    ends = extent([value for _, value in points])
    if ends is None:
        return points
    low, high = scale.low, scale.high
    if low <= ends[0] and ends[1] <= high and start <= points[0][0] and points[-1][0] <= end:
        return points
    return [(min(max(at, start), end), min(max(value, low), high)) for at, value in points]


def _stretches(
    points: Sequence[Point], start: int, end: int, scale: Scale, step: int
) -> Iterator[tuple[int, list[str]]]:
    """First column and path of each stretch without a gap.

    One loop with its arithmetic inline: a wall does this for 100,000 points a second. Each
    point is written as the step from the one before; those that do not move are left out.
    """
    across, down = GRID_X / max(end - start, 1), GRID_Y / (scale.high - scale.low)
    high, most = scale.high, GAP_STEPS * (step or _usual_step(points)) or GRID_X + end - start
    first, x, y, last = 0, 0, 0, 0
    parts: list[str] = []
    for at, value in points:
        to_x, to_y = int((at - start) * across + 0.5), int((high - value) * down + 0.5)
        if not parts or at - last > most:
            if parts:
                yield first, parts if len(parts) > 1 else [*parts, DOT]
            first, parts = to_x, [f"M{to_x} {to_y}"]
        elif to_x != x or to_y != y:
            dy = to_y - y
            parts.append(f"l{to_x - x} {dy}" if dy >= 0 else f"l{to_x - x}{dy}")
        x, y, last = to_x, to_y, at
    if parts:
        yield first, parts if len(parts) > 1 else [*parts, DOT]


def box_path(x: int, y: int, width: int, height: int) -> str:
    """A filled rectangle; many of them in one path are a tenth of so many elements."""
    return f"M{x} {y}h{width}v{height}h-{width}z"


def arc_path(start: float, end: float, radius: float, centre: float = 50) -> str:
    """An arc clockwise from `start` to `end`, in degrees from twelve o'clock, on a square of 100.

    Two decimals. An arc of no length is a dot.
    """
    (x1, y1), (x2, y2) = (_on_circle(angle, radius, centre) for angle in (start, end))
    large = 1 if end - start > 180 else 0
    return f"M{x1} {y1}A{_two(radius)} {_two(radius)} 0 {large} 1 {x2} {y2}"


def _on_circle(angle: float, radius: float, centre: float) -> tuple[str, str]:
    turned = math.radians(angle)
    return _two(centre + radius * math.sin(turned)), _two(centre - radius * math.cos(turned))


def _two(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
