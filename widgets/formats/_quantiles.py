"""Quantiles of histograms, by linear interpolation inside a bucket. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

QUANTILES = {"p50": 0.50, "p90": 0.90, "p95": 0.95, "p99": 0.99}
MOST_BUCKETS = 1_000


class BadBuckets(ValueError):
    """Buckets that make no histogram; the message says why."""


# Lower and upper bound, and how many are between them.
Bucket = tuple[float, float, int]


def explicit(counts: Sequence[int], bounds: Sequence[float]) -> list[Bucket]:
    """The buckets of a histogram whose bounds are given; the first and the last are open."""
    _check(len(counts))
    if not counts:
        return []
    if len(counts) != len(bounds) + 1:
        raise BadBuckets(
            f"{len(bounds):,} bounds want {len(bounds) + 1:,} buckets and not {len(counts):,}"
        )
    edges = [-math.inf, *bounds, math.inf]
    if any(not low < high for low, high in pairwise(bounds)):
        raise BadBuckets("the bounds do not rise")
    return [(low, high, n) for (low, high), n in zip(pairwise(edges), counts, strict=True)]


def exponential(
    scale: int,
    zeros: int,
    offset: int,
    counts: Sequence[int],
    negative_offset: int,
    negative_counts: Sequence[int],
) -> list[Bucket]:
    """The buckets of an exponential histogram, in rising order: bucket i ends at base^(i + 1)."""
    _check(len(counts))
    _check(len(negative_counts))
    if not -10 <= scale <= 20:
        raise BadBuckets(f"the scale is {scale}; from -10 to 20 is expected")

    def bound(i: int) -> float:
        try:
            return math.pow(2.0, i * math.pow(2.0, -scale))
        except OverflowError:
            return math.inf

    below = [
        (-bound(negative_offset + i + 1), -bound(negative_offset + i), n)
        for i, n in enumerate(negative_counts)
    ]
    above = [(bound(offset + i), bound(offset + i + 1), n) for i, n in enumerate(counts)]
    return [*reversed(below), (0.0, 0.0, zeros), *above]


def _check(n: int) -> None:
    if n > MOST_BUCKETS:
        raise BadBuckets(f"{n:,} buckets; {MOST_BUCKETS:,} is the most")


def quantile(
    buckets: Sequence[Bucket], share: float, low: float | None = None, high: float | None = None
) -> float | None:
    """The value that `share` of the observations do not exceed; None where there are none.

    An open bucket ends at its other bound, or at the least and greatest value that are known.
    """
    total = sum(n for _, _, n in buckets)
    if not total:
        return None
    rank = share * total
    passed = 0
    for start, end, n in buckets:
        if n and passed + n >= rank:
            return _within(start, end, (rank - passed) / n, low, high)
        passed += n
    return high


def _within(
    start: float, end: float, part: float, low: float | None, high: float | None
) -> float | None:
    if low is not None:
        start = max(start, low)
    if high is not None:
        end = min(end, high)
    if math.isinf(start) and math.isinf(end):
        return None
    if math.isinf(start):
        return end
    if math.isinf(end):
        return start
    return start + (end - start) * part
