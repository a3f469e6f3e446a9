"""Who listens, to what, and what becomes of it when rows change, sources fail or processes die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from e2e.wall import eventually
from tests.feeds import NOON, make_feed
from tests.streaming import Broker, Fake, error, number, supervisor, values
from widgets import clock
from widgets.clock import SECOND
from widgets.models import Duty, Feed, FeedState
from widgets.sources import SourceError, sources
from widgets.streams import listening
from widgets.streams.lease import LASTS, RENEWED_EVERY, Lease
from widgets.streams.listening import LONGEST_PAUSE, pause_after

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Broker]]:
    """Brokers by name, with a source that listens to them and does not wait long."""
    found = {"here": Broker(), "there": Broker()}
    monkeypatch.setattr(Fake, "brokers", found)
    monkeypatch.setattr(listening, "FIRST_PAUSE", 0.05)
    with sources.added(Fake()):
        yield found


def listens(broker: Broker) -> list[str]:
    """The feeds that are listened for now."""
    running = len(broker.listening) > broker.ended
    return [feed.name for feed in broker.listening[-1]] if running else []


def test_feeds_of_one_broker_share_a_connection_and_hear_what_is_theirs(
    brokers: dict[str, Broker],
) -> None:
    a, b = make_feed("a", source="fake"), make_feed("b", source="fake")
    make_feed("c", source="fake", options={"broker": "there", "topic": "x"})
    with supervisor() as here:
        eventually(lambda: listens(brokers["here"]) == ["a", "b"], 10)
        eventually(lambda: listens(brokers["there"]) == ["c"], 10)
        assert here.listens == 2
        assert brokers["there"].listening[0][0].options == {"broker": "there", "topic": "x"}
        brokers["here"].send(number(1, a.pk), number(2, b.pk))
        eventually(lambda: brokers["here"].acked, 10)

    assert (values("a"), values("b")) == ([1], [2])
    assert brokers["here"].ended == brokers["there"].ended == 1


def test_rows_are_followed_as_they_are_made_changed_paused_and_deleted(
    brokers: dict[str, Broker],
) -> None:
    here, there = brokers["here"], brokers["there"]
    with supervisor():
        feed = make_feed("a", source="fake")
        eventually(lambda: listens(here) == ["a"], 10)

        feed.options = {"broker": "there"}
        feed.save()
        eventually(lambda: listens(there) == ["a"] and not listens(here), 10)

        feed.name = "b"
        feed.save()
        eventually(lambda: listens(there) == ["b"], 10)

        feed.paused = True
        feed.save()
        eventually(lambda: not listens(there), 10)

        feed.paused = False
        feed.save()
        eventually(lambda: listens(there) == ["b"], 10)

        begun = len(there.listening)
        feed.thresholds = [{"series": "*", "warning_above": 1}]
        feed.save()
        other = make_feed("c", source="fake")
        eventually(lambda: listens(here) == ["c"], 10)
        assert len(there.listening) == begun, "what it listens to has not changed"

        feed.delete()
        other.delete()
        eventually(lambda: not listens(there) and not listens(here), 10)


def test_what_is_stored_already_is_known_to_who_listens_next(brokers: dict[str, Broker]) -> None:
    feed = make_feed("a", source="fake")
    for n in (1, 2):
        with supervisor():
            eventually(lambda: listens(brokers["here"]), 10)
            brokers["here"].send(number(n, feed.pk, n))
            eventually(lambda n=n: len(brokers["here"].acked) == n, 10)  # type: ignore[misc]

    first, second = brokers["here"].listening
    assert first[0].positions == {}
    assert second[0].positions == {"s": (1,)}


def test_why_a_source_ended_is_said_until_it_listens_again(brokers: dict[str, Broker]) -> None:
    broker = brokers["here"]
    make_feed("a", source="fake")
    broker.refuses = "the broker refuses"
    with supervisor():
        eventually(
            lambda: error("a") == "not connected, trying again in 1 s: the broker refuses", 10
        )
        broker.refuses = ""
        eventually(lambda: listens(broker) and not error("a"), 10)

        broker.fail(SourceError("it went away"))
        eventually(lambda: len(broker.listening) >= 3 and listens(broker), 10)
        broker.fail(RuntimeError("a mistake in the source"))
        eventually(lambda: broker.ended >= 3, 10)
        eventually(lambda: listens(broker) and not error("a"), 10)


def test_options_that_are_wrong_are_said_and_keep_no_other_feed_from_its_own(
    brokers: dict[str, Broker],
) -> None:
    make_feed("good", source="fake")
    bad = make_feed("bad", source="fake", options={"broker": "${env:WATCHWALL_SECRET_NONE}"})
    with supervisor():
        eventually(lambda: listens(brokers["here"]) == ["good"], 10)
        eventually(lambda: "WATCHWALL_SECRET_NONE is not set" in error("bad"), 10)
        assert FeedState.objects.get(feed=bad).failures == 1
        bad.options = {}
        bad.save()
        eventually(lambda: listens(brokers["here"]) == ["good", "bad"], 10)
        eventually(lambda: not error("bad"), 10)


def test_what_was_handed_on_is_stored_and_acknowledged_before_the_end(
    brokers: dict[str, Broker],
) -> None:
    feed = make_feed("a", source="fake")
    with supervisor() as here:
        eventually(lambda: listens(brokers["here"]), 10)
        for i in range(50):
            brokers["here"].send(number(i, feed.pk, i))
        eventually(brokers["here"].sent.empty, 10)
        here.stop()

        assert len(brokers["here"].acked) == 50
    assert values("a") == list(range(50))


@pytest.mark.parametrize("failures", [1, 2, 5, 100])
def test_pauses_grow_to_an_end_and_are_spread(failures: int) -> None:
    whole = min(2 ** (failures - 1), LONGEST_PAUSE)

    assert pause_after(failures, 0) == whole / 2
    assert pause_after(failures, 1) == whole


# -- the lease ---------------------------------------------------------------------------------


def test_one_listens_and_the_other_begins_when_it_ends(brokers: dict[str, Broker]) -> None:
    broker = brokers["here"]
    feed = make_feed("a", source="fake")
    with supervisor() as first:
        eventually(lambda: listens(broker), 10)
        with supervisor() as second:
            broker.send(number(1, feed.pk, 1))
            eventually(lambda: broker.acked, 10)
            assert second.listens == 0
            first.stop()
            # At once: long before the lease would have ended by itself.
            eventually(lambda: second.listens == 1, LASTS / SECOND / 2)
            eventually(lambda: listens(broker), 10)
            assert broker.listening[-1][0].positions == {"s": (1,)}


def test_who_died_is_replaced_when_its_lease_ends(brokers: dict[str, Broker]) -> None:
    make_feed("a", source="fake")
    dead = Lease()
    now = clock.now()
    assert dead.hold(now)
    Duty.objects.update(done=now - LASTS + 2 * SECOND)
    with supervisor() as here:
        eventually(lambda: here.listens == 1, 10)
        assert not dead.hold(now + 2 * RENEWED_EVERY), "it was asleep, and is told so"


def test_who_lost_the_lease_ends_without_an_acknowledgement(brokers: dict[str, Broker]) -> None:
    make_feed("a", source="fake")
    with supervisor() as here:
        eventually(lambda: listens(brokers["here"]), 10)
        # Another took it while this one was asleep.
        Duty.objects.update(done=Duty.objects.get().done + 1)
        eventually(lambda: here.listens == 0, 10)
        assert not listens(brokers["here"])


def test_a_lease_is_had_by_one_kept_by_renewing_and_given_back() -> None:
    now = NOON
    one, other = Lease(), Lease()

    assert one.hold(now)
    assert not other.hold(now + SECOND)
    assert one.hold(now + LASTS - 1)
    assert not other.hold(now + LASTS)
    one.release()
    assert other.hold(now + LASTS + 1)
    assert not one.hold(now + LASTS + 1)
    assert one.hold(now + 3 * LASTS)
    assert not other.hold(now + 3 * LASTS)


def test_a_lease_from_before_the_clock_was_set_back_binds_nobody() -> None:
    assert Lease().hold(NOON)
    assert Lease().hold(NOON - 3 * LASTS)


def test_while_nothing_is_streamed_nobody_has_the_lease(brokers: dict[str, Broker]) -> None:
    feed = make_feed("a", source="fake")
    with supervisor():
        eventually(lambda: listens(brokers["here"]), 10)
        assert Duty.objects.get(name="listen").done
        Feed.objects.filter(pk=feed.pk).update(paused=True)
        eventually(lambda: not Duty.objects.get(name="listen").done, 10)
