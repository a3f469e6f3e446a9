"""What the data means and whether to believe it. Pure: `now` is an argument, always."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from widgets.cadence import Cadence
from widgets.clock import MINUTE, SECOND
from widgets.kinds import Limits
from widgets.options import BadOptions, Problem
from widgets.reading import Freshness, State
from widgets.registry import nearest
from widgets.shows import matches

STATE_ORDER: tuple[State, ...] = ("ok", "unknown", "warning", "critical")
FRESHNESS_ORDER: tuple[Freshness, ...] = ("fresh", "aged", "late", "stale", "failed")
_NO_LIMITS = Limits()
STALE_LEAST = 10 * SECOND
CALENDAR_SLACK = 10 * SECOND
# A sender's clock may be ahead by so much; one further ahead would keep a tile fresh long after
# its source died.
MOST_AHEAD = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class Threshold:
    """Limits for the series whose name matches a shell pattern."""

    series: str
    limits: Limits


def read_thresholds(given: Any, path: str = "thresholds") -> list[Threshold]:
    """The thresholds of a feed, or BadOptions with a path for each wrong one."""
    if not isinstance(given, list):
        raise BadOptions([Problem(path, "a list is expected")])
    known = [field.name for field in fields(Limits)]
    found, problems = [], []
    for i, item in enumerate(given):
        where = f"{path}[{i}]"
        if not isinstance(item, Mapping):
            problems.append(Problem(where, "such as {series: cpu, warning_above: 75} is expected"))
            continue
        limits: dict[str, float] = {}
        for key, value in item.items():
            if key == "series":
                if not isinstance(value, str):
                    problems.append(Problem(f"{where}.series", "text is expected"))
            elif key not in known:
                hint = nearest(str(key), ["series", *known])
                problems.append(Problem(f"{where}.{key}", f"unknown key{hint}"))
            elif not _is_number(value):
                shown = repr(value)[:40]
                problems.append(Problem(f"{where}.{key}", f"a number is expected, not {shown}"))
            else:
                limits[key] = float(value)
        found.append(Threshold(str(item.get("series", "*")), Limits(**limits)))
    if problems:
        raise BadOptions(problems)
    return found


def _is_number(value: object) -> bool:
    """A finite one: neither NaN, which no database's JSON takes, nor 1 with 400 noughts."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) <= sys.float_info.max


def limits_of(series: str, thresholds: Sequence[Threshold]) -> Limits:
    """The limits of a series: those of the first threshold whose pattern matches its name."""
    for threshold in thresholds:
        if matches(series, threshold.series):
            return threshold.limits
    return _NO_LIMITS


def judge_value(value: float, limits: Limits) -> State:
    """The state a value is in. A value at a limit is not beyond it."""
    if beyond(value, limits.critical_above, limits.critical_below):
        return "critical"
    if beyond(value, limits.warning_above, limits.warning_below):
        return "warning"
    return "ok"


def beyond(value: float, above: float | None, below: float | None) -> bool:
    return (above is not None and value > above) or (below is not None and value < below)


def explain(value: float, unit: str, limits: Limits) -> str:
    """Why a value is not ok: `2.31 % is above 1 %`; empty if it is."""
    for above, below in (
        (limits.critical_above, limits.critical_below),
        (limits.warning_above, limits.warning_below),
    ):
        if above is not None and value > above:
            return f"{_said(value, unit)} is above {_said(above, unit)}"
        if below is not None and value < below:
            return f"{_said(value, unit)} is below {_said(below, unit)}"
    return ""


def _said(value: float, unit: str) -> str:
    return f"{value:.4g} {unit}".rstrip()


def worst_state(states: Iterable[State]) -> State:
    """The worst of several states; of none, ok."""
    return max(states, key=STATE_ORDER.index, default="ok")


def worst_freshness(words: Iterable[Freshness]) -> Freshness:
    """The worst of several; of none, fresh."""
    return max(words, key=FRESHNESS_ORDER.index, default="fresh")


@dataclass(frozen=True, slots=True)
class Promise:
    """How long after its reading a series is late and stale, µs; None: nothing was promised.

    `down_after`: when silence means that it is down, whatever it said last; None: never.
    `calendar`: names the runs of which the first that brings nothing makes late, the second stale,
    each when `slack` has passed. `fast`: the late_after and stale_after that hold while somebody
    watches, as somebody does since `watched_since` (None: nobody).
    """

    late_after: int | None
    stale_after: int | None
    down_after: int | None = None
    calendar: Cadence | None = None
    slack: int = 0
    fast: tuple[int, int] | None = None
    watched_since: int | None = None

    def watched(self, since: int | None) -> Promise:
        """The same while somebody watches, since that moment; None: nobody does."""
        return replace(self, watched_since=since) if self.fast else self

    def since(self, at: int | None, arrived: int | None) -> int | None:
        """The moment that it counts from, of a reading's time and its arrival: the earlier one.
        What a calendar brings may be of any age, and is as new as its run."""
        if at is None or arrived is None:
            return at or arrived
        return arrived if self.calendar else min(at, arrived)

    def late_at(self, since: int) -> int | None:
        """When what counts from `since` is late, µs; None: never."""
        if self.calendar:
            return self._without(1, since)
        return self._soonest(since, self.late_after, self.fast[0] if self.fast else None)

    def stale_at(self, since: int) -> int | None:
        """When what counts from `since` is stale, µs; None: never."""
        if self.calendar:
            return self._without(2, since)
        return self._soonest(since, self.stale_after, self.fast[1] if self.fast else None)

    def _soonest(self, since: int, after: int | None, fast: int | None) -> int | None:
        """From when somebody watches a feed its next reading is near, and none is missing yet."""
        if after is None:
            return None
        if fast is None or self.watched_since is None:
            return since + after
        return min(since + after, max(since, self.watched_since) + fast)

    def _without(self, runs: int, since: int) -> int | None:
        """When so many runs after `since` should have brought something."""
        moment: int | None = since
        for _ in range(runs):
            moment = self.calendar.next_run(moment, False) if self.calendar and moment else None
        return None if moment is None else moment + self.slack

    def is_down(self, since: int | None, now: int) -> bool:
        """Whether a series whose age counts from `since` has been silent for too long."""
        return None not in (self.down_after, since) and now - since >= self.down_after  # type: ignore[operator]


def promise_of(
    cadence: Cadence, timeout: int, expect_every: int | None, grace: int | None = None
) -> Promise:
    """What a feed promises that is asked in that cadence, or not at all.

    The slack of a calendar is what a run takes whose worker was killed: the lease, which is the
    timeout and 5 s, and as long again for the next one.
    """
    if cadence.cron:
        return Promise(None, None, calendar=cadence, slack=2 * timeout + CALENDAR_SLACK)
    found = promise(cadence.every(watched=False), timeout, expect_every, grace)
    if cadence.unwatched is None:
        return found
    fast = promise(cadence.interval, timeout, None)
    return replace(found, fast=(fast.late_after or 0, fast.stale_after or 0))


def promise(
    interval: int | None, timeout: int, expect_every: int | None, grace: int | None = None
) -> Promise:
    """What a feed promises: late after 2 intervals + timeout, stale after 5 and at least 10 s.

    A pushed or streamed feed has no timeout: what it expects is all that counts. With a grace, as
    a job has one that runs once a day, it is late as soon as it is due, and down after the grace.
    """
    if grace is not None and expect_every and not interval:
        return Promise(expect_every, expect_every + grace, expect_every + grace)
    every, slack = (interval, timeout) if interval else (expect_every, 0)
    if not every:
        return Promise(None, None)
    late = 2 * every + slack
    return Promise(late, max(5 * every, STALE_LEAST, late))


def freshness_at(
    since: int | None, promised: Promise, failed: bool, now: int, lost: bool = False
) -> Freshness:
    """How far to believe a reading whose age counts from `since` (µs).

    `lost`: its source said itself that there is no more of it.
    """
    if failed:
        return "failed"
    if lost:
        return "stale"
    if since is None:
        return "aged"
    late_at, stale_at = promised.late_at(since), promised.stale_at(since)
    if late_at is None or stale_at is None:
        return "aged"
    # From further ahead than any sender's clock may be, ours was set back: nobody knows its age.
    if now >= stale_at or since > now + MOST_AHEAD:
        return "stale"
    return "late" if now >= late_at else "fresh"


def next_change(since: int | None, promised: Promise, now: int) -> int | None:
    """The next moment at which time alone changes the freshness, µs; None: never."""
    if since is None:
        return None
    moments = (promised.late_at(since), promised.stale_at(since))
    return min((m for m in moments if m is not None and m > now), default=None)
