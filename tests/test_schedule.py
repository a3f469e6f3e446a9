"""What is due, and who has it."""

from __future__ import annotations

import threading

import pytest
from django.conf import settings
from django.db import connection

from tests.feeds import NOON, arrive, make_feed, polled
from widgets import clock, schedule
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.models import Feed, FeedState
from widgets.schedule import LEASE_SLACK, Claim, Ticker, claim_due, claim_judgements, next_moments

pytestmark = pytest.mark.django_db


def due(feed: Feed, at: int = NOON, **fields: int) -> Feed:
    FeedState.objects.filter(pk=feed.pk).update(next_due=at, **fields)
    return feed


def next_due(feed: Feed) -> int:
    return FeedState.objects.get(pk=feed.pk).next_due or 0


def claimed(now: int = NOON, node: str = "here") -> list[int]:
    return [claim.feed for claim in claim_due(now, node)]


def test_what_is_due_is_claimed_once_until_its_lease_ends() -> None:
    feed = due(polled(timeout=5 * SECOND))

    [first] = claim_due(NOON, "here")
    assert first == Claim(feed.pk, 1, NOON, NOON + 5 * SECOND + LEASE_SLACK, bound=True)
    assert claimed(first.until - 1) == []
    [second] = claim_due(first.until, "here")

    assert second.number == 2


def test_what_the_dead_had_under_way_is_due_when_the_lease_ends_and_as_late_as_it_is() -> None:
    due(polled(interval=HOUR, timeout=SECOND))
    [lost] = claim_due(NOON, "here")

    assert next_moments(NOON, "here")[0] == lost.until
    [again] = claim_due(lost.until, "here")

    assert (again.number, again.due) == (2, NOON)


def test_whoever_looked_at_the_clock_a_moment_earlier_claims_nothing_twice() -> None:
    due(polled(interval=HOUR))
    [first] = claim_due(NOON, "here")

    # It waited for the other's transaction, and its own moment is older.
    assert claim_due(NOON - SECOND // 100, "here") == []
    assert first.number == 1


def test_the_next_slot_lies_on_the_feeds_own_grid_and_missed_slots_collapse() -> None:
    feed = due(polled(), NOON - HOUR)

    claimed(NOON)
    slot = next_due(feed)

    assert NOON < slot <= NOON + 10 * SECOND
    FeedState.objects.update(lease_until=0)
    assert claimed(slot) == [feed.pk]
    assert next_due(feed) == slot + 10 * SECOND


def test_feeds_of_one_interval_do_not_fire_together() -> None:
    feeds = [due(polled(f"f{i}")) for i in range(20)]

    claimed()

    offsets = {next_due(feed) % (10 * SECOND) for feed in feeds}
    assert len(offsets) == 20
    assert max(offsets) - min(offsets) > 5 * SECOND


def test_a_feed_never_overlaps_itself() -> None:
    feed = due(polled(timeout=MINUTE))
    [claim] = claim_due(NOON, "here")

    assert claimed(NOON + 30 * SECOND) == []
    FeedState.objects.update(lease_until=0)

    assert claimed(NOON + 30 * SECOND) == [feed.pk]
    assert claim.number == 1


def test_only_what_can_be_asked_from_here_is_claimed() -> None:
    here, anywhere = due(polled("here")), due(polled("anywhere"))
    Feed.objects.filter(pk=anywhere.pk).update(node="")
    due(polled("elsewhere", node="there"))
    Feed.objects.filter(pk=due(polled("paused")).pk).update(paused=True)
    make_feed("pushed")

    assert sorted(claimed()) == sorted([here.pk, anywhere.pk])


def test_a_new_feed_is_due_now_and_a_paused_one_never() -> None:
    before = clock.now()
    feed = polled(interval=HOUR)
    assert before <= next_due(feed) <= clock.now()

    feed.paused = True
    feed.save()
    assert next_due(feed) == 0
    feed.paused = False
    feed.save()

    assert before <= next_due(feed) <= clock.now()


def test_an_interval_made_shorter_takes_effect_at_once() -> None:
    feed = polled(interval=HOUR)
    due(feed, clock.now() + HOUR)

    feed.interval = 10 * SECOND
    feed.save()

    assert next_due(feed) <= clock.now()


def test_a_local_source_is_asked_on_the_machine_where_its_feed_was_made() -> None:
    feed = Feed.objects.create(name="here", source="host", interval=SECOND)

    # The contract alone says so; the shipped host source is one.
    from widgets.sources import sources

    assert feed.node == (settings.NODE if sources["host"].local else "")


def test_judgements_are_claimed_like_feeds_and_come_again_if_lost() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    arrive(feed, {"a": 1})
    moment = FeedState.objects.get(pk=feed.pk).judge_at or 0

    assert claim_judgements(moment - 1) == []
    assert claim_judgements(moment) == [feed.pk]
    assert claim_judgements(moment) == []
    assert claim_judgements(moment + LEASE_SLACK) == [feed.pk]


def test_the_next_moment_of_a_feed_under_way_is_the_end_of_its_lease() -> None:
    due(polled())
    assert next_moments(NOON, "here")[0] == NOON

    [claim] = claim_due(NOON, "here")
    due(Feed.objects.get(), NOON + SECOND)

    assert next_moments(NOON, "here")[0] == claim.until


def test_after_the_clock_was_set_back_feeds_are_due_and_leases_over() -> None:
    feed = due(polled(), NOON + HOUR, lease_until=NOON + HOUR)

    assert next_moments(NOON, "here")[0] == NOON
    assert claimed(NOON) == [feed.pk]
    assert NOON < next_due(feed) <= NOON + 10 * SECOND


def test_a_machine_that_was_renamed_takes_its_feeds_along() -> None:
    feed = due(polled(node="old"))
    due(make_feed("pushed", node="old"))

    assert schedule.adopt("new") == 1

    assert claimed(NOON, "new") == [feed.pk]
    assert schedule.adopt("new") == 0


@pytest.mark.django_db(transaction=True)
def test_tickers_that_run_together_claim_each_slot_once() -> None:
    feeds = [due(polled(f"f{i}")) for i in range(100)]
    found: list[int] = []
    together = threading.Barrier(4)

    def tick() -> None:
        together.wait()
        found.extend(claimed())
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [feed.pk for feed in feeds]


def test_a_tick_hands_on_what_is_due_and_says_when_to_look_again() -> None:
    node = settings.NODE
    feed = due(polled(node=node))
    judged = make_feed("judged", expect_every=10 * SECOND)
    FeedState.objects.filter(pk=judged.pk).update(judge_at=NOON)
    FeedState.objects.filter(pk=feed.pk).update(judge_at=None)
    claims: list[Claim] = []
    feeds: list[int] = []
    ticker = Ticker(claims.append, feeds.extend)

    look_at = ticker.tick(NOON)

    assert [claim.feed for claim in claims] == [feed.pk]
    assert feeds == [judged.pk]
    assert NOON < look_at <= NOON + SECOND


def test_what_the_queue_does_not_take_is_due_again_at_once_and_its_claim_is_void() -> None:
    feeds = [due(polled(f"f{i}")) for i in range(3)]
    taken: list[int] = []

    def enqueue(claim: Claim) -> None:
        if taken:
            raise ConnectionError("the queue is away")
        taken.append(claim.feed)

    with pytest.raises(ConnectionError):
        schedule.hand_on(claim_due(NOON, "here"), enqueue)
    again = claim_due(NOON + SECOND, "here")

    assert sorted([*taken, *(claim.feed for claim in again)]) == [feed.pk for feed in feeds]
    assert {(claim.number, claim.due) for claim in again} == {(2, NOON)}


@pytest.mark.django_db(transaction=True)
def test_a_poked_ticker_looks_at_once_and_nothing_that_is_away_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failed, seen = threading.Event(), threading.Event()
    ticker = Ticker(lambda claim: None, lambda feeds: None)

    def tick(now: int) -> int:
        if not failed.is_set():
            failed.set()
            raise ConnectionError("the queue is away")
        seen.set()
        return now + HOUR

    monkeypatch.setattr(ticker, "tick", tick)
    ticker.start()
    assert failed.wait(10)
    schedule.poke()

    assert seen.wait(10)
    ticker.stop()


def test_a_ticker_claims_as_many_as_there_is_room_for_and_the_rest_stays_due() -> None:
    feeds = [due(polled(f"f{i}", node=settings.NODE), NOON - i) for i in range(5)]
    FeedState.objects.update(judge_at=None)
    claims: list[Claim] = []
    room = iter([2, 0, 3])
    ticker = Ticker(claims.append, lambda feeds: None, lambda: next(room))

    looks = [ticker.tick(NOON + i) for i in range(3)]

    assert {claim.feed for claim in claims[:2]} == {feeds[4].pk, feeds[3].pk}
    assert sorted(claim.feed for claim in claims) == [feed.pk for feed in feeds]
    # What is left is looked at soon.
    assert looks[0] == NOON + schedule.LOOK_AT_MOST_EVERY
