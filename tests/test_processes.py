from __future__ import annotations

import threading
from typing import Any

import pytest

from widgets import processes
from widgets.clock import DAY, MINUTE, SECOND
from widgets.models import Feed, FeedState, Process
from widgets.processes import Telling, beat, percentile
from widgets.reading import Reading
from widgets.sources import sources
from widgets.sources.watchwall import feeds, summed

NOW = 1_700_000_000 * SECOND


def test_counters_grow_and_their_rates_are_those_since_last_told() -> None:
    telling = Telling()
    telling.count("readings", 10)
    first = telling.tell(NOW)
    telling.count("readings", 15)
    second = telling.tell(NOW + 5 * SECOND)
    third = telling.tell(NOW + 10 * SECOND)

    assert first == {"readings": 10}
    assert second == {"readings": 25, "readings.rate": 3.0}
    assert third == {"readings": 25, "readings.rate": 0.0}


def test_a_gauge_is_what_it_was_last() -> None:
    telling = Telling()
    telling.gauge("sockets", 3)
    telling.gauge("sockets", 2)

    assert telling.tell(NOW) == {"sockets": 2}


def test_spans_are_told_as_percentiles_of_the_last_minute() -> None:
    telling = Telling()
    telling.observe("lateness", 1_000_000, NOW - MINUTE)
    for span in range(1, 201):
        telling.observe("lateness", span, NOW - SECOND)

    assert telling.tell(NOW) == {"lateness.n": 200, "lateness.p50": 100, "lateness.p99": 198}
    assert telling.tell(NOW + MINUTE) == {"lateness.n": 0}


@pytest.mark.parametrize(
    ("ordered", "share", "value"),
    [([7], 50, 7), ([7], 99, 7), ([1, 2], 50, 1), ([1, 2], 99, 2), ([1, 2, 3], 50, 2)],
)
def test_a_percentile_is_one_of_the_values(ordered: list[int], share: int, value: int) -> None:
    assert percentile(ordered, share) == value


def test_what_is_observed_is_bounded() -> None:
    telling = Telling()
    for span in range(processes.MOST_OBSERVED + 100):
        telling.observe("lateness", span, NOW)

    assert telling.tell(NOW)["lateness.n"] == processes.MOST_OBSERVED


def test_threads_that_count_at_once_lose_nothing() -> None:
    telling = Telling()

    def work() -> None:
        for _ in range(2_000):
            telling.count("samples")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert telling.tell(NOW)["samples"] == 8_000


@pytest.mark.django_db
def test_a_process_has_one_row_and_the_long_gone_have_none() -> None:
    telling = Telling()
    old = Process.objects.create(
        key="old", role="web", node="n", pid=1, build="1", started=0, seen=NOW - DAY - 1
    )
    telling.gauge("sockets", 1)
    beat("web", NOW, telling)
    telling.gauge("sockets", 2)
    beat("web", NOW + 5 * SECOND, telling)

    row = Process.objects.get()
    assert row.key != old.key
    assert row.seen == NOW + 5 * SECOND
    assert row.counters["sockets"] == 2
    assert row.counters["memory"] > 1_000_000
    assert row.key == f"{row.node}:{row.pid}:{row.started}"


def row(**counters: float) -> Process:
    return Process(
        key="k", role="web", node="n", pid=1, build="1", started=NOW - MINUTE, seen=NOW,
        counters=counters,
    )  # fmt: skip


def test_the_wall_is_the_sum_of_its_processes_and_as_late_as_the_worst() -> None:
    told = [
        row(**{"lateness.p99": 40_000, "readings.rate": 2.5, "sockets": 3, "memory": 100}),
        row(**{"lateness.p99": 10_000, "readings.rate": 1.0, "memory": 50}),
    ]

    reading = summed(told, NOW, {"feeds": 2.0})

    assert reading.numbers == {
        "processes": 2,
        "feeds": 2,
        "lateness.p99": 0.04,
        "readings": 3.5,
        "sockets": 3,
        "memory": 150,
    }
    assert reading.units["lateness.p99"] == "s"
    assert reading.units["readings"] == "/s"
    assert reading.rows is not None
    assert reading.rows[0]["uptime"] == 60


@pytest.mark.django_db
def test_only_processes_that_were_seen_lately_count() -> None:
    silent = sources["watchwall"].fetch({}, {})
    beat("web", telling=Telling())
    Process.objects.create(
        key="gone", role="web", node="n", pid=1, build="1", started=0, seen=NOW, counters={}
    )

    alive = sources["watchwall"].fetch({}, {})

    assert isinstance(silent, Reading)
    assert silent.notes == ["no process has told of itself in the last 15 s"]
    assert isinstance(alive, Reading)
    assert alive.numbers["processes"] == 1


@pytest.mark.django_db
def test_feeds_that_failed_or_are_late_are_counted_and_paused_ones_are_not() -> None:
    states: list[tuple[str, bool, dict[str, Any]]] = [
        ("good", False, {"freshness": "fresh"}),
        ("stale", False, {"freshness": "stale"}),
        ("late", False, {"freshness": "late"}),
        ("failed", False, {"freshness": "failed", "failures": 2}),
        ("failed once", False, {"freshness": "fresh", "failures": 1}),
        ("paused", True, {"freshness": "stale", "failures": 9}),
    ]
    for name, paused, state in states:
        feed = Feed.objects.create(name=name, source="push", paused=paused)
        FeedState.objects.filter(pk=feed.pk).update(**state)

    assert feeds() == {"feeds": 5, "feeds.failed": 1, "feeds.late": 2}
