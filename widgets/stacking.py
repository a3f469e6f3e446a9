"""Several lines on top of each other: what each adds up to with those beneath it. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from widgets.history import thin
from widgets.kinds import Line
from widgets.scales import Point

# A line holds its value for so many of its steps.
HELD = 3


def stacked(
    points: Sequence[Sequence[Point]], steps: Sequence[int], most: int
) -> list[list[Point]]:
    """The upper edges of the layers, the lowest first; all have the same moments.

    A layer without a value at a moment adds nothing, one below zero neither. Reduced to `most`
    moments: those at which the whole is least and greatest, so that its peaks stay and the
    layers still fit on each other.
    """
    moments, columns = _columns(points, steps)
    if not moments:
        return [[] for _ in points]
    totals = [(ts, column[-1]) for ts, column in zip(moments, columns, strict=True)]
    kept = {ts for ts, _ in thin(totals, most)}
    rows = [(ts, column) for ts, column in zip(moments, columns, strict=True) if ts in kept]
    return [[(ts, column[i]) for ts, column in rows] for i in range(len(points))]


def _columns(
    points: Sequence[Sequence[Point]], steps: Sequence[int]
) -> tuple[list[int], list[list[float]]]:
    """The moments at which any line has a value, and there the sums from below to above."""
    arriving = sorted((ts, i, value) for i, some in enumerate(points) for ts, value in some)
    reach = [HELD * step or math.inf for step in steps]
    held: dict[int, tuple[int, float]] = {}
    moments, columns = [], []
    for ts, group in groupby(arriving, key=lambda item: item[0]):
        held.update({i: (moment, value) for moment, i, value in group})
        held = {i: (at, value) for i, (at, value) in held.items() if ts - at <= reach[i]}
        moments.append(ts)
        columns.append(_sums([held[i][1] if i in held else 0.0 for i in range(len(points))]))
    return moments, columns


def _sums(values: Sequence[float]) -> list[float]:
    found, total = [], 0.0
    for value in values:
        # The sum of two finite numbers may be none.
        total = min(total + max(value, 0.0), 1e300)
        found.append(total)
    return found


def usual_step(lines: Sequence[Line]) -> int:
    """The step at which the layers have a gap: the largest of theirs; 0 where one is unknown."""
    steps = [line.step for line in lines]
    return max(steps) if steps and all(steps) else 0
