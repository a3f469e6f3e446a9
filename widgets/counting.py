"""Samples counted into buckets, and their percentiles. Pure."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Sequence

from widgets.scales import LogScale, round_ticks


def edges(low: float, high: float, count: int, unit: str = "", *, log: bool = False) -> list[float]:
    """Round edges of about `count` buckets, or at most twice as many, around the values."""
    if log and high > 0:
        return log_edges(low, high, count)
    return round_ticks(low, high, count, unit)


def log_edges(low: float, high: float, count: int) -> list[float]:
    """1, 2, 5, 10, 20 … where there is room for it, else the powers of ten."""
    scale = LogScale.over(low, high)
    foot, top = round(math.log10(scale.low)), round(math.log10(scale.high))
    heads = (1, 2, 5) if (top - foot) * 3 <= max(count, 3) * 2 else (1,)
    found = [n * 10.0**power for power in range(foot, top) for n in heads]
    return [*found, 10.0**top]


def bucket_of(value: float, bounds: Sequence[float]) -> int:
    """Which bucket a value is in: each has its lower edge and not its upper, but for the last."""
    return min(max(bisect_right(bounds, value) - 1, 0), len(bounds) - 2)


def count(values: Sequence[float], bounds: Sequence[float]) -> list[int]:
    """How many are in each bucket; what lies outside counts in the first or the last."""
    found = [0] * (len(bounds) - 1)
    for value in values:
        found[bucket_of(value, bounds)] += 1
    return found


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least value that so great a share of them does not exceed (nearest rank); of one or
    more, in order."""
    return ordered[min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)]


def columns(start: int, end: int, count: int) -> list[int]:
    """The moments that part a window into so many equal columns, both ends among them."""
    return [start + (end - start) * i // count for i in range(count + 1)]


def runs(levels: Sequence[int]) -> list[tuple[int, int, int]]:
    """(level, first place, how many) of each run of equal levels above zero."""
    found, at = [], 0
    for level, group in itertools.groupby(levels):
        length = len(list(group))
        if level:
            found.append((level, at, length))
        at += length
    return found
