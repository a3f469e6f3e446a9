"""What one commit changes in one feed: its state, its series, its samples, its events.

Used by `widgets.commit` alone, inside its transaction; nothing here queries or publishes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from widgets.cadence import is_watched
from widgets.clock import DAY, MINUTE, SECOND, format_duration
from widgets.judge import (
    MOST_AHEAD,
    Promise,
    Threshold,
    explain,
    freshness_at,
    judge_value,
    limits_of,
    next_change,
    read_thresholds,
    worst_state,
)
from widgets.models import Event, Feed, FeedState, advance
from widgets.reading import BadReading, Mark, Reading, State, Verdict, clean
from widgets.snapshot import FAILED_AFTER, SeriesNow, promised

MOST_BACKOFF = MINUTE
# A series that its source has lost sight of stays on the wall, stale, for so long and then ends:
# what is replaced every hour under another name would fill it otherwise.
LOST_KEPT = DAY


# Called inside the transaction with the feed's memo, which it may change in place, and the reading.
# None: all of it was there already.
Fold = Callable[[dict[str, Any], Reading], Reading | None]


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something to record of a feed: a reading, or the error of a fetch, or neither (time passed).

    `claim`: the number a polled reading was asked for under; None for what was handed in.
    `duration` and `lateness` of the fetch in µs. `memo`: what its source wants to remember.
    `fold`: makes the reading from what was handed in and from what the feed remembers.
    `well`: without a reading, that what failed works again.
    """

    feed: int
    arrived: int
    reading: Reading | None = None
    error: str = ""
    claim: int | None = None
    duration: int | None = None
    lateness: int | None = None
    memo: dict[str, Any] | None = None
    fold: Fold | None = None
    well: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an arrival.

    recorded: committed under `version`. nothing: all of it was there already. fenced: its claim
    had passed to somebody else. refused: it cannot be kept; `message` says why. gone: the feed
    was deleted meanwhile. `due`: when a feed of which something was kept is asked next, µs.
    """

    status: Literal["recorded", "nothing", "fenced", "refused", "gone"]
    version: int = 0
    message: str = ""
    due: int | None = None

    @property
    def kept(self) -> bool:
        """All of it is in the database now."""
        return self.status in {"recorded", "nothing"}


def kept(reading: Reading, arrived: int, now: int) -> Reading:
    """The reading as it may be stored, or BadReading: a name, a number, a time that cannot be."""
    reading = clean(reading)
    at = arrived if reading.at is None else reading.at
    if at > now + MOST_AHEAD:
        ahead = (at - now) // SECOND
        raise BadReading(f"its time is {ahead} s in the future; set the clock of its sender")
    if at <= 0:
        raise BadReading("its time is before 1970")
    for name, ts, _ in reading.history:
        if not 0 < ts <= now + MOST_AHEAD:
            raise BadReading(f"a time of {name} is in the future or before 1970")
    return reading


def open_series(name: str) -> SeriesNow:
    """A series that is not stored yet: its id is 0."""
    return SeriesNow(0, name, "", None, None, None, "ok", 0, "", False, "fresh", "ok")


@dataclass(slots=True)
class FeedChange:
    """The rows of one feed, locked, and what is to become of them."""

    feed: Feed
    state: FeedState
    series: dict[str, SeriesNow]
    now: int
    promised: Promise = field(init=False)
    watched: bool = field(init=False)
    thresholds: list[Threshold] = field(init=False)
    touched: set[str] = field(default_factory=set)
    # The series that a reading gave a value, with what its source says of it.
    learned: set[str] = field(default_factory=set)
    # By name, since a new series has no id before it is stored.
    samples: list[tuple[str, int, float]] = field(default_factory=list)
    # With the name of the series, if it is one's.
    events: list[tuple[Event, str | None]] = field(default_factory=list)
    # (series id or None for the feed itself, axis): their open events end now.
    closed: list[tuple[int | None, str]] = field(default_factory=list)
    changed: bool = False
    previous: int = field(init=False)
    # Whether `next_due` is another than it was.
    rescheduled: bool = False
    # The samples that were not there yet, by the id of their series.
    inserted: list[tuple[int, int, float]] = field(default_factory=list)
    # Nothing else came: no judgement because time passed or people changed something.
    only_readings: bool = True
    had_failed: bool = field(init=False)

    def __post_init__(self) -> None:
        self.watched = is_watched(self.state.watched_until, self.now)
        self.promised = promised(self.feed, self.state, self.now)
        self.thresholds = read_thresholds(self.feed.thresholds)
        self.previous = self.state.version
        self.had_failed = self.state.failures >= FAILED_AFTER

    # -- taking in ---------------------------------------------------------------------------

    def take(self, arrival: Arrival) -> Outcome | None:
        """Take in one arrival; an outcome if it is settled already, None if the commit decides."""
        if arrival.claim is not None and not self._holds(arrival.claim):
            return Outcome("fenced", message="its claim had ended or passed to another worker")
        error, reading = arrival.error, arrival.reading
        if reading is not None:
            try:
                reading = kept(reading, arrival.arrived, self.now)
                if arrival.fold is not None:
                    reading = arrival.fold(self.state.memo, reading)
            except BadReading as bad:
                if arrival.claim is None:
                    return Outcome("refused", message=str(bad))
                error, reading = str(bad), None
        if arrival.claim is not None:
            self._settle(arrival)
        if error:
            self._fail(error)
        elif reading is not None:
            self._succeed()
            self._learn(reading, arrival.arrived)
        elif arrival.well:
            self._succeed()
        self.only_readings &= reading is not None
        return None

    def _holds(self, claim: int) -> bool:
        return self.state.claim == claim and self.state.lease_until > self.now

    def _settle(self, arrival: Arrival) -> None:
        """The claim is used: its lease ends, and nobody can record under it again."""
        if self.state.next_due == self.state.lease_until:
            # A calendar's: due then only if nothing had come of the claim.
            started = arrival.arrived - (arrival.duration or 0)
            after = max(started, self.state.due)
            self.state.next_due = self.feed.cadence.next_run(after, self.watched)
            self.rescheduled = True
        self.state.lease_until = 0
        self.state.duration = arrival.duration
        self.state.lateness = arrival.lateness
        if arrival.memo is not None:
            self.state.memo = arrival.memo

    def _fail(self, error: str) -> None:
        state = self.state
        state.failures += 1
        state.error = state.last_error = error
        state.last_error_at = self.now
        state.failing_since = state.failing_since or self.now
        every = self.feed.cadence.every(self.watched)
        if every and state.failures >= FAILED_AFTER and state.next_due is not None:
            pause = every * 2 ** min(state.failures - 1, 10)
            pause = min(pause, max(MOST_BACKOFF, every))
            state.next_due = max(state.next_due, self.now + pause)
            self.rescheduled = True
        self.changed = True

    def _succeed(self) -> None:
        state = self.state
        if state.error or state.failures:
            state.error, state.failures, state.failing_since = "", 0, None
            self.changed = True

    def _learn(self, reading: Reading, arrived: int) -> None:
        at = arrived if reading.at is None else reading.at
        # What is stamped on arrival is the newest there is, also when the clock was set back:
        # otherwise the wall would show an old value as fresh until the clock has caught up.
        newest = reading.at is None
        self._learn_history(reading, arrived)
        for name, value in reading.numbers.items():
            self.samples.append((name, at, value))
            series = self._series(name)
            if newest or series.at is None or at >= series.at:
                self._learn_number(series, value, reading, at, arrived)
        self._lose(reading.lost, at)
        for name in reading.ended:
            ended = self.series.get(name)
            if ended is not None and (newest or at >= (ended.at or 0)):
                self._end(ended)
        for mark in reading.marks:
            self._mark(mark)
        if not _says_something(reading):
            return  # That something is lost makes nothing else newer.
        if not newest and self.state.at is not None and at < self.state.at:
            return  # Older than the last: history, and nothing else.
        if self.state.at != at:
            self.changed = True
        self.state.at, self.state.arrived = at, arrived
        self._learn_rest(reading)
        if reading.complete:
            self._end_others(reading)

    def _learn_history(self, reading: Reading, arrived: int) -> None:
        """Of a series that the reading gives no number, the newest point that came along is the
        last value, with the age that is its own."""
        self.samples += reading.history
        last: dict[str, tuple[int, float]] = {}
        for name, ts, value in reading.history:
            last[name] = max(last.get(name, (ts, value)), (ts, value))
        for name, (ts, value) in last.items():
            series = self._series(name)
            if series.at is None or ts > series.at:
                self._learn_number(series, value, reading, ts, arrived)

    def _mark(self, mark: Mark) -> None:
        """An event that is nobody's state. One that is there already is not written again."""
        event = Event(
            feed=self.feed, axis="note", what="note", start=mark.start, end=mark.end,
            text=mark.text,
        )  # fmt: skip
        self.events.append((event, None))
        self.changed = True

    def _lose(self, names: Sequence[str], at: int) -> None:
        for name in names:
            series = self.series.get(name)
            if series is not None and series.lost is None and at >= (series.at or 0):
                series.lost = at
                self.touched.add(name)
                self.changed = True

    def _learn_rest(self, reading: Reading) -> None:
        state = self.state
        if reading.rows is not None or reading.complete:
            rows = None if reading.rows is None else list(reading.rows)
            self.changed |= rows != state.rows
            state.rows = rows
        if reading.text is not None or reading.complete:
            self.changed |= reading.text != state.text
            state.text = reading.text
        notes = list(reading.notes)
        if notes or reading.complete:
            self.changed |= notes != state.notes
            state.notes = notes

    def _learn_number(
        self, series: SeriesNow, value: float, reading: Reading, at: int, arrived: int
    ) -> None:
        name = series.name
        verdict = reading.verdicts.get(name, Verdict("ok"))
        series.value, series.at, series.arrived = value, at, arrived
        series.unit = reading.units.get(name, series.unit if not reading.complete else "")
        series.verdict, series.message = verdict.state, verdict.message
        series.ended, series.lost = False, None
        self.learned.add(name)

    def _series(self, name: str) -> SeriesNow:
        self.touched.add(name)
        return self.series.setdefault(name, open_series(name))

    def _end_others(self, reading: Reading) -> None:
        named = {*reading.numbers, *(name for name, _, _ in reading.history)}
        for name, series in self.series.items():
            if name not in named and not series.ended and series.at is not None:
                self._end(series)

    def _end(self, series: SeriesNow) -> None:
        series.ended, series.lost = True, None
        self.touched.add(series.name)
        self.changed = True
        self.closed += [(series.id, "state"), (series.id, "freshness")]
        series.state, series.freshness = "ok", "fresh"

    # -- judging -----------------------------------------------------------------------------

    def judge(self) -> None:
        """Judge every series and the feed as of now; note what changed as events."""
        failed = self.state.failures >= FAILED_AFTER
        age = self.promised.since(self.state.at, self.state.arrived)
        own = freshness_at(age, self.promised, failed, self.now)
        moments = [next_change(age, self.promised, self.now)]
        if self._is_plain(own, failed):
            judged = [self.series[name] for name in sorted(self.touched)]
            moments.append(self.state.judge_at)
        else:
            judged = list(self.series.values())
        for series in judged:
            name = series.name
            if series.lost is not None and self.now >= series.lost + LOST_KEPT:
                self._end(series)
            if not series.ended and series.at is not None:
                self._judge_state(name, series)
                moments.append(self._judge_freshness(name, series, own, failed))
        if own != self.state.freshness:
            self._note(None, "freshness", own, ("fresh", "aged"), None, self.state.error)
            self.state.freshness = own
            self.changed = True
        shown = [one for one in self.series.values() if not one.ended and one.at is not None]
        self._judge_feed([one.state for one in shown])
        self.state.judge_at = min((m for m in moments if m is not None), default=None)

    def _is_plain(self, own: str, failed: bool) -> bool:
        """Whether only the series that readings touched may be in another state than they were:
        of a feed with a thousand one reading names a few. Where the schedule is a calendar or
        changes with who watches, what was promised of the others may be another now."""
        due = self.state.judge_at
        return (
            self.only_readings
            and not self.feed.cron
            and self.feed.unwatched is None
            and (due is None or due > self.now)
            and (own, failed) == (self.state.freshness, self.had_failed)
        )

    def _judge_feed(self, states: list[State]) -> None:
        worst = worst_state(states)
        if worst != self.state.state:
            self.state.state, self.state.since, self.changed = worst, self.now, True

    def _judge_state(self, name: str, series: SeriesNow) -> None:
        if series.value is None:
            return
        limits = limits_of(name, self.thresholds)
        beyond = judge_value(series.value, limits)
        down = self.promised.is_down(series.age_from, self.now)
        state: State = "critical" if down else worst_state([beyond, series.verdict])
        if down and self.promised.down_after is not None:
            series.message = f"silent for {format_duration(self.promised.down_after)} and more"
        elif beyond == state != "ok":
            series.message = explain(series.value, series.unit, limits)
        elif state == "ok" != series.state and name not in self.learned:
            series.message = ""  # It told why the value was not ok.
        if state != series.state or not series.since:
            if state != series.state:
                self._note(series, "state", state, ("ok",), series.value, series.message)
            series.state, series.since = state, self.now
            self.touched.add(name)
            self.changed = True

    def _judge_freshness(self, name: str, series: SeriesNow, own: str, failed: bool) -> int | None:
        lost = series.lost
        age = self.promised.since(series.at, series.arrived)
        found = freshness_at(age, self.promised, failed, self.now, lost is not None)
        if found != series.freshness:
            # What befalls the whole feed is said once, of the feed.
            quiet = ("fresh", "aged", own)
            self._note(series, "freshness", found, quiet, series.value, "")
            series.freshness = found
            self.touched.add(name)
            self.changed = True
        if lost is not None:
            return lost + LOST_KEPT
        return next_change(age, self.promised, self.now)

    def _note(
        self,
        series: SeriesNow | None,
        axis: str,
        what: str,
        quiet: tuple[str, ...],
        value: float | None,
        text: str,
    ) -> None:
        """End the open event of this axis and open another, unless what came is nothing to note."""
        if series is None or series.id:
            self.closed.append((series.id if series else None, axis))
        if what not in quiet:
            event = Event(
                feed=self.feed, axis=axis, what=what, start=self.now, value=value, text=text[:500]
            )
            self.events.append((event, series.name if series else None))

    def advance(self) -> None:
        self.state.version = advance(self.previous, self.now)


def _says_something(reading: Reading) -> bool:
    """Whether it is more than a word of what is lost."""
    return bool(
        not reading.lost
        or reading.numbers
        or reading.history
        or reading.rows is not None
        or reading.text is not None
        or reading.notes
    )
