"""Feeds that a calendar asks: claimed by one, never lost with a worker, edited while they run."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from tests.feeds import NOON, make_feed, polled
from widgets import clock
from widgets.change import Arrival, Outcome
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.commit import commit
from widgets.models import Feed, FeedState
from widgets.reading import Reading
from widgets.schedule import LEASE_SLACK, Claim, claim_due, mend, next_moments

pytestmark = pytest.mark.django_db

# 2026-06-01 is a Monday, and noon half a minute past; 7:00 in Berlin is 5:00.
SEVEN = NOON - 7 * HOUR - 30 * SECOND
WEEKDAYS = "0 7 * * mon-fri"


def daily(name: str = "f", cron: str = WEEKDAYS, due: int = SEVEN, **fields: Any) -> Feed:
    given = {"interval": None, "cron": cron, "time_zone": "Europe/Berlin"} | fields
    feed = polled(name, **given)
    FeedState.objects.filter(pk=feed.pk).update(next_due=due)
    return feed


def made(cron: str) -> Feed:
    """Made just now, as people make one."""
    return Feed.objects.create(
        name="f", source="host", node="here", cron=cron, time_zone="Europe/Berlin"
    )


def state(feed: Feed) -> FeedState:
    return FeedState.objects.get(pk=feed.pk)


def claimed(now: int) -> Claim:
    [claim] = claim_due(now, "here")
    return claim


def learned(claim: Claim, now: int, took: int = 20_000, error: str = "") -> Outcome:
    reading = None if error else Reading({"a": 1})
    arrival = Arrival(claim.feed, now, reading, error, claim.number, took, 0, {})
    return commit([arrival], now)[0]


def test_it_is_due_when_its_calendar_says_so_and_not_when_it_is_made() -> None:
    feed = made("0 7 * * *")

    due = state(feed).next_due or 0

    assert clock.now() < due <= clock.now() + DAY + HOUR
    assert clock.as_datetime(due).minute == 0
    assert claim_due(clock.now(), "here") == []


def test_after_a_run_it_is_due_at_the_next_moment_of_its_calendar() -> None:
    feed = daily()
    now = SEVEN + 40_000

    claim = claimed(now)
    learned(claim, now + 20_000)

    assert claim.due == SEVEN
    assert state(feed).next_due == SEVEN + DAY
    assert next_moments(now, "here")[0] == SEVEN + DAY


def test_missed_runs_are_one_and_now() -> None:
    feed = daily(due=SEVEN - 3 * DAY)

    claim = claimed(NOON)
    learned(claim, NOON)

    assert claim.due == SEVEN - 3 * DAY
    assert claim_due(NOON, "here") == []
    assert state(feed).next_due == SEVEN + DAY


def test_a_run_that_came_due_while_the_one_before_went_on_follows_it() -> None:
    feed = daily(cron="* * * * *", due=SEVEN, timeout=5 * MINUTE)

    claim = claimed(SEVEN)
    assert claim_due(SEVEN + 2 * MINUTE, "here") == []
    learned(claim, SEVEN + 150 * SECOND, took=150 * SECOND)

    assert state(feed).next_due == SEVEN + MINUTE
    assert claimed(SEVEN + 150 * SECOND).due == SEVEN + MINUTE


def test_the_run_of_a_killed_worker_begins_again_when_its_lease_ends_and_counts_as_late() -> None:
    feed = daily(timeout=5 * SECOND)
    lost = claimed(SEVEN)

    assert lost.until == SEVEN + 5 * SECOND + LEASE_SLACK
    assert next_moments(SEVEN, "here")[0] == lost.until
    assert claim_due(lost.until - 1, "here") == []
    again = claimed(lost.until)

    assert (again.number, again.due) == (2, SEVEN)
    assert learned(lost, lost.until + 1).status == "fenced"
    assert learned(again, lost.until + 2).status == "recorded"
    assert state(feed).next_due == SEVEN + DAY


def test_the_run_of_a_killed_worker_of_a_long_interval_begins_again_too() -> None:
    feed = polled(interval=6 * HOUR, timeout=5 * SECOND)
    FeedState.objects.update(next_due=NOON)
    lost = claimed(NOON)

    again = claimed(lost.until)
    learned(again, lost.until)

    assert (again.feed, again.due) == (feed.pk, NOON)
    assert state(feed).next_due == feed.cadence.next_run(lost.until - 20_000, watched=False)


def test_a_failed_run_is_not_put_off_nor_repeated() -> None:
    feed = daily()
    for day in range(3):
        claim = claimed(SEVEN + day * DAY)
        learned(claim, SEVEN + day * DAY, error="connection refused")

    # Wednesday's; it failed three times, and is asked on Thursday as ever.
    assert state(feed).next_due == SEVEN + 3 * DAY


def test_an_edit_during_a_run_holds_from_the_next_run_on() -> None:
    feed = daily()
    claim = claimed(SEVEN)

    feed.cron = "30 9 * * *"
    feed.save()

    assert claim_due(SEVEN + SECOND, "here") == []
    learned(claim, SEVEN + 2 * SECOND)
    assert state(feed).next_due == SEVEN + 150 * MINUTE


def test_an_edit_takes_effect_at_once_and_keeps_what_is_overdue() -> None:
    feed = made("0 7 29 2 *")
    now = clock.now()

    feed.cron = "* * * * *"
    feed.save()
    assert now < (state(feed).next_due or 0) <= now + MINUTE + SECOND

    FeedState.objects.update(next_due=now - HOUR)
    feed.name = "renamed"
    feed.save()
    assert state(feed).next_due == now - HOUR


def test_from_an_interval_to_a_calendar_and_back() -> None:
    feed = polled(interval=HOUR)
    FeedState.objects.update(next_due=clock.now() + HOUR)

    feed.interval, feed.cron = None, "0 7 29 2 *"
    feed.save()
    assert (state(feed).next_due or 0) > clock.now() + DAY

    feed.interval, feed.cron = 10 * SECOND, ""
    feed.save()
    assert (state(feed).next_due or 0) <= clock.now()


def test_after_the_clock_was_set_back_it_waits_for_no_moment_of_the_wrong_time() -> None:
    feed = daily(due=SEVEN + 300 * DAY)

    assert mend(NOON) == 1

    assert state(feed).next_due == SEVEN + DAY
    assert mend(NOON) == 0


def test_what_has_just_run_does_not_run_twice_for_a_clock_set_back_by_a_second() -> None:
    feed = daily()
    learned(claimed(SEVEN), SEVEN + SECOND)

    assert mend(SEVEN - SECOND) == 0

    assert state(feed).next_due == SEVEN + DAY


def test_what_runs_or_is_overdue_is_not_mended() -> None:
    daily("overdue", due=NOON - 3 * DAY)
    daily("running")
    claim_due(SEVEN, "here")

    assert mend(SEVEN + SECOND) == 0


@pytest.mark.django_db(transaction=True)
def test_consumers_that_look_together_claim_each_run_once() -> None:
    feeds = [daily(f"f{i}") for i in range(60)]
    found: list[Claim] = []
    together = threading.Barrier(2)

    def consumer() -> None:
        together.wait()
        for second in range(3):
            claims = claim_due(SEVEN + second * SECOND, "here")
            for claim in claims:
                learned(claim, SEVEN + second * SECOND)
            found.extend(claims)
        connection.close()

    threads = [threading.Thread(target=consumer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claim.feed for claim in found) == [feed.pk for feed in feeds]
    assert set(FeedState.objects.values_list("next_due", flat=True)) == {SEVEN + DAY}


@pytest.mark.parametrize(
    ("fields", "key", "sentence"),
    [
        ({"interval": None}, "interval", "an interval of 1 s or more, or cron"),
        ({"cron": "0 7 * * *"}, "cron", "in place of an interval, and not beside one"),
        ({"interval": None, "cron": "0 7 * *"}, "cron", "is not five fields"),
        ({"interval": None, "cron": "0 0 30 2 *"}, "cron", "never comes true"),
        ({"interval": None, "cron": "0 7 * * *", "time_zone": "Mars"}, "cron", "no time zone"),
        ({"time_zone": "Europe/Berlin"}, "time_zone", "it is that of cron, which is not given"),
        ({"unwatched": 10 * SECOND}, "unwatched", "longer than the interval"),
        ({"interval": None, "cron": "0 7 * * *", "unwatched": HOUR}, "cron", "in place of"),
    ],
)
def test_what_does_not_go_together_is_refused(
    fields: dict[str, Any], key: str, sentence: str
) -> None:
    feed = Feed(name="f", source="host", **({"interval": 10 * SECOND} | fields))

    with pytest.raises(ValidationError, match=sentence) as caught:
        feed.full_clean()

    assert list(caught.value.message_dict) == [key]


def test_a_pushed_feed_has_no_schedule() -> None:
    feed = make_feed(interval=HOUR, unwatched=DAY, cron="0 7 * * *", time_zone="Europe/Berlin")

    feed.refresh_from_db()

    assert not feed.cadence
    assert (feed.interval, feed.unwatched, feed.cron, feed.time_zone) == (None, None, "", "")
    assert state(feed).next_due is None
