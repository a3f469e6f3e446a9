"""Spans of time: what was known when, in which state it was, and how much of it was well. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from widgets.clock import SECOND, as_datetime
from widgets.kinds import Happening
from widgets.reading import State
from widgets.scales import Point

# Silence of more than so many usual steps is a gap: nobody knows what was then.
GAP_STEPS = 3
ORDER: tuple[State, ...] = ("ok", "unknown", "warning", "critical")

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From when to when (µs) something was in one state."""

    state: State
    start: int
    end: int


def known(points: Sequence[Point], step: int, start: int, end: int) -> list[Span]:
    """When there were readings: from each point to the next, but for gaps. `step`: the usual
    distance, µs; 0: unknown, and then nothing between the first and the last is a gap."""
    most = GAP_STEPS * step
    found: list[Span] = []
    moments = [ts for ts, _ in points]
    # A point speaks for one step, and the last one until now unless it is too long ago.
    pairs = [*pairwise(moments), (moments[-1], end)] if moments else []
    for at, to in pairs:
        until = to if not most or to - at <= most else at + step
        begin, until = max(at, start), min(until, end)
        if until <= begin:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], until)
        else:
            found.append((begin, until))
    return found


def stretches(
    events: Iterable[Happening], spans: Sequence[Span], states: Collection[str] = ORDER
) -> list[Stretch]:
    """The known spans, parted by the states that the events say; ok where none says anything.

    `events`: of one series; those of other axes are passed over, and states not among `states`
    count as ok. Where two overlap the worse one counts.
    """
    levels = _levels([e for e in events if e.axis == "state" and e.what in states])
    moments = [moment for moment, _ in levels]
    found: list[Stretch] = []
    for start, end in spans:
        at = bisect_right(moments, start) - 1
        while at < len(levels) and levels[at][0] < end:
            until = min(levels[at + 1][0] if at + 1 < len(levels) else end, end)
            _append(found, Stretch(levels[at][1], max(levels[at][0], start), until))
            at += 1
    return found


def _levels(events: Sequence[Happening]) -> list[tuple[int, State]]:
    """From when on which state was the worst one, the first from the beginning of time."""
    known = [e for e in events if e.what in ORDER]
    turns = [(e.start, e.what, 1) for e in known]
    turns += [(e.end, e.what, -1) for e in known if e.end is not None]
    going_on: dict[str, int] = dict.fromkeys(ORDER, 0)
    found: list[tuple[int, State]] = [(0, "ok")]
    for moment, group in groupby(sorted(turns), key=lambda turn: turn[0]):
        for _, what, by in group:
            going_on[what] += by
        worst: State = next((state for state in reversed(ORDER) if going_on[state] > 0), "ok")
        if worst != found[-1][1]:
            found.append((moment, worst))
    return found


def _append(found: list[Stretch], one: Stretch) -> None:
    """One more, or the last one longer."""
    if found and found[-1].state == one.state and found[-1].end == one.start:
        found[-1] = Stretch(one.state, found[-1].start, one.end)
    else:
        found.append(one)


def share_ok(found: Iterable[Stretch]) -> float | None:
    """Which share of the known time was ok; None where nothing is known."""
    total = well = 0
    for one in found:
        total += one.end - one.start
        well += one.end - one.start if one.state == "ok" else 0
    return well / total if total else None


def by_day(found: Sequence[Stretch], shown: Sequence[Span]) -> list[list[Stretch]]:
    """What of them, in their order, lies in each of some days, in theirs."""
    parts: list[list[Stretch]] = []
    at = 0
    for start, end in shown:
        while at < len(found) and found[at].end <= start:
            at += 1
        day, i = [], at
        while i < len(found) and found[i].start < end:
            one = found[i]
            day.append(Stretch(one.state, max(one.start, start), min(one.end, end)))
            i += 1
        parts.append(day)
    return parts


def days(now: int, count: int, zone: ZoneInfo) -> list[Span]:
    """The last so many days on a calendar of the zone, the present one as far as it has come.

    From midnight to midnight, so one of 23 or 25 hours is as long as it was.
    """
    today = as_datetime(now).astimezone(zone).date()
    starts = [_midnight(today - timedelta(days=n), zone) for n in range(count - 1, -1, -1)]
    return [*pairwise(starts), (starts[-1], now)]


def _midnight(day: date, zone: ZoneInfo) -> int:
    at = datetime.combine(day, time(), zone)
    return round(at.timestamp()) * SECOND
