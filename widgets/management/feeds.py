"""Feeds for a terminal: what `manage.py feed list`, `show` and `refresh` print."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator

from django.core.management.base import CommandError

from widgets import clock
from widgets.asking import NotAsked, ask_now
from widgets.clock import SECOND, as_datetime, format_duration
from widgets.facts import Facts, facts
from widgets.models import Feed, FeedState
from widgets.registry import nearest

COLUMNS = ("FEED", "SOURCE", "ASKED", "STATE", "FRESHNESS", "LATE BY", "TOOK", "NEXT", "ERROR")
MOST_ERROR = 60
LOOK_EVERY = 0.05  # s
# A ticker looks every second; one that has not come by then is not there.
PATIENCE = 5 * SECOND


def find(name: str) -> Feed:
    """The feed of that name, or CommandError."""
    feed = Feed.objects.select_related("now").filter(name=name).first()
    if feed is None:
        names = list(Feed.objects.values_list("name", flat=True))
        raise CommandError(f'no feed "{name}"{nearest(name, names)}')
    return feed


def listed(feeds: Iterable[Feed], now: int) -> Iterator[str]:
    """A table, a line at a time."""
    rows = [COLUMNS, *(_row(feed, facts(feed, now), now) for feed in feeds)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()


def _row(feed: Feed, known: Facts, now: int) -> tuple[str, ...]:
    state = "paused" if feed.paused else feed.now.state
    late, took = span(known.lateness), span(known.duration)
    return (
        feed.name, feed.source, known.schedule or "–", state, feed.now.freshness, late, took,
        ahead(known, now), _line(known.error)[:MOST_ERROR],
    )  # fmt: skip


def shown(feed: Feed, now: int) -> Iterator[str]:
    """Everything about the asking of one feed."""
    known = facts(feed, now)
    yield f"{feed.name}, {feed.source}{', paused' if feed.paused else ''}"
    yield f"asked: {known.schedule or 'never; its readings come by themselves'}"
    yield f"state: {feed.now.state}, {feed.now.freshness}"
    yield f"last reading: {moment(feed.now.at)}"
    if known.schedule:
        yield f"next: {'under way' if known.under_way else moment(known.next_run)}"
        yield f"late by: {span(known.lateness)}"
        yield f"took: {span(known.duration)}"
    if known.error:
        yield f"error, since {moment(known.failing_since)}: {_line(known.error)}"
    elif known.last_error:
        yield f"last error, at {moment(known.last_error_at)}: {_line(known.last_error)}"


def _line(text: str) -> str:
    """A stranger's text: nothing in it may steer the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def ahead(known: Facts, now: int) -> str:
    if known.under_way:
        return "under way"
    if known.next_run is None:
        return "–"
    left = (known.next_run - now) // SECOND * SECOND
    return f"in {format_duration(left)}" if left > 0 else "now"


def span(value: int | None) -> str:
    if value is None:
        return "–"
    return format_duration(value if value < SECOND else value // 1000 * 1000)


def moment(value: int | None) -> str:
    return f"{as_datetime(value):%Y-%m-%d %H:%M:%S} UTC" if value else "never"


def refresh(name: str) -> Feed:
    """Have a feed asked now and wait until what came of it is recorded; CommandError if nobody
    comes."""
    feed = find(name)
    now = clock.now()
    # One that is under way is as good.
    last = feed.now.claim - (feed.now.lease_until > now)
    try:
        ask_now(feed, now)
    except NotAsked as error:
        raise CommandError(str(error)) from None
    until = now + PATIENCE
    done = FeedState.objects.filter(pk=feed.pk, claim__gt=last, lease_until=0)
    while not done.exists():
        if clock.now() > until + feed.timeout:
            where = f' on "{feed.node}"' if feed.node else ""
            raise CommandError(
                f"{name}: it is due, and nobody has asked it; does `manage.py up` or "
                f"`manage.py run_huey` run{where}?"
            )
        time.sleep(LOOK_EVERY)
    return find(name)
