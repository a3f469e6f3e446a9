"""Feeds and readings for tests, in as few words as a test wants to spend on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from widgets.change import Arrival, Outcome
from widgets.clock import SECOND
from widgets.commit import commit
from widgets.models import Feed
from widgets.reading import Reading

# A moment in the middle of a minute: 2026-06-01 12:00:30 UTC.
NOON = 1_780_315_230 * SECOND


def make_feed(name: str = "f", **fields: Any) -> Feed:
    """A polled feed of 10 s and a timeout of 5 s, unless told otherwise."""
    given = {"source": "push", "interval": None} | fields
    return Feed.objects.create(name=name, **given)


def polled(name: str = "f", **fields: Any) -> Feed:
    """Due at noon; its source is never really asked."""
    feed = make_feed(name, source="host", interval=10 * SECOND, node=fields.pop("node", "here"))
    for key, value in fields.items():
        setattr(feed, key, value)
    feed.save()
    return feed


def arrive(
    feed: Feed, numbers: Mapping[str, float] | None = None, at: int = NOON, **reading: Any
) -> Outcome:
    """Record a partial reading that arrives at the moment it is true for."""
    reading.setdefault("complete", False)
    arrival = Arrival(feed.pk, at, Reading(numbers=numbers or {}, at=at, **reading))
    return commit([arrival], at)[0]


def fail(feed: Feed, error: str = "connection refused", at: int = NOON) -> Outcome:
    """Record the error of a fetch."""
    return commit([Arrival(feed.pk, at, error=error)], at)[0]


def time_passes(feed: Feed, at: int) -> Outcome:
    """Judge the feed as the ticker would at `at`."""
    return commit([Arrival(feed.pk, at)], at)[0]
