"""Messages that are known by an id are recorded once, and there is a way to ask for room."""

from __future__ import annotations

import threading

import pytest

from tests.feeds import make_feed
from tests.streaming import drained, intake, number, values
from widgets.models import FeedState
from widgets.streams import intake as intakes
from widgets.streams import merging
from widgets.streams.intake import Intake, Outlet
from widgets.streams.storing import Storing

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_that_is_delivered_again_is_recorded_once() -> None:
    feed = make_feed()
    with intake() as here:
        drained(here, feed.pk, [number(1, feed.pk, id="a"), number(2, feed.pk, id="b")])
        drained(here, feed.pk, [number(2, feed.pk, id="b"), number(3, feed.pk, id="c")])

    assert values() == [1, 2, 3]


def test_also_within_one_batch() -> None:
    feed = make_feed()
    with intake() as here:
        drained(here, feed.pk, [number(1, feed.pk, id="a"), number(1, feed.pk, id="a")])

    assert values() == [1]


def test_messages_without_an_id_are_all_recorded() -> None:
    feed = make_feed()
    with intake() as here:
        drained(here, feed.pk, [number(1, feed.pk), number(1, feed.pk), number(1, feed.pk, id="a")])

    assert values() == [1, 1, 1]


def test_so_many_ids_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_IDS", 3)
    feed = make_feed()
    with intake() as here:
        for i in range(7):
            drained(here, feed.pk, [number(i, feed.pk, id=str(i))])
        drained(here, feed.pk, [number(4, feed.pk, id="4"), number(0, feed.pk, id="0")])

    assert values() == [*range(7), 0]
    assert len(FeedState.objects.get().memo["ids"]) <= 6


def test_there_is_room_until_much_waits_and_again_when_it_is_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(intakes, "BATCH", 10)
    monkeypatch.setattr(intakes, "MOST_WAITING", 30)
    feed = make_feed()
    may_store = threading.Event()
    store = Storing.store

    def slowly(self: Storing, *given: object) -> bool:
        may_store.wait(20)
        return store(self, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(Storing, "store", slowly)
    with intake() as here:
        outlet = Outlet(here, {feed.pk: "f"})
        assert outlet.room(0)

        outlet.put([number(i, feed.pk) for i in range(21)])
        assert not outlet.room(0)
        may_store.set()

        assert outlet.room(20)
        outlet.drain()


def test_who_asks_for_room_at_the_end_need_not_wait() -> None:
    here = Intake()  # Its thread does not run: nothing is ever stored.
    outlet = Outlet(here, {1: "f"})
    outlet.put([number(i, 1) for i in range(intakes.MOST_WAITING)])

    here.close(outlet)

    assert outlet.room(20)
