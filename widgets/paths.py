"""SVG paths: lines, what lies under them, steps, arcs. Pure.

`NaN` in a path makes the browser drop all of it: whatever finite numbers go in, whole numbers on
the grid come out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import add, sub

from django.utils.safestring import SafeString

from widgets.scales import Point, Scale

# The grid of a plot. Whole numbers keep a path short (six bytes a point, written as steps from
# the last one) and still end finer than a pixel on a 4K wall.
GRID_X = 3000
GRID_Y = 1000
# A distance of more than so many usual ones is a gap and never a straight line across it.
GAP_STEPS = 3
# A stretch that goes nowhere.
DOT = "h0"
# A step that does not move.
STILL = "l0 0"
# The two halves of a step, written once; a negative step down stands at the end of its table.
_ACROSS = [f"l{n}" for n in range(GRID_X + 1)]
_DOWN = [f" {n}" for n in range(GRID_Y + 1)] + [f"{n}" for n in range(-GRID_Y, 0)]


def stepped(points: Sequence[Point], step: int = 0) -> list[Point]:
    """The points of a line that keeps each value until the next; not across a gap."""
    begins = set(_breaks([at for at, _ in points], step))
    found = list(points[:1])
    for i, ((_, value), (at, to)) in enumerate(itertools.pairwise(points), 1):
        if value != to and i not in begins:
            found.append((at, value))
        found.append((at, to))
    return found


def line_path(points: Sequence[Point], start: int, end: int, scale: Scale, step: int = 0) -> str:
    """The points as an SVG path on the grid; a lone one is a dot (with round line caps).

    `step`: the usual distance of two points, µs, for gaps; 0: unknown, taken from the points.
    """
    return line_and_area(points, start, end, scale, step)[0]


def line_and_area(
    points: Sequence[Point], start: int, end: int, scale: Scale, step: int = 0
) -> tuple[str, str]:
    """`line_path`, and the path of what lies under it, down to the foot of the plot.

    Safe strings: digits and a few letters, which nobody has to look through again.
    """
    if not points:
        return "", ""
    moments, values = zip(*points, strict=True)
    if min(values) < scale.low or scale.high < max(values):
        values = tuple(min(max(value, scale.low), scale.high) for value in values)
    down = GRID_Y / (scale.high - scale.low)
    foot = scale.high * down + 0.5
    rows = list(map(int, [foot - value * down for value in values]))
    lines, areas = [], []
    for stretch in _columns(moments, start, end, step):
        line = _stretch(stretch, rows)
        lines.append(line)
        if not line.endswith(DOT):
            areas.append(f"{line}V{GRID_Y}H{stretch.column}Z")
    return SafeString("".join(lines)), SafeString("".join(areas))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Points without a gap between them: which, the column of the first, and the half of a step
    that leads across to each of the others."""

    first: int
    last: int
    column: int
    across: Sequence[str]
    # Some of them are in the column of the one before, and may not move at all.
    crowded: bool


# Series of one reading have their moments in common, and half of a path is made of those.
@lru_cache(maxsize=32)
def _columns(moments: tuple[int, ...], start: int, end: int, step: int) -> list[_Stretch]:
    scale, inside = GRID_X / max(end - start, 1), moments
    if moments[0] < start or end < moments[-1]:
        inside = tuple(min(max(at, start), end) for at in moments)
    columns = list(map(int, [(at - start) * scale + 0.5 for at in inside]))
    found = []
    for begin, until in itertools.pairwise(_breaks(moments, step)):
        steps = list(map(sub, columns[begin + 1 : until], columns[begin:until]))
        across = [_ACROSS[dx] for dx in steps]
        found.append(_Stretch(begin, until, columns[begin], across, 0 in steps))
    return found


def _breaks(moments: Sequence[int], step: int) -> list[int]:
    """Where a stretch begins, each by its place, and the end of the last."""
    distances = list(map(sub, moments[1:], moments))
    usual = step or (sorted(distances)[len(distances) // 2] if distances else 0)
    most = GAP_STEPS * usual
    if not most or max(distances, default=0) <= most:
        return [0, len(moments)]
    inner = [i for i, distance in enumerate(distances, 1) if distance > most]
    return [0, *inner, len(moments)]


def _stretch(stretch: _Stretch, rows: Sequence[int]) -> str:
    """Its path: each point as the step from the one before, those that do not move left out.

    Without a line of Python for each point, since a wall does this for 100,000 of them a second.
    """
    first, last = stretch.first, stretch.last
    down = map(_DOWN.__getitem__, map(sub, rows[first + 1 : last], rows[first:last]))
    steps = "".join(map(add, stretch.across, down))
    if stretch.crowded:
        steps = steps.replace(STILL, "")
    return f"M{stretch.column} {rows[first]}{steps or DOT}"


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
