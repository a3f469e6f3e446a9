"""What is known of a feed now, as pictures need it: loaded, or kept up by messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from django.db import connection

from widgets import clock
from widgets.cadence import is_watched
from widgets.judge import Promise, Threshold, promise_of, read_thresholds
from widgets.models import Feed, FeedState
from widgets.reading import Freshness, State


@dataclass(slots=True)
class SeriesNow:
    """One series: its last value, when it was true and when it came (µs), and what that means."""

    id: int
    name: str
    unit: str
    value: float | None
    at: int | None
    arrived: int | None
    state: State
    since: int
    message: str
    ended: bool
    freshness: Freshness
    verdict: State
    lost: int | None = None

    @property
    def age_from(self) -> int | None:
        """The moment its age counts from: the earlier of the reading's time and its arrival."""
        return min(self.at, self.arrived) if self.at and self.arrived else self.at or self.arrived


@dataclass(slots=True)
class FeedNow:
    """One feed: what people set, the last good reading, and the error beside it."""

    id: int
    name: str
    source: str
    private: bool
    paused: bool
    # About how far its readings are apart.
    interval: int | None
    promise: Promise
    thresholds: Sequence[Threshold]
    revision: int
    # Whether it is asked more often while somebody watches.
    adaptive: bool = False
    # From here on what a message brings.
    version: int = 0
    at: int | None = None
    arrived: int | None = None
    rows: Sequence[Mapping[str, Any]] | None = None
    text: str | None = None
    notes: Sequence[str] = ()
    error: str = ""
    failed: bool = False
    failing_since: int | None = None
    since: int = 0
    series: dict[str, SeriesNow] = field(default_factory=dict)

    @property
    def age_from(self) -> int | None:
        return min(self.at, self.arrived) if self.at and self.arrived else self.at or self.arrived

    def apply(self, message: Mapping[str, Any]) -> set[int]:
        """Take in what one commit changed (see `widgets.publish.feed_message`).

        A series that has ended is forgotten; the ids of those are returned.
        """
        ended = set()
        self.version = message["version"]
        for name, value in message["state"].items():
            setattr(self, name, value)
        for row in message["series"]:
            series = SeriesNow(*row)
            if series.ended:
                self.series.pop(series.name, None)
                ended.add(series.id)
            else:
                self.series[series.name] = series
        return ended


SERIES_COLUMNS = [field.name for field in fields(SeriesNow)]
# FAILED_AFTER failures in a row: one lost packet is no reason to paint a wall.
FAILED_AFTER = 2
# What of FeedState a message carries, by the names of FeedNow.
CARRIED = ("at", "arrived", "rows", "text", "notes", "error", "failing_since", "since")


def state_fields(state: FeedState) -> dict[str, Any]:
    """The part of a feed's state that pictures need."""
    return {name: getattr(state, name) for name in CARRIED} | {
        "failed": state.failures >= FAILED_AFTER
    }


def load_series(feeds: Collection[int]) -> dict[int, dict[str, SeriesNow]]:
    """The series of feeds by name, by feed, but for those that have ended; one query."""
    series: dict[int, dict[str, SeriesNow]] = {feed: {} for feed in feeds}
    with connection.cursor() as cursor:
        if feeds:
            cursor.execute(_SERIES.format(marks=", ".join(["%s"] * len(feeds))), list(feeds))
            for feed, *row in cursor:
                row[_ENDED] = False  # And no 0, as SQLite has it.
                series[feed][row[1]] = SeriesNow(*row)
    return series


# By hand: each commit asks it, and making the query took longer than the answer.
_SERIES = f"""
SELECT feed_id, {", ".join(f'"{name}"' for name in SERIES_COLUMNS)} FROM widgets_series
WHERE feed_id IN ({{marks}}) AND NOT ended ORDER BY feed_id, name
"""  # noqa: S608  # our own names
_ENDED = SERIES_COLUMNS.index("ended")


def load(feeds: Iterable[int] | None = None) -> dict[int, FeedNow]:
    """The feeds with these ids (None: all) as the database has them now; three queries at most."""
    found = Feed.objects.select_related("now")
    if feeds is not None:
        found = found.filter(pk__in=list(feeds))
    now = clock.now()
    loaded = {feed.pk: from_rows(feed, now) for feed in found}
    for id_, series in load_series(loaded).items():
        loaded[id_].series = series
    return loaded


def promised(feed: Feed, state: FeedState, now: int) -> Promise:
    """What a feed promises, if it is as watched as its state says."""
    since = state.watched_since if is_watched(state.watched_until, now) else None
    return promise_of(feed.cadence, feed.timeout, feed.expect_every, feed.grace).watched(since)


def from_rows(feed: Feed, now: int) -> FeedNow:
    found = FeedNow(
        id=feed.pk,
        name=feed.name,
        source=feed.source,
        private=feed.private,
        paused=feed.paused,
        interval=feed.cadence.usual_gap(now),
        promise=promised(feed, feed.now, now),
        thresholds=read_thresholds(feed.thresholds),
        revision=feed.revision,
        adaptive=feed.unwatched is not None,
        version=feed.now.version,
    )
    for name, value in state_fields(feed.now).items():
        setattr(found, name, value)
    return found
