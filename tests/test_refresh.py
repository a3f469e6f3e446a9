"""One refresh, from a claim to what is recorded under it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.feeds import polled
from widgets import clock, io, record, refresh
from widgets.clock import MINUTE, SECOND
from widgets.models import Feed, FeedState, Sample, Series
from widgets.reading import Reading
from widgets.schedule import Claim, claim_due
from widgets.sources import Source, SourceError, sources

pytestmark = pytest.mark.django_db(transaction=True)

Say = Callable[[dict[str, Any]], Reading]


class Plain(Source):
    """Says what the test's function gives, in a thread."""

    slug = "probe"
    label = "Probe"

    def __init__(self, say: Say) -> None:
        self.say = say

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Any:
        return self.say(memo)


class Asynchronous(Plain):
    """The same, on the I/O loop."""

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return self.say(memo)


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()
    record.stop()


@pytest.fixture(params=[Plain, Asynchronous])
def probe(request: pytest.FixtureRequest) -> type[Plain]:
    kind: type[Plain] = request.param
    return kind


def claimed(**fields: Any) -> Claim:
    """The claim of a new feed whose source is the probe."""
    feed = polled(node="", **fields)
    Feed.objects.filter(pk=feed.pk).update(source="probe")
    [claim] = claim_due(clock.now())
    return claim


def state() -> FeedState:
    return FeedState.objects.get()


def count(memo: dict[str, Any]) -> Reading:
    memo["calls"] = memo.get("calls", 0) + 1
    return Reading({"calls": memo["calls"]})


def refuse(memo: dict[str, Any]) -> Reading:
    memo["calls"] = "spoiled"
    raise SourceError("connection refused by db:5432; is it running?")


def test_a_reading_is_recorded_and_the_claim_given_back(probe: type[Plain]) -> None:
    with sources.added(probe(count)):
        claim = claimed()
        begun = refresh.start(claim)
        left = refresh.finish(10)

    assert (begun, left) == (True, 0)
    assert Series.objects.get().value == 1
    after = state()
    assert (after.error, after.failures, after.memo) == ("", 0, {"calls": 1})
    assert after.lease_until <= clock.now()
    assert after.duration is not None
    assert after.lateness is not None


def test_what_a_fetch_noted_is_there_for_the_next(probe: type[Plain]) -> None:
    with sources.added(probe(count)):
        first = claimed()
        refresh.start(first)
        refresh.finish(10)
        FeedState.objects.update(next_due=clock.now())
        [second] = claim_due(clock.now())
        refresh.start(second)
        refresh.finish(10)

    assert second.number == first.number + 1
    assert Series.objects.get().value == 2


def test_a_fetch_that_failed_leaves_its_sentence_and_what_was_known(probe: type[Plain]) -> None:
    with sources.added(probe(refuse)):
        claim = claimed()
        FeedState.objects.update(memo={"calls": 5})
        begun = refresh.start(claim)
        refresh.finish(10)

    assert begun
    after = state()
    assert after.error == "connection refused by db:5432; is it running?"
    assert (after.failures, after.memo) == (1, {"calls": 5})
    assert not Sample.objects.exists()


def test_a_feed_whose_source_is_gone_says_so() -> None:
    claim = claimed()

    refresh.start(claim)
    refresh.finish(10)

    assert state().error.startswith('no source "probe"')


@pytest.mark.parametrize("change", [{"claim": 99}, {"lease_until": 0}])
def test_a_claim_that_is_no_longer_held_is_not_begun(
    probe: type[Plain], change: dict[str, int]
) -> None:
    asked: list[dict[str, Any]] = []

    def say(memo: dict[str, Any]) -> Reading:
        asked.append(memo)
        return Reading({"a": 1})

    with sources.added(probe(say)):
        claim = claimed()
        FeedState.objects.update(**change)
        begun = refresh.start(claim)
        refresh.finish(10)

    assert not begun
    assert asked == []
    assert not Sample.objects.exists()
    assert not refresh.start(Claim(claim.feed + 1, 1, 0, clock.now() + MINUTE))


def test_what_comes_after_another_took_the_claim_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def say(memo: dict[str, Any]) -> Reading:
        asked.set()
        assert go_on.wait(10)
        return Reading({"a": 1})

    with sources.added(Plain(say)):
        refresh.start(claimed(timeout=MINUTE))
        assert asked.wait(10)
        FeedState.objects.update(claim=99)
        go_on.set()
        refresh.finish(10)

    assert not Sample.objects.exists()
    assert state().claim == 99
    assert "a late refresh was dropped" in caplog.text


def test_one_that_hangs_holds_up_nobody_and_finishing_says_that_it_is_left() -> None:
    release = threading.Event()

    def say(memo: dict[str, Any]) -> Reading:
        assert release.wait(10)
        return Reading({"a": 1})

    with sources.added(Plain(say)):
        begun = refresh.start(claimed(timeout=MINUTE))
        left = refresh.finish(0)
        release.set()
        finished = refresh.finish(10)

    assert (begun, left, finished) == (True, 1, 0)
    assert Series.objects.get().value == 1


def test_a_fetch_is_cut_off_at_the_timeout_of_its_feed() -> None:
    class Hangs(Plain):
        async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Any:
            await asyncio.Event().wait()

    with sources.added(Hangs(count)):
        refresh.start(claimed(timeout=SECOND // 10))
        refresh.finish(10)

    assert state().error == "no answer within 100 ms"


def test_a_reading_that_no_database_took_is_not_called_recorded(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(arrivals: Any, now: int) -> Any:
        raise RuntimeError("disk full")

    monkeypatch.setattr(record, "commit", broken)
    with sources.added(Plain(count)):
        claim = claimed()
        refresh.start(claim)
        refresh.finish(10)

    assert "not recorded: disk full" in caplog.text
    assert state().lease_until == claim.until


def test_no_more_is_claimed_than_is_begun_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def hold_up() -> None:
        begun.set()
        go_on.wait(30)

    with sources.added(Asynchronous(lambda memo: Reading({}))):
        claim = claimed()
        monkeypatch.setattr("django.conf.settings.HUEY.pending_count", lambda: 30)
        assert refresh.room() == refresh.MOST_WAITING - 30

        held = io.submit(hold_up())
        assert begun.wait(10)
        assert refresh.start(claim)
        assert refresh.room() == refresh.MOST_WAITING - 31

        go_on.set()
        held.result(10)
        assert refresh.finish(10) == 0
        assert refresh.room() == refresh.MOST_WAITING - 30

        monkeypatch.setattr("django.conf.settings.HUEY.pending_count", lambda: 300)
        assert refresh.room() == 0


def test_a_target_that_hangs_takes_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answer = threading.Event(), threading.Event()

    def say(memo: dict[str, Any]) -> Reading:
        asked.set()
        answer.wait(30)
        return Reading({})

    monkeypatch.setattr("django.conf.settings.HUEY.pending_count", lambda: 0)
    with sources.added(Plain(say)):
        assert refresh.start(claimed())
        assert asked.wait(10)

        assert refresh.room() == refresh.MOST_WAITING

        answer.set()
        assert refresh.finish(10) == 0
