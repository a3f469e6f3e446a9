"""What is removed, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.feeds import NOON, arrive, make_feed
from widgets import retention
from widgets.clock import DAY, HOUR, MINUTE
from widgets.models import Event, Feed, Hour, Minute, Sample, Series
from widgets.retention import EVENTS_KEPT, remove_old

pytestmark = pytest.mark.django_db

START = NOON // HOUR * HOUR
AGES = [0, DAY, 5 * DAY, 10 * DAY]
TABLES: dict[str, Any] = {"keep_raw": Sample, "keep_minutes": Minute, "keep_hours": Hour}


def filled(name: str, **keep: int) -> Feed:
    """A feed of two series that has a sample of each age at `START`."""
    feed = make_feed(name, keep_raw=365 * DAY, keep_minutes=365 * DAY, keep_hours=365 * DAY)
    for age in AGES:
        arrive(feed, {"a": 1, "b": 2}, at=START - age)
    Feed.objects.filter(pk=feed.pk).update(**keep)
    return feed


def ages(table: Any, feed: Feed) -> list[int]:
    """The ages that each of the two series still has there."""
    left = [
        [
            START - ts
            for ts in table.objects.filter(series=one).order_by("-ts").values_list("ts", flat=True)
        ]
        for one in feed.series.all()
    ]
    assert left[0] == left[1]
    return left[0]


@pytest.mark.parametrize("keep", TABLES)
def test_each_table_is_kept_as_long_as_its_feed_says_and_the_others_are_untouched(
    keep: str,
) -> None:
    feed = filled("f", **{keep: 5 * DAY})

    removed = remove_old(START)

    assert removed == 2
    for name, table in TABLES.items():
        assert ages(table, feed) == (AGES[:-1] if name == keep else AGES)


def test_each_feed_keeps_its_own() -> None:
    short = filled("short", keep_raw=HOUR, keep_minutes=DAY, keep_hours=5 * DAY)
    long = filled("long")

    remove_old(START)

    assert [ages(table, short) for table in TABLES.values()] == [AGES[:1], AGES[:2], AGES[:3]]
    assert [ages(table, long) for table in TABLES.values()] == [AGES] * 3


def test_what_is_exactly_as_old_as_it_is_kept_stays_a_microsecond_more() -> None:
    feed = filled("f", keep_raw=DAY)

    remove_old(START)
    assert ages(Sample, feed) == AGES[:2]
    remove_old(START + 1)

    assert ages(Sample, feed) == AGES[:1]


def test_the_last_value_outlives_its_samples() -> None:
    feed = filled("f", keep_raw=MINUTE)

    remove_old(START + DAY)

    assert ages(Sample, feed) == []
    assert list(feed.series.values_list("value", flat=True)) == [1, 2]


def test_more_than_one_statement_takes_is_removed_too_but_not_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = filled("f", keep_raw=HOUR)
    monkeypatch.setattr(retention, "_ROWS", 2)
    monkeypatch.setattr(retention, "_ROUNDS", 2)

    counts = [remove_old(START), remove_old(START), remove_old(START)]

    assert counts == [4, 2, 0]
    assert ages(Sample, feed) == AGES[:1]


def test_events_that_ended_long_ago_go_and_what_still_lasts_stays() -> None:
    feed = make_feed()
    ends = {"old": NOON - EVENTS_KEPT - 1, "kept": NOON - EVENTS_KEPT, "lasts": None}
    for what, end in ends.items():
        Event.objects.create(feed=feed, axis="state", what=what, start=0, end=end)

    remove_old(NOON)

    assert set(Event.objects.values_list("what", flat=True)) == {"kept", "lasts"}


def test_the_rows_of_a_deleted_feed_go_and_so_does_a_series_of_which_nothing_is_left() -> None:
    gone, old, here = make_feed("gone"), make_feed("old", keep_raw=DAY), make_feed("here")
    Feed.objects.filter(pk=old.pk).update(keep_minutes=DAY, keep_hours=DAY)
    for feed in (gone, old, here):
        arrive(feed, {"a": 1})
    gone.delete()

    remove_old(NOON + 2 * DAY)

    assert list(Series.objects.values_list("feed__name", flat=True)) == ["here"]
    assert Sample.objects.count() == Hour.objects.count() == 1
