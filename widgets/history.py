"""Windows of points: which table they come from and how they are reduced."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.db import connection

from widgets.clock import HOUR, MINUTE

Reducer = Literal["last", "mean", "min", "max", "sum", "count", "rate"]

# A window takes the coarsest table that gives at least so many points …
ENOUGH = 300
# … and is reduced to so many at most.
MOST = 600
TABLES = {0: "widgets_sample", MINUTE: "widgets_minute", HOUR: "widgets_hour"}


def step_for(span: int) -> int:
    """The resolution for a window of `span` µs: 0 for raw samples, or a bucket's width in µs."""
    return next((step for step in (HOUR, MINUTE) if span // step >= ENOUGH), 0)


@dataclass(slots=True)
class Window:
    """The points of one series, by time, at one resolution (`step` µs; 0: raw samples).

    Columns of equal length. Raw samples are buckets of one, so the columns of values are then
    the same list, and `last_ts` is `ts`: two appends an arriving sample.
    """

    step: int
    ts: list[int]
    n: list[int]
    sum: list[float]
    min: list[float]
    max: list[float]
    last: list[float]
    last_ts: list[int]

    @classmethod
    def raw(cls) -> Window:
        values: list[float] = []
        moments: list[int] = []
        return cls(0, moments, [], values, values, values, values, moments)

    @classmethod
    def bucketed(cls, step: int) -> Window:
        return cls(step, [], [], [], [], [], [], [])

    @classmethod
    def empty(cls, step: int) -> Window:
        return cls.bucketed(step) if step else cls.raw()

    def __len__(self) -> int:
        return len(self.ts)

    def add(self, ts: int, value: float) -> None:
        """Take in one sample that is not here yet, wherever in time it belongs."""
        key = ts - ts % self.step if self.step else ts
        at = bisect_left(self.ts, key)
        if at < len(self.ts) and self.ts[at] == key:
            if self.step:
                self.n[at] += 1
                self.sum[at] += value
                self.min[at] = min(self.min[at], value)
                self.max[at] = max(self.max[at], value)
                if ts >= self.last_ts[at]:
                    self.last[at], self.last_ts[at] = value, ts
            return
        self.ts.insert(at, key)
        self.n.insert(at, 1)
        columns = (self.sum, self.min, self.max, self.last) if self.step else (self.last,)
        for column in columns:
            column.insert(at, value)
        if self.step:
            self.last_ts.insert(at, ts)

    def trim(self, before: int) -> None:
        """Forget what is older than `before`."""
        at = bisect_left(self.ts, before)
        if at:
            del self.ts[:at]
            del self.n[:at]
            columns = (self.sum, self.min, self.max, self.last) if self.step else (self.last,)
            for column in columns:
                del column[:at]
            if self.step:
                del self.last_ts[:at]

    def points(self, start: int, end: int, most: int = MOST) -> Sequence[tuple[int, float]]:
        """(moment, value) between two moments, reduced to `most`; minima and maxima stay."""
        low, high = bisect_left(self.ts, start), bisect_right(self.ts, end)
        if not self.step:
            return thin(list(zip(self.ts[low:high], self.last[low:high], strict=True)), most)
        found = []
        for i in range(low, high):
            ts, least, most_ = self.ts[i], self.min[i], self.max[i]
            if least == most_:
                found.append((ts, least))
            else:
                # Which came first inside a bucket is not known; the later is nearer to the last.
                first, second = (least, most_)
                if abs(self.last[i] - least) < abs(self.last[i] - most_):
                    first, second = second, first
                found += [(ts, first), (ts + self.step // 2, second)]
        return thin(found, most)

    def value_at(self, moment: int, slack: int) -> float | None:
        """The last value at or before `moment`, not older than `slack` µs before it."""
        at = bisect_right(self.ts, moment) - 1
        return self.last[at] if at >= 0 and self.ts[at] >= moment - slack else None

    def reduce(self, reducer: Reducer, start: int, end: int) -> float | None:
        """One number for the samples between two moments; None where there is none.

        `rate` is the change a second between the first and the last.
        """
        low, high = bisect_left(self.ts, start), bisect_right(self.ts, end)
        if reducer == "count":
            return float(sum(self.n[low:high]))
        if low >= high:
            return None
        match reducer:
            case "last":
                return self.last[high - 1]
            case "min":
                return min(self.min[low:high])
            case "max":
                return max(self.max[low:high])
            case "sum":
                return sum(self.sum[low:high])
            case "mean":
                return sum(self.sum[low:high]) / sum(self.n[low:high])
            case "rate":
                span = self.ts[high - 1] - self.ts[low]
                change = self.last[high - 1] - self.last[low]
                return change * 1e6 / span if span else None


def thin(points: Sequence[tuple[int, float]], most: int = MOST) -> Sequence[tuple[int, float]]:
    """At most `most` points: of each stretch its first minimum and maximum, in order.

    The first and the last point always stay, so that a line does not shrink.
    """
    if len(points) <= most:
        return points
    stretches = max((most - 2) // 2, 1)
    # By columns, and without a function called for each point: every spark comes through here.
    values = [value for _, value in points]
    inner, found = len(points) - 2, [points[0]]
    first = 1
    for i in range(1, stretches + 1):
        end = 1 + i * inner // stretches
        part = values[first:end]
        if part:
            low, high = part.index(min(part)), part.index(max(part))
            if low > high:
                low, high = high, low
            found.append(points[first + low])
            if low != high:
                found.append(points[first + high])
        first = end
    found.append(points[-1])
    return found


def load(
    series: Sequence[int], start: int, end: int, step: int, most: int = 2**62
) -> dict[int, Window]:
    """The windows of several series (ids) from the database, one query; each has one, if empty.

    At most so many points in all: the series that do not fit, by id, are not in the answer.
    """
    windows = {id_: Window.empty(step) for id_ in series}
    if not series:
        return windows
    marks = ",".join(["%s"] * len(series))
    columns = "series_id, ts, n, sum, min, max, last, last_ts" if step else "series_id, ts, value"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {TABLES[step]} "  # noqa: S608  # names of our own, never data
            f"WHERE series_id IN ({marks}) AND ts >= %s AND ts <= %s ORDER BY series_id, ts "
            "LIMIT %s",
            [*series, start - start % step if step else start, end, most + 1],
        )
        for count, row in enumerate(cursor):
            if count == most:
                return {id_: window for id_, window in windows.items() if id_ < row[0]}
            window = windows[row[0]]
            window.ts.append(row[1])
            if step:
                window.n.append(row[2])
                window.sum.append(row[3])
                window.min.append(row[4])
                window.max.append(row[5])
                window.last.append(row[6])
                window.last_ts.append(row[7])
            else:
                window.n.append(1)
                window.last.append(row[2])
    return windows
