"""Feeds by the names that senders and streams use: found, or made; with their series' names."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from django.db import transaction

from widgets import clock
from widgets.models import Feed, FeedState, Series, advance
from widgets.publish import publish_catalogue
from widgets.reading import MAX_SERIES, Reading
from widgets.sources import sources
from widgets.turns import writing

# How long a feed that was renamed in another process is still found by its old name in this one,
# s. One that was deleted is noticed at once, by the door.
REMEMBERED = 10.0
MOST_REMEMBERED = 20_000
MOST_FEEDS = 5_000
# SQLite takes 32,766 parameters a statement.
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Maker:
    """For whom feeds are made, by whose names things arrive: a token, or the feed of a stream.

    `said`: who that is, to people. `most_series`: in all the feeds that it made.
    """

    column: Literal["made_by", "made_from"]
    id: int
    said: str
    most_series: int


@dataclass(slots=True)
class Known:
    """A feed as the door needs it. `refuses`: why it takes nothing; "" if it does.

    `made_by` and `made_from`: the ids of what it was made for.
    """

    id: int
    name: str
    refuses: str
    series: set[str]
    made_by: int | None = None
    made_from: int | None = None
    until: float = 0.0


@dataclass(slots=True)
class Directory:
    """The feeds that were pushed to lately. Any thread may ask; `load` and `make` query."""

    _known: dict[str, Known] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, name: str) -> Known | None:
        """A feed that is remembered; None: it is to be loaded."""
        with self._lock:
            known = self._known.get(name)
        return known if known is not None and known.until > time.monotonic() else None

    def forget(self, **_: Any) -> None:
        """Forget all: somebody edited a feed."""
        with self._lock:
            self._known.clear()

    def load(self, names: Collection[str]) -> set[str]:
        """Learn of the feeds with these names; those that are not there."""
        found: dict[str, Known] = {}
        for some in _chunks(names):
            for feed in Feed.objects.filter(name__in=some):
                found[feed.name] = Known(
                    feed.pk, feed.name, _refusal(feed), set(), feed.made_by_id, feed.made_from_id
                )
        by_id = {known.id: known for known in found.values()}
        for ids in _chunks(by_id):
            rows = Series.objects.filter(feed__in=ids, ended=False)
            for feed_id, series in rows.values_list("feed", "name"):
                by_id[feed_id].series.add(series)
        with self._lock:
            if len(self._known) + len(found) > MOST_REMEMBERED:
                self._known.clear()
            for name, known in found.items():
                known.until = time.monotonic() + REMEMBERED
                self._known[name] = known
        return set(names) - set(found)


def _refusal(feed: Feed) -> str:
    if feed.source in sources and sources[feed.source].mode != "pushed":
        return f'the feed "{feed.name}" has the source {feed.source}; nothing is handed in to it'
    return f'the feed "{feed.name}" is paused' if feed.paused else ""


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    left = list(items)
    return [left[i : i + _CHUNK] for i in range(0, len(left), _CHUNK)]


def make(names: Collection[str], maker: Maker) -> int:
    """Make feeds with these names, private ones; how many the maker was still allowed.

    The first of them only, if there is no room for all.
    """
    mine = {f"{maker.column}_id": maker.id}
    with writing(), transaction.atomic():
        room = max(MOST_FEEDS - Feed.objects.filter(**mine).count(), 0)
        wanted = sorted(names)[:room]
        for some in _chunks(wanted):
            # Another process may be making the same: whose they are then does not matter.
            Feed.objects.bulk_create(
                [
                    Feed(name=name, source="push", private=True, revision=advance(0), **mine)
                    for name in some
                ],
                ignore_conflicts=True,
            )
            made = Feed.objects.filter(name__in=some, now__isnull=True)
            FeedState.objects.bulk_create(
                [FeedState(feed=feed, judge_at=clock.now()) for feed in made],
                ignore_conflicts=True,
            )
        # bulk_create sends no signals, and one message does for all.
        transaction.on_commit(publish_catalogue)
    return room


def room_for_series(maker: Maker) -> int:
    """How many more series the feeds that it made may have."""
    made = {f"feed__{maker.column}": maker.id}
    have = Series.objects.filter(ended=False, **made).count()
    return max(maker.most_series - have, 0)


def refusal_of_series(known: Known, room: int, maker: Maker) -> tuple[int, str]:
    """How many new series a feed may have, and what to say of the others."""
    left = max(MAX_SERIES - len(known.series), 0)
    if left <= room:
        return left, f'the feed "{known.name}" has {MAX_SERIES:,} series, which is the most'
    return room, (
        f"{maker.said} has {maker.most_series:,} series in its feeds, which is the most it may have"
    )


def names_of(reading: Reading) -> set[str]:
    """The series that a reading has numbers for."""
    names = set(reading.numbers)
    if reading.history:
        names.update(name for name, _, _ in reading.history)
    return names


def without(reading: Reading, names: set[str]) -> Reading:
    """The reading without these series."""
    return replace(
        reading,
        numbers={k: v for k, v in reading.numbers.items() if k not in names},
        history=[point for point in reading.history if point[0] not in names],
    )
