"""From values and moments to places in a picture: domains and round ticks. Pure.

Four scales: linear, logarithmic, time on the wall clock of a zone, and ordinal. Whatever finite
numbers go in, finite numbers come out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from widgets.clock import DAY, HOUR, MINUTE, SECOND

Point = tuple[int, float]

# More of them than these on one axis would press every line flat.
DECADES = 12
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


@dataclass(frozen=True, slots=True)
class LogScale:
    """Logarithmic, from `low`…`high`, both above zero; what is not above zero is at the foot.

    `low` and `high` are powers of ten: the domain is whole decades. Made by `over`.
    """

    low: float
    high: float

    @classmethod
    def over(cls, low: float, high: float) -> LogScale:
        """Around the values that are above zero; at most DECADES, the upper ones."""
        top = math.ceil(math.log10(min(max(high, TINY), HUGE)) - 1e-9)
        foot = math.floor(math.log10(min(max(low, TINY), HUGE)) + 1e-9) if low > 0 else top - 3
        foot = max(min(foot, top - 1), top - DECADES)
        return cls(10.0**foot, 10.0**top)

    @property
    def flat(self) -> Scale:
        """The linear scale of the logarithms, on which paths are drawn."""
        return Scale(math.log10(self.low), math.log10(self.high))

    def share(self, value: float) -> float:
        return self.flat.share(self.log(value))

    def log(self, value: float) -> float:
        return math.log10(min(max(value, self.low), self.high))


@dataclass(frozen=True, slots=True)
class Bands:
    """Ordinal: so many places side by side, each with a gap; shares of the whole."""

    count: int
    # What of each place is left empty.
    gap: float = 0.2

    @property
    def width(self) -> float:
        return (1 - self.gap) / max(self.count, 1)

    def start(self, place: int) -> float:
        return (place + self.gap / 2) / max(self.count, 1)

    def middle(self, place: int) -> float:
        return (place + 0.5) / max(self.count, 1)


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


def log_ticks(scale: LogScale, count: int) -> list[float]:
    """The powers of ten, every so many of them, that make at most `count` steps."""
    foot, top = round(math.log10(scale.low)), round(math.log10(scale.high))
    every = max(-(-(top - foot) // max(count, 1)), 1)
    return [10.0**n for n in range(foot, top + 1, every)]


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


# A window that moves on has the ticks that it had, but for the first and the last.
@lru_cache(maxsize=5_000)
def _moments(wall: datetime, zone: ZoneInfo, always: bool) -> list[int]:
    """When a clock in `zone` shows `wall`: once, twice, or never (`always`: then just after)."""
    found = []
    for fold in (0, 1):
        at = wall.replace(tzinfo=zone, fold=fold)
        back = at.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
        if always or back == wall.replace(fold=0):
            found.append(round(at.timestamp()) * SECOND)
        if always:
            break
    return found


@lru_cache(maxsize=5_000)
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
