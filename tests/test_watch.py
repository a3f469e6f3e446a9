"""Somebody watches: feeds that are asked more often for it, and what becomes of the watchers."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from tests.feeds import NOON, arrive, make_feed, polled, time_passes
from widgets.cadence import WATCHED
from widgets.change import Arrival
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.commit import commit
from widgets.models import Event, Feed, FeedState
from widgets.reading import Reading
from widgets.schedule import claim_due
from widgets.snapshot import load
from widgets.watch import watch

pytestmark = pytest.mark.django_db


def adaptive(name: str = "f", **fields: Any) -> Feed:
    """Every second while somebody watches, every minute else; not due."""
    given = {"interval": SECOND, "unwatched": MINUTE, "timeout": HOUR} | fields
    feed = polled(name, **given)
    FeedState.objects.filter(pk=feed.pk).update(next_due=NOON + MINUTE)
    return feed


def state(feed: Feed) -> FeedState:
    return FeedState.objects.get(pk=feed.pk)


def asked(now: int) -> int | None:
    """Ask whatever is due and record it; when it is due next."""
    for claim in claim_due(now, "here"):
        commit([Arrival(claim.feed, now, Reading({"a": 1}), "", claim.number, 0, 0, {})], now)
    return FeedState.objects.get().next_due


def test_the_first_who_watches_makes_a_feed_due_and_then_it_is_asked_at_its_interval() -> None:
    feed = adaptive()

    assert watch([feed.pk], NOON) == {feed.pk: NOON}
    assert state(feed).next_due == NOON

    slot = asked(NOON)
    assert NOON < (slot or 0) <= NOON + SECOND


def test_who_goes_on_watching_changes_nothing_of_the_schedule() -> None:
    feed = adaptive()
    watch([feed.pk], NOON)
    slot = asked(NOON)

    assert watch([feed.pk], NOON + 5 * SECOND) == {feed.pk: NOON}

    assert state(feed).next_due == slot
    assert state(feed).watched_until == NOON + 5 * SECOND + WATCHED


def test_when_nobody_says_so_any_more_it_is_slow_again_as_if_the_process_had_died() -> None:
    feed = adaptive()
    watch([feed.pk], NOON)

    FeedState.objects.update(next_due=NOON + WATCHED - 1)
    assert (asked(NOON + WATCHED - 1) or 0) <= NOON + WATCHED - 1 + SECOND
    FeedState.objects.update(next_due=NOON + WATCHED)
    slot = asked(NOON + WATCHED)

    assert slot == feed.cadence.next_run(NOON + WATCHED, watched=False)


def test_a_clock_that_was_set_back_keeps_nothing_fast() -> None:
    feed = adaptive()
    watch([feed.pk], NOON + HOUR)
    FeedState.objects.update(next_due=NOON)

    assert asked(NOON) == feed.cadence.next_run(NOON, watched=False)
    assert watch([feed.pk], NOON) == {feed.pk: NOON}


def test_machines_whose_clocks_are_apart_agree_that_somebody_watches() -> None:
    feed = adaptive()
    watch([feed.pk], NOON + 2 * SECOND)

    assert watch([feed.pk], NOON) == {feed.pk: NOON + 2 * SECOND}
    watch([feed.pk], NOON + 2 * SECOND)
    FeedState.objects.update(next_due=NOON)

    assert (asked(NOON) or 0) <= NOON + SECOND


def test_a_feed_whose_turn_comes_anyway_is_not_asked_before_it() -> None:
    feed = adaptive(interval=10 * SECOND)
    FeedState.objects.update(next_due=NOON + 4 * SECOND)

    watch([feed.pk], NOON)

    assert state(feed).next_due == NOON + 4 * SECOND


def test_a_paused_feed_stays_paused_and_others_are_left_alone() -> None:
    paused = adaptive("paused", paused=True)
    FeedState.objects.update(next_due=None)
    steady = polled("steady")

    assert watch([paused.pk, steady.pk, make_feed("pushed").pk, 999], NOON) == {paused.pk: NOON}

    assert state(paused).next_due is None
    assert state(steady).watched_until == 0


def test_nothing_is_late_when_it_turns_fast_and_soon_is_if_nothing_comes() -> None:
    feed = adaptive(timeout=5 * SECOND)
    arrive(feed, {"a": 1}, at=NOON)
    came = NOON + 50 * SECOND

    watch([feed.pk], came)
    time_passes(feed, came)
    assert state(feed).freshness == "fresh"
    assert state(feed).judge_at == came + 7 * SECOND
    time_passes(feed, came + 7 * SECOND)

    assert state(feed).freshness == "late"
    assert [event.what for event in Event.objects.all()] == ["late"]


def test_while_nobody_watches_it_is_judged_by_the_slow_interval() -> None:
    feed = adaptive(timeout=5 * SECOND)

    arrive(feed, {"a": 1}, at=NOON)

    assert state(feed).judge_at == NOON + 125 * SECOND


def test_pictures_know_since_when_a_feed_is_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = adaptive()
    watch([feed.pk], NOON)
    moment = NOON + SECOND
    monkeypatch.setattr("widgets.snapshot.clock.now", lambda: moment)

    shown = load([feed.pk])[feed.pk]
    assert (shown.adaptive, shown.promise.watched_since) == (True, NOON)

    moment = NOON + WATCHED
    assert load([feed.pk])[feed.pk].promise.watched_since is None


def test_a_failing_feed_that_nobody_watches_is_put_off_by_its_slow_interval() -> None:
    feed = adaptive(unwatched=5 * MINUTE)
    for _ in range(2):
        FeedState.objects.update(next_due=NOON, lease_until=0)
        [claim] = claim_due(NOON, "here")
        commit([Arrival(feed.pk, NOON, None, "refused", claim.number, 0, 0, {})], NOON)

    assert state(feed).next_due == NOON + 5 * MINUTE


@pytest.mark.django_db(transaction=True)
def test_processes_that_say_it_together_with_commits_do_not_wait_for_each_other_for_ever() -> None:
    feeds = [adaptive(f"f{i}") for i in range(20)]
    ids = [feed.pk for feed in feeds]
    together = threading.Barrier(3)
    done: list[int] = []

    def saying(order: list[int]) -> None:
        together.wait()
        for second in range(10):
            watch(order, NOON + second * SECOND)
        done.append(1)
        connection.close()

    def recording() -> None:
        together.wait()
        for second in range(10):
            commit([Arrival(id_, NOON, Reading({"a": second})) for id_ in reversed(ids)], NOON)
        done.append(1)
        connection.close()

    threads = [
        threading.Thread(target=saying, args=(ids,)),
        threading.Thread(target=saying, args=(ids[::-1],)),
        threading.Thread(target=recording),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert done == [1, 1, 1]
    assert set(FeedState.objects.values_list("watched_since", flat=True)) == {NOON}
