"""From a listener to the one door: in order, once, acknowledged after the commit, and bounded."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from e2e.wall import eventually
from tests.feeds import NOON, make_feed
from tests.streaming import drained, error, intake, number, values
from widgets import commit, record
from widgets.change import Arrival, Outcome
from widgets.clock import HOUR, SECOND
from widgets.models import FeedState, Minute, Series
from widgets.reading import Reading
from widgets.sources import Heard
from widgets.streams import intake as intakes
from widgets.streams.intake import Outlet, weight

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_heard_is_stored_and_only_then_acknowledged() -> None:
    feed = make_feed()
    stored: list[list[float]] = []
    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})

        outlet.put([number(1, feed.pk), number(2, feed.pk)], lambda: stored.append(values()))
        outlet.drain()

    assert stored == [[1, 2]]


def test_readings_of_one_moment_have_each_a_moment_of_their_own() -> None:
    feed = make_feed()
    with intake() as here:
        drained(here, feed.pk, [number(i, feed.pk) for i in range(700)])

    assert values() == list(range(700))
    assert Series.objects.get().value == 699
    assert sum(Minute.objects.values_list("n", flat=True)) == 700


def test_what_stands_no_further_than_what_is_stored_is_not_stored_again() -> None:
    feed = make_feed()
    with intake() as here:
        drained(here, feed.pk, [number(1, feed.pk, 1), number(2, feed.pk, 2)])
        drained(here, feed.pk, [number(2, feed.pk, 2), number(3, feed.pk, 3)])
        version = FeedState.objects.get().version
        drained(here, feed.pk, [number(3, feed.pk, 3)])

    assert values() == [1, 2, 3]
    assert FeedState.objects.get().version == version, "nothing was there to be told"


def test_of_a_commit_whose_answer_was_lost_nothing_is_stored_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = make_feed()
    committed = 0

    def lost(arrivals: list[Arrival], now: int) -> list[Outcome]:
        nonlocal committed
        outcomes = commit.commit(arrivals, now)
        committed += 1
        if committed == 1:
            raise OperationalError("server closed the connection unexpectedly")
        return outcomes

    monkeypatch.setattr(record, "commit", lost)
    with intake() as here:
        drained(here, feed.pk, [number(1, feed.pk, 1), number(2, feed.pk, 2)])

    assert committed > 1
    assert values() == [1, 2]


def test_while_the_database_takes_nothing_no_more_is_taken_in_than_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = make_feed()
    monkeypatch.setattr(intakes, "MOST_WAITING", 20)
    free, taken, acked = threading.Event(), [0], [0]

    def slow(arrivals: list[Arrival], now: int) -> list[Outcome]:
        assert free.wait(30)
        return commit.commit(arrivals, now)

    def ack() -> None:
        acked[0] += 1

    monkeypatch.setattr(record, "commit", slow)
    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})

        def listen() -> None:
            for i in range(100):
                outlet.put([number(i, feed.pk, i)], ack)
                taken[0] += 1
            outlet.drain()

        thread = threading.Thread(target=listen)
        thread.start()
        eventually(lambda: taken[0] == 20, 10, "it is full")
        thread.join(0.3)
        assert (taken[0], acked[0], outlet.weight) == (20, 0, 20)
        free.set()
        thread.join(30)

    assert (acked[0], outlet.weight) == (100, 0)
    assert values() == list(range(100))


@pytest.mark.parametrize(
    ("reading", "weighs"),
    [
        (Reading({"a": 1}), 1),
        (Reading({str(i): i for i in range(400)}), 100),
        (Reading(rows=[{"a": 1, "b": 2}] * 200), 100),
        (Reading(text="x" * 64_000), 64),
    ],
)
def test_a_large_reading_takes_the_room_of_many(reading: Reading, weighs: int) -> None:
    assert weight(reading) == weighs


def test_what_waits_is_stored_at_the_end_and_nothing_more_is_taken() -> None:
    feed = make_feed()
    acked: list[int] = []
    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})
        outlet.put([number(1, feed.pk, 1)], lambda: acked.append(1))

        here.close(outlet)

        assert not outlet.put([number(2, feed.pk, 2)], lambda: acked.append(2))
        outlet.drain()
    assert acked == [1]
    assert values() == [1]


def test_what_another_listens_to_now_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = make_feed()
    free, acked = threading.Event(), []

    def slow(arrivals: list[Arrival], now: int) -> list[Outcome]:
        assert free.wait(30)
        return commit.commit(arrivals, now)

    monkeypatch.setattr(record, "commit", slow)
    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})
        outlet.put([number(1, feed.pk, 1)], lambda: acked.append(1))
        outlet.put([number(2, feed.pk, 2)], lambda: acked.append(2))
        here.abandon(outlet)
        free.set()
        eventually(lambda: not outlet.weight, 10, "it is over")

    assert acked == []


def test_an_acknowledgement_that_fails_takes_no_other_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    feed = make_feed()
    acked: list[int] = []

    def fail() -> None:
        raise OSError("it went away")

    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})
        outlet.put([number(1, feed.pk)], fail)
        outlet.put([number(2, feed.pk)], lambda: acked.append(2))
        outlet.drain()

    assert acked == [2]
    assert "could not be acknowledged" in caplog.text


def test_a_reading_that_cannot_be_kept_is_said_and_the_others_are_kept() -> None:
    feed = make_feed()
    late = Reading({"n": 9}, at=NOON + 10**9 * SECOND)
    with intake() as here:
        drained(
            here,
            feed.pk,
            [number(1, feed.pk), Heard(feed.pk, late), Heard(feed.pk, Reading({"": 1}))],
        )
        assert error() == "not taken: a series has an empty name (1 more like it)"
        assert values() == [1]

        drained(here, feed.pk, [number(2, feed.pk)])
        assert error() == ""


# -- the connection ----------------------------------------------------------------------------


def test_a_lost_connection_is_said_of_every_feed_it_has_made_until_it_is_back() -> None:
    owner = make_feed("f")
    with intake() as here:
        outlet = drained(here, owner.pk, [number(1, owner.pk, name="a")])
        outlet.disconnected("not connected, trying again in 3 s: refused")
        outlet.drain()
        assert {error("f"), error("a")} == {"not connected, trying again in 3 s: refused"}
        assert values("a") == [1]
        outlet.disconnected("not connected, trying again in 7 s: refused")
        outlet.drain()
        assert "7 s" in error("f")
        assert FeedState.objects.get(feed=owner).failures == 2
        assert FeedState.objects.get(feed__name="a").failures == 1
        outlet.connected()
        outlet.drain()

    assert (error("f"), error("a")) == ("", "")
    assert FeedState.objects.get(feed=owner).failures == 0


def test_late_and_early_readings_of_one_batch_are_told_apart() -> None:
    feed = make_feed()
    now = FeedState.objects.get().judge_at or 0
    batch = [
        number(1, feed.pk, at=now - HOUR),
        number(3, feed.pk),
        number(2, feed.pk, at=now - SECOND),
    ]
    with intake() as here:
        drained(here, feed.pk, batch)

    assert values() == [1, 2, 3]
    assert Series.objects.get().value == 3
