"""When a feed is asked, as people set it: the same in Python and in the claim's SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON, polled
from widgets.cadence import WATCHED, Cadence, is_watched
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.models import Feed, FeedState
from widgets.schedule import claim_due

FAST, SLOW = 5 * SECOND, MINUTE
ADAPTIVE = Cadence(7, FAST, SLOW)
DAILY = Cadence(7, cron="0 7 * * *", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("until", "watched"),
    [
        (0, False),
        (NOON - 1, False),
        (NOON, False),
        (NOON + 1, True),
        (NOON + WATCHED, True),
        # Said by a machine whose clock is ahead.
        (NOON + WATCHED + MINUTE, True),
        (NOON + WATCHED + MINUTE + 1, False),
        (NOON + DAY, False),
    ],
)
def test_somebody_watches_for_as_long_as_it_was_said_and_no_clock_makes_it_longer(
    until: int, watched: bool
) -> None:
    assert is_watched(until, NOON) == watched


@pytest.mark.parametrize(
    ("cadence", "watched", "unwatched"),
    [
        (Cadence(7, FAST), FAST, FAST),
        (ADAPTIVE, FAST, SLOW),
        (DAILY, None, None),
        (Cadence(7), None, None),
    ],
)
def test_the_interval_that_holds(
    cadence: Cadence, watched: int | None, unwatched: int | None
) -> None:
    assert (cadence.every(True), cadence.every(False)) == (watched, unwatched)


@pytest.mark.parametrize(
    ("cadence", "text"),
    [
        (Cadence(7, 90 * SECOND), "every 1 min 30 s"),
        (ADAPTIVE, "every 5 s while watched, else 1 min"),
        (DAILY, "0 7 * * * Europe/Berlin"),
        (Cadence(7), ""),
    ],
)
def test_a_cadence_says_itself_and_is_true_if_anybody_asks(cadence: Cadence, text: str) -> None:
    assert str(cadence) == text
    assert bool(cadence) == bool(text)


@pytest.mark.parametrize(
    ("cadence", "gap"),
    [
        (Cadence(7, FAST), FAST),
        (ADAPTIVE, SLOW),
        (DAILY, DAY),
        (Cadence(7, cron="*/5 * * * *"), 5 * MINUTE),
        (Cadence(7, cron="nonsense"), None),
        (Cadence(7), None),
    ],
)
def test_about_how_far_readings_are_apart(cadence: Cadence, gap: int | None) -> None:
    assert cadence.usual_gap(NOON) == gap


@given(
    st.integers(1, 10**9),
    st.integers(SECOND, DAY),
    st.integers(0, 4 * 10**15),
)
def test_the_next_slot_is_ahead_by_one_interval_at_most_and_the_one_after_by_one_more(
    feed: int, every: int, after: int
) -> None:
    cadence = Cadence(feed, every)

    slot = cadence.next_run(after, watched=True)

    assert slot is not None
    assert after < slot <= after + every
    assert cadence.next_run(slot, watched=True) == slot + every


@pytest.mark.django_db
@pytest.mark.parametrize("watched", [False, True])
def test_the_claim_finds_the_same_slot(watched: bool) -> None:
    # Fetches that may take so long that the slot comes before the end of every lease.
    feeds = [
        polled(f"f{i}", interval=every, unwatched=every + SECOND, timeout=HOUR)
        for i, every in enumerate((SECOND, 1_234_567, 7 * SECOND, MINUTE, 3_599_999_999))
    ]
    until = NOON + SECOND if watched else NOON
    FeedState.objects.update(next_due=NOON, watched_until=until)

    claim_due(NOON, "here")

    due = {state.pk: state.next_due for state in FeedState.objects.all()}
    assert due == {
        feed.pk: Feed.objects.get(pk=feed.pk).cadence.next_run(NOON, watched) for feed in feeds
    }
