"""Queries that are compiled once give what Django gives."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.feeds import NOON, arrive, make_feed
from widgets.change import Arrival
from widgets.commit import _FEEDS, _STATES, commit
from widgets.models import Feed, FeedState, Series
from widgets.reading import Reading
from widgets.snapshot import SERIES_COLUMNS, load_series

pytestmark = pytest.mark.django_db


def columns(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def feeds() -> list[Feed]:
    """Three, with values of every kind in them."""
    made = [make_feed(f"f{i}", private=bool(i % 2), thresholds=[{"series": "a"}]) for i in range(3)]
    for feed in made:
        arrive(feed, {"a": 1.5, "b": feed.pk}, rows=[{"b": 1, "a": None}], text="ä")
    FeedState.objects.update(memo={"z": [1, 2.5], "a": {"b": True}})
    return made


def test_feeds_and_states_are_as_django_reads_them(feeds: list[Feed]) -> None:
    wanted = [feed.pk for feed in feeds[:2]]

    with transaction.atomic():
        states = _STATES.objects({feed.pk for feed in feeds})
        found = _FEEDS.objects(wanted)

    rows = FeedState.objects.order_by("pk")
    assert [columns(one) for one in states] == [columns(one) for one in rows]
    assert {one.pk: columns(one) for one in found} == {
        one.pk: columns(one) for one in Feed.objects.filter(pk__in=wanted)
    }
    assert list(states[0].memo) == ["z", "a"]
    assert found[0].private is False
    assert not found[0]._state.adding


def test_series_are_as_django_reads_them(feeds: list[Feed]) -> None:
    Series.objects.filter(feed=feeds[0], name="b").update(ended=True)

    found = load_series([feeds[0].pk, feeds[2].pk])

    for feed in (feeds[0], feeds[2]):
        there = Series.objects.filter(feed=feed, ended=False).order_by("name")
        rows = there.values_list(*SERIES_COLUMNS)
        have = [[getattr(one, name) for name in SERIES_COLUMNS] for one in found[feed.pk].values()]
        assert have == [list(row) for row in rows]
    assert list(found[feeds[0].pk]) == ["a"]
    assert found[feeds[0].pk]["a"].ended is False


def test_of_no_ids_nothing_is_asked(feeds: list[Feed]) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert _FEEDS.objects([]) == []

    assert len(asked) == 0


def test_a_commit_of_many_feeds_writes_each_table_once() -> None:
    feeds = [make_feed(f"f{i}") for i in range(20)]
    for feed in feeds:
        arrive(feed, {"a": 0}, at=NOON)

    def count(those: list[Feed], at: int) -> int:
        reading = Reading({"a": 1.0}, at=at, complete=False)
        with CaptureQueriesContext(connection) as asked:
            commit([Arrival(feed.pk, at, reading) for feed in those], at)
        return len(asked)

    one, many = count(feeds[:1], NOON + 1), count(feeds, NOON + 2)

    assert many == one
