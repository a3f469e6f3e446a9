"""Open pages make the feeds fast that are asked more often while somebody watches."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.live import comparing, watching
from dashboard.live.board import Key
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from dashboard.models import Dashboard
from tests.feeds import arrive, polled
from tests.walls import Screen, eventually, make_board, put
from widgets import clock
from widgets.cadence import is_watched
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.models import Feed, FeedState

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found by looking again and again but what a test wants to be found so."""
    monkeypatch.setattr(comparing, "COMPARE_EVERY", 3600.0)
    monkeypatch.setattr(watching, "LOOK_EVERY", 3600.0)


def setting() -> tuple[Dashboard, Feed, Feed]:
    """A dashboard that shows one feed of two, both of which are due in an hour."""
    given = {"interval": SECOND, "unwatched": 2 * HOUR, "timeout": 5 * SECOND}
    shown, hidden = polled("shown", **given), polled("hidden", **given)
    for feed in (shown, hidden):
        arrive(feed, {"a": 1}, at=clock.now() - MINUTE)
    FeedState.objects.update(next_due=clock.now() + HOUR)
    board = make_board()
    put(board, "shown")
    return board, shown, hidden


def due(feed: Feed) -> bool:
    return (FeedState.objects.get(pk=feed.pk).next_due or 0) <= clock.now()


def watched(feed: Feed) -> bool:
    return is_watched(FeedState.objects.get(pk=feed.pk).watched_until, clock.now())


async def watch(hub: Hub, board: Dashboard) -> tuple[Key, Slot]:
    key, screen = Key(board.pk), Screen()
    slot = Slot(screen)
    assert await hub.join(key, slot)
    screen.sender = asyncio.create_task(slot.run())  # type: ignore[attr-defined]
    await screen.sees('id="wall"')
    return key, slot


async def test_the_first_page_makes_what_it_shows_due_at_once(hub: Hub) -> None:
    board, shown, hidden = await hub.query(setting)

    await watch(hub, board)

    await eventually(lambda: hub.held.feeds[shown.pk].promise.watched_since)
    assert await hub.query(due, shown)
    assert await hub.query(watched, shown)
    assert not await hub.query(due, hidden)
    assert not await hub.query(watched, hidden)


async def test_a_page_judges_by_the_fast_interval_from_when_it_came(hub: Hub) -> None:
    board, shown, _ = await hub.query(setting)
    before = clock.now()

    await watch(hub, board)
    await eventually(lambda: hub.held.feeds[shown.pk].promise.watched_since)

    promised = hub.held.feeds[shown.pk].promise
    assert before <= (promised.watched_since or 0) <= clock.now()
    # Its reading is a minute old, and is late only if none follows now.
    late_at = promised.late_at(before - MINUTE) or 0
    assert before + 7 * SECOND <= late_at <= clock.now() + 7 * SECOND


async def test_when_the_last_page_has_gone_nothing_more_is_said(hub: Hub) -> None:
    board, shown, _ = await hub.query(setting)
    key, slot = await watch(hub, board)
    await eventually(lambda: hub.held.feeds[shown.pk].promise.watched_since)
    until = await hub.query(lambda: FeedState.objects.get(pk=shown.pk).watched_until)

    hub.leave(key, slot)
    hub.watcher._told_at = 0
    await hub.watcher.look()

    assert hub.held.feeds[shown.pk].promise.watched_since is None
    after = await hub.query(lambda: FeedState.objects.get(pk=shown.pk).watched_until)
    assert after == until


async def test_as_long_as_a_page_is_open_it_is_said_again(hub: Hub) -> None:
    board, shown, _ = await hub.query(setting)
    await watch(hub, board)
    await eventually(lambda: hub.held.feeds[shown.pk].promise.watched_since)
    since = hub.held.feeds[shown.pk].promise.watched_since
    until = await hub.query(lambda: FeedState.objects.get(pk=shown.pk).watched_until)

    await hub.watcher.look()
    assert await hub.query(lambda: FeedState.objects.get(pk=shown.pk).watched_until) == until
    hub.watcher._told_at -= 5 * SECOND
    await hub.watcher.look()

    assert await hub.query(lambda: FeedState.objects.get(pk=shown.pk).watched_until) > until
    assert hub.held.feeds[shown.pk].promise.watched_since == since


async def test_a_feed_that_is_given_a_slow_interval_while_it_is_shown_stays_fast(hub: Hub) -> None:
    board, shown, _ = await hub.query(setting)

    def steady() -> None:
        shown.unwatched = None
        shown.save()

    def adaptive() -> None:
        shown.unwatched = HOUR
        shown.save()

    await hub.query(steady)
    await watch(hub, board)
    assert not await hub.query(watched, shown)

    await hub.query(adaptive)
    hub.comparer.wake()
    await eventually(lambda: hub.held.feeds[shown.pk].adaptive)
    await hub.watcher.look()

    assert await hub.query(watched, shown)
