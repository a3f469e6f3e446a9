"""From values and moments to places in a picture: domains, round ticks, SVG paths. Pure.

Whatever finite numbers go in, finite numbers come out: `NaN` in a path makes the browser drop
all of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from widgets.clock import DAY, HOUR, MINUTE, SECOND

Point = tuple[int, float]

# The grid of a plot. Whole numbers keep a path short (six bytes a point, written as steps from
# the last one) and still end finer than a pixel on a 4K wall.
GRID_X = 3000
GRID_Y = 1000
# A distance of more than so many usual ones is a gap and never a straight line across it.
GAP_STEPS = 3
# A stretch that goes nowhere.
DOT = "h0"
# Beyond these a difference or its inverse is no float any more.
HUGE = 1e300
TINY = 1e-280

TIME_STEPS = (
    *(n * SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)),
    *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 14, 30, 90, 365)),
)
BYTES = frozenset({"B", "B/s"})


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear, from `low`…`high` to the rows of the grid; what lies outside is put on the edge.

    Made by `over`, which sees to it that the domain has a width.
    """

    low: float
    high: float

    @classmethod
    def over(cls, low: float, high: float) -> Scale:
        return cls(*widened(low, high))

    def share(self, value: float) -> float:
        """Where the value lies between low (0) and high (1)."""
        inside = min(max(value, self.low), self.high)
        return (inside - self.low) / (self.high - self.low)


def extent(values: Iterable[float]) -> tuple[float, float] | None:
    """The least and the greatest; None of none."""
    found = list(values)
    return (min(found), max(found)) if found else None


def within(points: Sequence[Point], start: int, end: int) -> Sequence[Point]:
    """Those between two moments, of points in the order of time; mostly they all are."""
    if not points or (start <= points[0][0] and points[-1][0] <= end):
        return points
    return [point for point in points if start <= point[0] <= end]


def widened(low: float, high: float) -> tuple[float, float]:
    """A domain that has a width, and whose width is a number of ordinary size."""
    low, high = min(max(low, -HUGE), HUGE), min(max(high, -HUGE), HUGE)
    size = max(abs(low), abs(high))
    if size < TINY:
        return 0.0, 1.0
    if high - low < size * 1e-9:
        middle = low / 2 + high / 2
        return middle - size / 2, middle + size / 2
    return low, high


def round_step(span: float, count: int, unit: str = "") -> float:
    """The smallest of 1, 2, 5 × 10^n (bytes: powers of two) that makes at most `count` steps."""
    rough = span / max(count, 1)
    if unit in BYTES:
        return 2.0 ** max(math.ceil(math.log2(rough)), 0)
    power = 10.0 ** math.floor(math.log10(rough))
    return next((n * power for n in (1, 2, 5) if n * power >= rough * (1 - 1e-9)), 10 * power)


def round_ticks(low: float, high: float, count: int, unit: str = "") -> list[float]:
    """Round values from at or below `low` to at or above `high`, in about `count` steps."""
    low, high = widened(low, high)
    step = round_step(high - low, count, unit)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    # Divided where the step is below one: 3 × 0.1 is 0.30000000000000004, and 3 / 10 is not.
    over = round(1 / step) if 1e-9 < step < 1 else 0
    return [n / over if over else n * step for n in range(first, last + 1)]


def inner_ticks(low: float, high: float, count: int, unit: str = "") -> list[float]:
    """Round values inside of a domain whose ends somebody has fixed."""
    low, high = widened(low, high)
    slack = (high - low) * 1e-9
    return [t for t in round_ticks(low, high, count, unit) if low - slack <= t <= high + slack]


def time_ticks(start: int, end: int, count: int, zone: ZoneInfo) -> tuple[int, list[int]]:
    """The step and the moments (µs) in start…end that are round on a wall clock of `zone`.

    Walks the wall clock and asks the zone for each moment, so days of 23 and 25 hours come out
    right: a skipped hour has no tick, a repeated one has two.
    """
    if end <= start:
        return TIME_STEPS[0], []
    step = next((s for s in TIME_STEPS if (end - start) / s <= count), TIME_STEPS[-1])
    walls = _round_walls(start, end, step, zone)
    found = sorted({at for wall in walls for at in _moments(wall, zone, step >= DAY)})
    inside = [at for at in found if start <= at <= end]
    return step, inside[:: max(1, -(-len(inside) // (count * 2)))]


def _round_walls(start: int, end: int, step: int, zone: ZoneInfo) -> Iterator[datetime]:
    span = timedelta(microseconds=end - start)
    first, last = _wall(start, zone), _wall(end, zone)
    # The clock may be set back or forward in between: both ends are taken either way.
    low, high = min(first, last - span), max(last, first + span)
    every = timedelta(microseconds=step)
    if step >= DAY:
        at = datetime.combine(low.date(), datetime.min.time())
        at -= timedelta(days=at.toordinal() % every.days)
    else:
        midnight = datetime.combine(low.date(), datetime.min.time())
        at = midnight + (low - midnight) // every * every
    while at <= high:
        yield at
        at += every


def _wall(moment: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(moment / SECOND, zone).replace(tzinfo=None)


def _moments(wall: datetime, zone: ZoneInfo, always: bool) -> Iterator[int]:
    """When a clock in `zone` shows `wall`: once, twice, or never (`always`: then just after)."""
    for fold in (0, 1):
        at = wall.replace(tzinfo=zone, fold=fold)
        back = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
        if always or back == wall.replace(fold=0):
            yield round(at.timestamp()) * SECOND
        if always:
            return


def time_label(moment: int, step: int, zone: ZoneInfo) -> str:
    """`14:05`, `14:05:30` where steps are below a minute, the day at midnight and above."""
    at = datetime.fromtimestamp(moment / SECOND, zone)
    if step >= 365 * DAY:
        return f"{at.year}"
    if step >= DAY:
        return f"{at.day} {at:%b}"
    if step >= HOUR and (at.hour, at.minute) == (0, 0):
        return f"{at:%a} {at.day}"
    return f"{at:%H:%M:%S}" if step < MINUTE else f"{at:%H:%M}"


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
