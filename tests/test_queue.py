"""The queue that works in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from huey import Huey

from tests.feeds import make_feed
from watchwall.queue import WakingMemoryStorage, make_huey
from widgets import clock, refresh, schedule, tasks
from widgets.clock import MINUTE, SECOND
from widgets.consumer import EmbeddedConsumer
from widgets.schedule import Claim


class Idle:
    """A storage whose workers wait for ever unless woken; it tells when they do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.storage = WakingMemoryStorage("test")
        self.waiting = threading.Semaphore(0)
        real, size = self.storage._waiting.wait_for, self.storage.queue_size

        def wait_for(predicate: Callable[[], int], timeout: float | None = None) -> int:
            return real(predicate)

        def queue_size() -> int:
            # Asked under the lock, which only waiting lets go of.
            self.waiting.release()
            return int(size())

        monkeypatch.setattr(self.storage._waiting, "wait_for", wait_for)
        monkeypatch.setattr(self.storage, "queue_size", queue_size)


def test_an_idle_worker_wakes_when_something_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    idle, found = Idle(monkeypatch), []
    worker = threading.Thread(target=lambda: found.append(idle.storage.dequeue()), daemon=True)
    worker.start()
    assert idle.waiting.acquire(timeout=10)

    idle.storage.enqueue(b"task")
    worker.join(10)

    assert found == [b"task"]


def test_each_of_several_idle_workers_gets_a_task_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    idle = Idle(monkeypatch)
    found: list[bytes | None] = []
    workers = [
        threading.Thread(target=lambda: found.append(idle.storage.dequeue()), daemon=True)
        for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert idle.waiting.acquire(timeout=10)

    for i in range(4):
        idle.storage.enqueue(b"%d" % i)
    for worker in workers:
        worker.join(10)

    assert sorted(map(str, found)) == sorted(str(b"%d" % i) for i in range(4))


def test_a_worker_looks_every_second_whether_it_is_to_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage = WakingMemoryStorage("test")
    timeouts: list[float] = []

    def wait_for(predicate: Callable[[], int], timeout: float) -> int:
        timeouts.append(timeout)
        return predicate()

    monkeypatch.setattr(storage._waiting, "wait_for", wait_for)

    assert storage.dequeue() is None
    assert timeouts == [1.0]


def test_what_came_first_is_done_first_and_what_is_urgent_before_it() -> None:
    storage = WakingMemoryStorage("test")
    for data, priority in ((b"a", None), (b"b", 5), (b"c", None), (b"d", 9), (b"e", 5), (b"f", 0)):
        storage.enqueue(data, priority)

    order = [storage.dequeue() for _ in range(6)]

    assert order == [b"d", b"b", b"e", b"a", b"c", b"f"]


@pytest.mark.parametrize("url", ["", "redis://localhost:6379/0"])
def test_tasks_are_queued_and_their_workers_block_until_one_comes(url: str) -> None:
    huey = make_huey(url)

    assert huey.immediate is False
    assert huey.storage.blocking
    assert huey.results is False


def test_a_redis_that_hangs_holds_nobody_for_ever_and_one_that_is_away_is_not_asked_for_long() -> (
    None
):
    given = make_huey("redis://localhost:6379/0").storage.pool.connection_kwargs

    assert given["socket_timeout"] > 1
    assert given["socket_connect_timeout"] > 0
    assert given["retry"].get_retries() == 1


def test_a_worker_that_found_its_queue_away_looks_again_within_a_second() -> None:
    consumer = EmbeddedConsumer(make_huey(""))

    assert all(worker.max_delay <= 1 for worker, _ in consumer.worker_threads)


def test_results_are_not_kept() -> None:
    huey = make_huey("")
    double: Any = huey.task()(lambda number: 2 * number)
    double(21)

    assert huey.execute(huey.dequeue()) == 42
    assert huey.result_count() == 0
    assert huey.pending_count() == 0


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> list[Claim]:
    """The claims whose refresh was begun, from a queue of our own."""
    begun: list[Claim] = []
    monkeypatch.setattr(settings.HUEY, "storage", WakingMemoryStorage("test"))
    monkeypatch.setattr(refresh, "start", begun.append)
    return begun


def worked(huey: Huey, later: int) -> None:
    """What a worker does that comes to the next task `later` µs from now."""
    at = datetime.now(UTC).replace(tzinfo=None) + timedelta(microseconds=later)
    huey.execute(huey.dequeue(), at)


@pytest.mark.django_db
def test_a_refresh_is_begun_under_its_claim(refreshed: list[Claim]) -> None:
    claim = Claim(7, 3, clock.now() - SECOND, clock.now() + MINUTE)

    tasks.enqueue(claim)
    assert refreshed == []
    worked(settings.HUEY, 30 * SECOND)

    assert refreshed == [claim]


@pytest.mark.django_db
def test_what_only_this_machine_may_ask_is_begun_here_and_not_through_the_queue(
    refreshed: list[Claim],
) -> None:
    make_feed("host", source="host", interval=SECOND)

    [claim] = schedule.claim_due(clock.now() + MINUTE)
    tasks.enqueue(claim)

    assert claim.bound
    assert refreshed == [claim]
    assert settings.HUEY.pending_count() == 0


@pytest.mark.django_db
def test_a_refresh_that_no_worker_came_to_before_its_lease_ended_is_dropped(
    refreshed: list[Claim],
) -> None:
    tasks.enqueue(Claim(7, 3, clock.now() - SECOND, clock.now() + MINUTE))

    worked(settings.HUEY, MINUTE + SECOND)

    assert refreshed == []
    assert settings.HUEY.pending_count() == 0
