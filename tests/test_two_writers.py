"""Several processes that record into the same feeds at once; here they are threads, each with a
connection of its own."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from tests.feeds import NOON, arrive, make_feed
from tests.walls import DEADLINE
from widgets import commit as commit_module
from widgets.change import Arrival, Outcome
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.commit import commit
from widgets.models import Event, Feed, FeedState, Hour, Minute, Sample, Series
from widgets.reading import Reading

pytestmark = pytest.mark.django_db(transaction=True)


def together(*works: Callable[[], object]) -> list[BaseException]:
    """Run them at once; what they raised."""
    start, errors = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        try:
            start.wait(DEADLINE)
            work()
        except BaseException as error:  # noqa: BLE001  # for the test to see
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def test_two_that_record_the_same_feeds_lose_nothing_and_wait_for_each_other_in_one_order() -> None:
    feeds = [make_feed(f"f{i}", thresholds=[{"warning_above": 50}]) for i in range(5)]
    outcomes: list[tuple[int, Outcome]] = []
    rounds = 30

    def writer(number: int) -> Callable[[], None]:
        def work() -> None:
            for i in range(rounds):
                # Each begins with other feeds, and both make the same series at the same moment.
                batch = feeds if number else feeds[::-1]
                at = NOON + (2 * i + number) * SECOND
                arrivals = [
                    Arrival(f.pk, at, Reading({f"s{i // 5}": float(i), "b": i * 2}, complete=False))
                    for f in batch
                ]
                found = commit(arrivals, at)
                outcomes.extend((f.pk, o) for f, o in zip(batch, found, strict=True))

        return work

    assert together(writer(0), writer(1)) == []

    assert {outcome.status for _, outcome in outcomes} == {"recorded"}
    for feed in feeds:
        versions = [outcome.version for pk, outcome in outcomes if pk == feed.pk]
        assert len(set(versions)) == len(versions) == 2 * rounds
        assert FeedState.objects.get(pk=feed.pk).version == max(versions)
    assert Sample.objects.count() == len(feeds) * 2 * rounds * 2
    assert Series.objects.count() == len(feeds) * (rounds // 5 + 1)
    exact(Minute, MINUTE)
    exact(Hour, HOUR)
    # Of each series one event at most lasts, whoever noted it.
    lasting = Event.objects.filter(end=None).values_list("series", "axis")
    assert len(lasting) == len(set(lasting))


def exact(table: Any, width: int) -> None:
    samples = list(Sample.objects.values_list("series_id", "ts", "value"))
    for row in table.objects.all():
        inside = [
            (ts, value)
            for series, ts, value in samples
            if series == row.series_id and row.ts <= ts < row.ts + width
        ]
        assert (row.n, row.sum) == (len(inside), math.fsum(value for _, value in inside))
        assert (row.last_ts, row.last) == max(inside)


def test_what_people_set_while_a_commit_waited_for_it_is_what_is_judged_by() -> None:
    feed = make_feed()
    arrive(feed, {"a": 5})
    feed.thresholds = [{"critical_above": 1}]

    def edit() -> None:
        feed.save()

    def record() -> None:
        commit([Arrival(feed.pk, NOON + SECOND, Reading({"a": 6}))], NOON + SECOND)

    assert together(edit, record) == []

    state = FeedState.objects.get(pk=feed.pk)
    # Judged by it already, or to be judged now.
    assert state.state == "critical" or (state.judge_at or 0) > NOON + HOUR


def test_a_feed_that_is_deleted_while_a_series_is_made_goes_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = make_feed(thresholds=[{"critical_above": 0}])
    arrive(feed, {"old": 1})
    inside, go_on = threading.Event(), threading.Event()
    real = commit_module._create_events

    def slow(changes: Any) -> None:
        inside.set()
        go_on.wait(DEADLINE)
        real(changes)

    monkeypatch.setattr(commit_module, "_create_events", slow)

    def record() -> None:
        commit([Arrival(feed.pk, NOON, Reading({"new": 1, "old": 2}))], NOON)

    def delete() -> None:
        assert inside.wait(DEADLINE)
        found = Feed.objects.get(pk=feed.pk)
        threading.Timer(0.3, go_on.set).start()
        found.delete()

    assert together(record, delete) == []

    assert not Feed.objects.exists()
    assert not Series.objects.exists()
    assert not Event.objects.exists()


def test_a_commit_that_is_made_again_because_nobody_knows_whether_it_was_made_changes_nothing() -> (
    None
):
    feed = make_feed(thresholds=[{"critical_above": 1}])
    arrivals = [
        Arrival(feed.pk, NOON, Reading({"a": 5}, rows=[{"b": 1}], text="t", complete=False)),
        Arrival(feed.pk, NOON, Reading({"b": 1}, at=NOON - SECOND, complete=False)),
    ]
    [first, _] = commit(arrivals, NOON)

    again = commit(arrivals, NOON + SECOND)

    assert [outcome.kept for outcome in again] == [True, True]
    assert FeedState.objects.get(pk=feed.pk).version == first.version
    assert Sample.objects.count() == 2
    assert set(Minute.objects.values_list("n", flat=True)) == {1}
    assert Event.objects.count() == 1
