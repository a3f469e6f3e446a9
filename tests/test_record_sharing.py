"""Who waits for whom at the one door, and what a reading makes it look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.feeds import NOON, arrive, make_feed, time_passes
from widgets import clock, record
from widgets.change import Arrival, FeedChange, Outcome
from widgets.clock import MINUTE, SECOND
from widgets.commit import commit
from widgets.models import Feed, Series
from widgets.reading import Reading
from widgets.snapshot import SeriesNow


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The series that were judged, by name."""
    found: list[str] = []
    judge = FeedChange._judge_state

    def noted(change: FeedChange, name: str, series: SeriesNow) -> None:
        found.append(name)
        judge(change, name, series)

    monkeypatch.setattr(FeedChange, "_judge_state", noted)
    return found


@pytest.mark.django_db
def test_a_reading_has_only_those_judged_that_it_names(judged: list[str]) -> None:
    feed = make_feed(thresholds=[{"warning_above": 5}])
    arrive(feed, {"a": 1, "b": 9, "c": 1})
    judged.clear()

    arrive(feed, {"a": 7}, at=NOON + SECOND)

    assert judged == ["a"]
    assert Feed.objects.get().now.state == "warning"
    assert {s.name: s.state for s in Series.objects.all()} == {
        "a": "warning", "b": "warning", "c": "ok",
    }  # fmt: skip


@pytest.mark.django_db
def test_all_are_judged_when_the_moment_of_any_has_come(judged: list[str]) -> None:
    feed = make_feed(expect_every=MINUTE)
    arrive(feed, {"a": 1, "b": 1})
    arrive(feed, {"a": 1}, at=NOON + MINUTE)
    judged.clear()

    arrive(feed, {"a": 1}, at=NOON + MINUTE + 30 * SECOND)
    before = list(judged)
    arrive(feed, {"a": 1}, at=NOON + 20 * MINUTE)

    assert before == ["a"]
    assert judged[1:] == ["a", "b"]
    assert Series.objects.get(name="b").freshness == "stale"


@pytest.mark.django_db
def test_all_are_judged_when_it_is_asked_for(judged: list[str]) -> None:
    feed = make_feed()
    arrive(feed, {"a": 1, "b": 9})
    judged.clear()
    feed.thresholds = [{"warning_above": 5}]
    feed.save()

    time_passes(feed, NOON + SECOND)

    assert judged == ["a", "b"]
    assert Series.objects.get(name="b").state == "warning"


@pytest.fixture
def lingered(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """How long the writer waited for others, each time."""
    found: list[float] = []
    monkeypatch.setattr(record, "LINGER", 0.123)
    monkeypatch.setattr(time, "sleep", lambda seconds: found.append(seconds))
    yield found
    record.stop()


def hand_in(feed: Feed, value: float) -> Any:
    return record.submit(Arrival(feed.pk, clock.now(), Reading({"a": value}, complete=False)))


@pytest.mark.django_db(transaction=True)
def test_whoever_hands_in_alone_waits_for_nobody(lingered: list[float]) -> None:
    feed = make_feed()

    for value in range(3):
        hand_in(feed, value).result(10)

    assert 0.123 not in lingered


@pytest.mark.django_db(transaction=True)
def test_where_several_hand_in_each_commit_waits_a_moment_for_the_others(
    lingered: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = make_feed()
    begun, go_on = threading.Event(), threading.Event()

    def held(arrivals: Sequence[Arrival], now: int) -> list[Outcome]:
        begun.set()
        assert go_on.wait(10)
        return commit(arrivals, now)

    monkeypatch.setattr(record, "commit", held)
    answers = [hand_in(feed, 0)]
    assert begun.wait(10)
    answers += [hand_in(feed, 1), hand_in(feed, 2)]
    go_on.set()
    assert all(answer.result(10).kept for answer in answers)
    assert 0.123 not in lingered

    hand_in(feed, 3).result(10)

    assert 0.123 in lingered
