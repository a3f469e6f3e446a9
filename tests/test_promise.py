"""What is late and stale of feeds that a calendar asks, and of those that are watched."""

from __future__ import annotations

import pytest

from tests.feeds import NOON
from widgets.cadence import Cadence
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.judge import Promise, freshness_at, next_change, promise_of
from widgets.reading import Freshness

# NOON is on a Monday, half a minute past 14:00 in Berlin.
MONDAY = NOON - 7 * HOUR - 30 * SECOND
FRIDAY = MONDAY + 4 * DAY
WEEKDAYS = Cadence(1, cron="0 7 * * mon-fri", zone="Europe/Berlin")
TIMEOUT = 5 * SECOND
SLACK = 20 * SECOND
ADAPTIVE = promise_of(Cadence(1, SECOND, MINUTE), TIMEOUT, None)


def word(promised: Promise, at: int, now: int) -> Freshness:
    return freshness_at(promised.since(at, at), promised, failed=False, now=now)


@pytest.mark.parametrize(
    ("now", "freshness"),
    [
        (FRIDAY + 3 * SECOND, "fresh"),
        (FRIDAY + DAY, "fresh"),
        # Sunday evening.
        (FRIDAY + 2 * DAY + 12 * HOUR, "fresh"),
        # Monday's run has not brought anything yet, and then should have.
        (FRIDAY + 3 * DAY + SLACK - 1, "fresh"),
        (FRIDAY + 3 * DAY + SLACK, "late"),
        # Nor has Tuesday's.
        (FRIDAY + 4 * DAY + SLACK - 1, "late"),
        (FRIDAY + 4 * DAY + SLACK, "stale"),
    ],
)
def test_a_weekday_calendar_is_fresh_on_sunday_and_late_when_a_run_brought_nothing(
    now: int, freshness: Freshness
) -> None:
    promised = promise_of(WEEKDAYS, TIMEOUT, None)

    assert word(promised, FRIDAY + 2 * SECOND, now) == freshness


def test_time_changes_a_calendars_freshness_just_then() -> None:
    promised = promise_of(WEEKDAYS, TIMEOUT, None)
    read = FRIDAY + 2 * SECOND

    late = next_change(read, promised, read)
    assert late == FRIDAY + 3 * DAY + SLACK
    stale = next_change(read, promised, late)
    assert stale == FRIDAY + 4 * DAY + SLACK
    assert next_change(read, promised, stale) is None


def test_a_report_of_yesterday_that_came_with_todays_run_is_as_new_as_the_run() -> None:
    promised = promise_of(WEEKDAYS, TIMEOUT, None)
    yesterday = MONDAY - 31 * HOUR

    since = promised.since(yesterday, MONDAY + SECOND)

    assert since == MONDAY + SECOND
    assert freshness_at(since, promised, failed=False, now=MONDAY + HOUR) == "fresh"


def test_a_calendar_that_cannot_be_read_promises_nothing() -> None:
    promised = promise_of(Cadence(1, cron="0 7 * * *", zone="Mars/Olympus"), TIMEOUT, None)

    assert word(promised, NOON, NOON + DAY) == "aged"
    assert next_change(NOON, promised, NOON) is None


@pytest.mark.parametrize(
    ("age", "freshness"),
    [(2 * MINUTE, "fresh"), (125 * SECOND, "late"), (5 * MINUTE, "stale")],
)
def test_while_nobody_watches_the_slow_interval_counts(age: int, freshness: Freshness) -> None:
    assert word(ADAPTIVE, NOON, NOON + age) == freshness


@pytest.mark.parametrize(
    ("passed", "freshness"),
    [(0, "fresh"), (6_999_999, "fresh"), (7 * SECOND, "late"), (10 * SECOND, "stale")],
)
def test_when_it_turns_fast_nothing_is_late_until_the_fast_interval_missed_two(
    passed: int, freshness: Freshness
) -> None:
    came = NOON + 50 * SECOND

    assert word(ADAPTIVE.watched(came), NOON, came + passed) == freshness


def test_what_was_late_already_does_not_become_fresh_by_being_looked_at() -> None:
    came = NOON + 3 * MINUTE

    assert word(ADAPTIVE.watched(came), NOON, came) == "late"


def test_a_reading_of_a_watched_feed_is_late_as_one_of_its_interval() -> None:
    watched = ADAPTIVE.watched(NOON - HOUR)

    assert [watched.late_at(NOON), watched.stale_at(NOON)] == [
        NOON + 7 * SECOND,
        NOON + 10 * SECOND,
    ]
    assert word(watched.watched(None), NOON, NOON + MINUTE) == "fresh"


def test_watching_changes_nothing_of_a_feed_with_one_interval() -> None:
    promised = promise_of(Cadence(1, 10 * SECOND), TIMEOUT, None)

    assert promised.watched(NOON) == promised
