"""How the asking of a feed goes, and having one asked now."""

from __future__ import annotations

import pytest

from tests.feeds import NOON, fail, make_feed, polled
from widgets import clock
from widgets.asking import NotAsked, ask_now
from widgets.change import Arrival
from widgets.clock import HOUR, SECOND
from widgets.commit import commit
from widgets.facts import Facts, facts
from widgets.models import Feed, FeedState
from widgets.reading import Reading
from widgets.schedule import claim_due

pytestmark = pytest.mark.django_db


def known(feed: Feed, now: int = NOON) -> Facts:
    return facts(Feed.objects.select_related("now").get(pk=feed.pk), now)


def asked(feed: Feed, now: int = NOON, error: str = "") -> None:
    """Claim the feed, late by a second, and record what came of it after 20 ms."""
    FeedState.objects.filter(pk=feed.pk).update(next_due=now - SECOND)
    [claim] = claim_due(now, feed.node)
    reading = None if error else Reading({"a": 1})
    commit([Arrival(feed.pk, now, reading, error, claim.number, 20_000, SECOND, {})], now)


def test_of_a_feed_that_was_never_asked_only_its_schedule_is_known() -> None:
    feed = polled(interval=90 * SECOND)

    found = known(feed)

    assert found.schedule == "every 1 min 30 s"
    assert found.next_run
    assert (found.lateness, found.duration, found.error, found.last_error) == (None, None, "", "")


def test_how_late_the_last_fetch_began_how_long_it_took_and_when_the_next_is() -> None:
    feed = polled()

    asked(feed)

    found = known(feed)
    assert (found.lateness, found.duration) == (SECOND, 20_000)
    assert NOON < (found.next_run or 0) <= NOON + 10 * SECOND


def test_the_last_error_stays_with_its_time_when_the_feed_is_well_again() -> None:
    feed = polled()

    asked(feed, NOON, "connection refused")
    asked(feed, NOON + HOUR)

    found = known(feed, NOON + HOUR)
    assert found.error == ""
    assert (found.last_error, found.last_error_at) == ("connection refused", NOON)


def test_while_somebody_has_a_feed_it_is_under_way() -> None:
    feed = polled()
    FeedState.objects.update(next_due=NOON)

    claim_due(NOON, "here")

    assert known(feed).under_way
    assert not known(feed, NOON + HOUR).under_way


def test_nobody_asks_a_feed_that_is_pushed_or_paused() -> None:
    pushed = make_feed("pushed", expect_every=SECOND)
    fail(pushed, "unreadable")

    assert (known(pushed).schedule, known(pushed).next_run) == ("", None)
    assert known(pushed).last_error == "unreadable"
    assert known(polled("paused", paused=True)).next_run is None


def test_a_feed_asked_for_now_is_due_at_once_and_goes_on_as_before() -> None:
    feed = polled(interval=HOUR)
    asked(feed)
    slot = known(feed).next_run
    now = NOON + SECOND

    assert ask_now(feed, now)

    [claim] = claim_due(now, "here")
    assert (claim.feed, claim.due) == (feed.pk, now)
    commit([Arrival(feed.pk, now, Reading({"a": 1}), claim=claim.number, memo={})], now)
    assert known(feed).next_run == slot


def test_a_feed_under_way_is_not_asked_a_second_time() -> None:
    feed = polled(interval=HOUR)
    now = clock.now()
    [claim] = claim_due(now, "here")

    assert not ask_now(feed, now)

    assert claim_due(now, "here") == []
    assert claim.feed == feed.pk


@pytest.mark.parametrize("paused", [False, True])
def test_what_nobody_would_ask_is_refused_with_a_sentence(paused: bool) -> None:
    feed = polled(paused=True) if paused else make_feed()
    said = '"f" is paused' if paused else '"f" is not asked: its readings come by themselves'

    with pytest.raises(NotAsked, match=said):
        ask_now(feed, NOON)

    assert known(feed).next_run is None
