"""Samples by day, on PostgreSQL."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from tests.feeds import NOON, arrive, make_feed
from tests.walls import DEADLINE
from widgets import history, partitions
from widgets.clock import DAY, HOUR, SECOND
from widgets.history import load
from widgets.models import Feed, Sample, Series
from widgets.partitions import AHEAD, DEFAULT, keep_up
from widgets.retention import remove_old

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

TODAY = NOON // DAY


def held() -> dict[str, int]:
    """How many samples each table holds that holds any."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text, count(*) FROM widgets_sample GROUP BY 1")
        return dict(cursor.fetchall())


def test_today_and_the_next_days_have_a_partition_before_they_come() -> None:
    feed = make_feed()

    keep_up(NOON)
    keep_up(NOON + DAY)

    assert partitions.days() == set(range(TODAY, TODAY + 1 + AHEAD))
    arrive(feed, {"a": 1})
    assert held() == {"widgets_sample_20260601": 1}


def test_a_sample_without_a_partition_is_kept_and_moves_into_one_when_it_is_made() -> None:
    feed = make_feed()
    for i, at in enumerate([NOON, NOON - DAY, NOON - 2 * DAY]):
        arrive(feed, {"a": i}, at=at)
    assert held() == {DEFAULT: 3}

    keep_up(NOON)

    days = ("30", "31", "01")
    assert held() == {f"widgets_sample_2026{'0601' if d == '01' else f'05{d}'}": 1 for d in days}
    assert arrive(feed, {"a": 0}).status == "nothing"
    assert list(Sample.objects.order_by("ts").values_list("value", flat=True)) == [2, 1, 0]


def test_a_backlog_of_older_days_makes_no_partitions() -> None:
    feed = make_feed(keep_raw=365 * DAY)
    arrive(feed, {"a": 1}, at=NOON - (partitions.BACK + 1) * DAY)

    keep_up(NOON)

    assert held() == {DEFAULT: 1}


def test_a_day_goes_as_a_whole_when_no_feed_keeps_it_and_by_rows_where_one_does() -> None:
    short, long = make_feed("short", keep_raw=DAY), make_feed("long", keep_raw=3 * DAY)
    partitions.make(range(TODAY - 5, TODAY + 1))
    for feed in (short, long):
        Feed.objects.filter(pk=feed.pk).update(keep_raw=9 * DAY)
        for age in range(5):
            arrive(feed, {"a": 1}, at=NOON - age * DAY)
        Feed.objects.filter(pk=feed.pk).update(keep_raw=feed.keep_raw)

    keep_up(NOON)
    days, rows = partitions.days(), Sample.objects.filter(series__feed=short).count()
    remove_old(NOON)

    assert days == set(range(TODAY - 3, TODAY + AHEAD))
    assert rows == 4
    assert Sample.objects.filter(series__feed=short).count() == 2
    assert Sample.objects.filter(series__feed=long).count() == 4


def plan(sql: str, params: list[Any]) -> list[dict[str, Any]]:
    """The parts of the plan that read a table."""
    with connection.cursor() as cursor:
        # Of a table with five rows it would read all, rightly.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
        [(found,)] = cursor.fetchall()
    waiting: list[dict[str, Any]] = [found[0]["Plan"]]
    parts = []
    while waiting:
        node = waiting.pop()
        parts.append(node)
        waiting += node.get("Plans", [])
    return [part for part in parts if "Relation Name" in part or "Index Name" in part]


def test_a_window_is_a_walk_along_the_key_in_the_partitions_of_its_days_alone() -> None:
    partitions.make(range(TODAY - 5, TODAY + 2))
    arrive(make_feed(), {"a": 1})
    queries: list[tuple[str, list[Any]]] = []

    def note(execute: Any, sql: str, params: list[Any], many: bool, context: Any) -> Any:
        queries.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        load([Series.objects.get().pk], NOON - 20 * HOUR, NOON, 0)

    parts = plan(*queries[-1])

    tables = {part["Relation Name"] for part in parts if "Relation Name" in part}
    assert tables == {"widgets_sample_20260531", "widgets_sample_20260601"}
    assert all("Index" in part["Node Type"] or "Bitmap" in part["Node Type"] for part in parts)
    assert history.TABLES[0] == "widgets_sample"


@pytest.mark.django_db(transaction=True)
def test_a_backup_that_reads_everything_holds_up_neither_upkeep_nor_recording(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = make_feed()
    reads, over = threading.Event(), threading.Event()

    def back_up() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE widgets_sample IN ACCESS SHARE MODE")
            reads.set()
            over.wait(DEADLINE)
        connection.close()

    backup = threading.Thread(target=back_up)
    backup.start()
    assert reads.wait(DEADLINE)
    try:
        partitions.make([TODAY])
        assert arrive(feed, {"a": 1}, at=NOON + SECOND).status == "recorded"
    finally:
        over.set()
        backup.join()

    assert "could not be changed now" in caplog.text
    assert TODAY not in partitions.days()
