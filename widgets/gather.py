"""What becomes of the series a widget shows: reduced over time and series, judged as one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from widgets.clock import MINUTE
from widgets.history import MOST, Window, thin
from widgets.judge import (
    STATE_ORDER,
    Promise,
    freshness_at,
    limits_of,
    worst_freshness,
    worst_state,
)
from widgets.kinds import Data, Happening, Limits, Line
from widgets.reading import Freshness, State
from widgets.select import Pick, Picked, Spec
from widgets.snapshot import FeedNow, SeriesNow

Windows = Callable[[int], Window | None]
# More points than any window has.
ALL = 2**62


def gather(
    spec: Spec,
    picked: Picked,
    windows: Windows,
    now: int,
    events: Mapping[int, Sequence[Happening]] = MappingProxyType({}),
) -> Data:
    """What the kind draws: the lines reduced over time and over series, rows, text and notes.

    `windows` gives the window of a series by its id; None where there is none. `events`: those
    known of each feed, by its id.
    """
    lines = [_line(spec, one, windows(one.series.id), now) for one in picked.lines]
    lines = _over_series(spec, lines)
    return Data(
        lines=lines,
        rows=[row for feed in picked.feeds for row in feed.rows or ()],
        text="\n\n".join(feed.text for feed in picked.feeds if feed.text),
        notes=[note for feed in picked.feeds for note in feed.notes],
        hidden=len(picked.cut),
        events=_events(spec, picked, events, now) if spec.events else (),
    )


def _events(
    spec: Spec, picked: Picked, events: Mapping[int, Sequence[Happening]], now: int
) -> list[Happening]:
    """Those of the series shown, and of their feeds as a whole, the newest first."""
    since = now - spec.events
    shown = {f"{one.feed.name}/{one.series.name}" for one in (*picked.lines, *picked.cut)}
    found = [
        event
        for feed in picked.feeds
        for event in events.get(feed.id, ())
        if (not event.key or event.key in shown) and (event.end is None or event.end >= since)
    ]
    return sorted(found, key=lambda event: -event.start)


def _line(spec: Spec, one: Pick, window: Window | None, now: int) -> Line:
    series, feed = one.series, one.feed
    start = now - spec.window
    value = series.value
    if window is not None and spec.over_time != "last":
        value = window.reduce(spec.over_time, start, now)
    unit = one.unit
    if spec.over_time == "count":
        unit = ""
    elif spec.over_time == "rate":
        unit = f"{unit}/s"
    step = window.step if window is not None and window.step else feed.interval or 0
    most = MOST if spec.points == "reduced" else ALL
    return Line(
        key=f"{feed.name}/{series.name}",
        name=one.name,
        unit=unit,
        value=value,
        at=series.at,
        state=series.state,
        since=series.since or None,
        freshness=freshness_at(
            feed.promise.since(series.at, series.arrived),
            feed.promise,
            feed.failed,
            now,
            series.lost is not None,
        ),
        message=series.message,
        points=window.points(start, now, most) if window is not None and spec.window else (),
        then={
            offset: window.value_at(now - offset, max(3 * step, MINUTE)) if window else None
            for offset in spec.offsets
        },
        limits=limits_of(series.name, feed.thresholds),
        step=step,
    )


def _over_series(spec: Spec, lines: list[Line]) -> list[Line]:
    """One line of many, where the widget asks for it."""
    if spec.over_series == "top":
        lines.sort(key=lambda line: (line.value is None, -(line.value or 0.0)))
    if spec.over_series in {"each", "top"} or not lines:
        return lines
    if spec.over_series == "worst":
        return [max(lines, key=lambda one: (STATE_ORDER.index(one.state), one.value or 0.0))]
    reduce = _REDUCERS[spec.over_series]
    values = [line.value for line in lines if line.value is not None]
    thens = {
        offset: reduce(known)
        if len(known := [v for one in lines if (v := one.then[offset]) is not None]) == len(lines)
        else None
        for offset in spec.offsets
    }
    return [
        replace(
            lines[0],
            key=f"{spec.over_series} of {len(lines)}",
            name=f"{spec.over_series} of {len(lines)}",
            value=reduce(values) if values else None,
            at=min((one.at for one in lines if one.at is not None), default=None),
            state=worst_state(one.state for one in lines),
            freshness=worst_freshness(one.freshness for one in lines),
            points=thin(_merged(lines, reduce)),
            then=thens,
            limits=Limits(),
        )
    ]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_REDUCERS: dict[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "mean": _mean,
    "min": min,
    "max": max,
}


def _merged(
    lines: Sequence[Line], reduce: Callable[[Sequence[float]], float]
) -> list[tuple[int, float]]:
    """The points of several lines as one; each line holds its value for up to 3 of its steps.

    Series of one reading share their moments; those of several feeds do not.
    """
    arriving = sorted((ts, i, value) for i, line in enumerate(lines) for ts, value in line.points)
    # A line of unknown step holds until its next point.
    reach = [3 * line.step or math.inf for line in lines]
    held: dict[int, tuple[int, float]] = {}
    found: list[tuple[int, float]] = []
    for ts, group in groupby(arriving, key=lambda item: item[0]):
        held.update({i: (moment, value) for moment, i, value in group})
        held = {i: (at, value) for i, (at, value) in held.items() if ts - at <= reach[i]}
        found.append((ts, reduce([value for _, value in held.values()])))
    return found


@dataclass(frozen=True, slots=True)
class Condition:
    """What a tile's frame says: the worst of what it shows. Moments in µs.

    `late_at` and `stale_at`: when time alone makes it so; None where nothing was promised.
    """

    version: int
    state: State
    freshness: Freshness
    read_at: int | None
    late_at: int | None
    stale_at: int | None
    error: str
    waiting: bool


def condition(spec: Spec, picked: Picked, lines: Sequence[Line], now: int) -> Condition:
    """The condition of a tile, from the lines that it draws, the series that it has no room for,
    and the feeds behind them."""
    series = [*picked.lines, *picked.cut]
    ages = [_age(one.feed, one.series, one.series.lost is not None) for one in series]
    with_lines = {one.feed.id for one in series}
    # Rows and text have no series: there the feed's own age counts.
    ages += [_age(feed, feed) for feed in picked.feeds if feed.id not in with_lines]
    known = [(since, age.promised) for age in ages if (since := age.since) is not None]
    errors = [
        feed.error if len(picked.feeds) == 1 else f"{feed.name}: {feed.error}"
        for feed in picked.feeds
        if feed.error
    ]
    versions = [feed.version for feed in picked.feeds]
    return Condition(
        version=max([spec.revision, *versions]),
        state=worst_state(
            [*(line.state for line in lines), *(one.series.state for one in picked.cut)]
        ),
        freshness=worst_freshness(
            freshness_at(age.since, age.promised, age.failed, now, age.lost) for age in ages
        ),
        read_at=min((age.of for age in ages if age.of is not None), default=None),
        late_at=_first(promised.late_at(since) for since, promised in known),
        stale_at=_first(promised.stale_at(since) for since, promised in known),
        error=errors[0] if errors else "",
        waiting=not known and bool(spec.shows),
    )


class _Age(NamedTuple):
    """How old something shown is: `of` which moment, and `since` when what it promises counts."""

    of: int | None
    since: int | None
    promised: Promise
    failed: bool
    lost: bool


def _age(feed: FeedNow, shown: FeedNow | SeriesNow, lost: bool = False) -> _Age:
    since = feed.promise.since(shown.at, shown.arrived)
    return _Age(shown.age_from, since, feed.promise, feed.failed, lost)


def _first(moments: Iterable[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)
