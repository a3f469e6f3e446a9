"""What machines that watch this one are told, and how soon."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import connection
from pytest_django import Settings

from e2e.wall import free_port
from tests.asgi import ask, in_thread
from widgets import clock, health, lifecycle, processes
from widgets.clock import SECOND
from widgets.models import Process


@pytest.fixture(autouse=True)
def no_ticker_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "gauged", processes.Telling().gauged)
    monkeypatch.setattr(health, "_logged", {})
    health._redis.cache_clear()


def tick(age: int = 0) -> None:
    """A consumer somewhere told that it looked so long ago, µs."""
    now = clock.now()
    Process.objects.create(
        key="c", role="huey", node="n", pid=1, build="1", started=0, seen=now,
        counters={"tick": now - age},
    )  # fmt: skip


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """A database that does not answer; how often it was asked."""
    asked: list[int] = []
    free = threading.Event()

    def ask_database() -> str:
        asked.append(1)
        free.wait(30)
        return ""

    monkeypatch.setattr(health, "ask_database", ask_database)
    yield asked
    free.set()
    # The next test asks anew, and not this thread.
    under_way = health._database._under_way
    assert under_way is not None
    under_way.result(10)


async def test_alive_needs_no_database_and_no_name_that_is_known(hangs: list[int]) -> None:
    reply = await ask("/healthz", host="10.1.2.3:8000", within=1)

    assert (reply.status, reply.text) == (200, "alive\n")
    assert hangs == []
    assert reply.headers["cache-control"] == "no-store"
    assert not {"set-cookie", "server"} & reply.headers.keys()


@pytest.mark.django_db(transaction=True)
async def test_ready_is_who_has_a_database_and_a_ticker_somewhere() -> None:
    await in_thread(tick)

    reply = await ask("/readyz", host="10.1.2.3:8000")

    assert (reply.status, reply.text) == (200, "ready\n")


@pytest.mark.django_db(transaction=True)
async def test_a_wall_whose_tickers_stand_still_is_not_ready() -> None:
    await in_thread(tick, 11 * SECOND)

    reply = await ask("/readyz")

    assert reply.status == 503
    assert reply.text == "No ticker has looked for what is due in the last 10 s.\n"


@pytest.mark.django_db(transaction=True)
async def test_a_process_knows_its_own_ticker_before_its_row_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    telling = processes.Telling()
    telling.gauge("tick", clock.now())
    monkeypatch.setattr(processes, "gauged", telling.gauged)

    assert (await ask("/readyz")).status == 200


async def test_a_database_that_hangs_is_said_in_a_second_and_holds_one_thread(
    hangs: list[int],
) -> None:
    begun = time.monotonic()

    replies = [await ask("/readyz") for _ in range(3)]

    assert [reply.status for reply in replies] == [503] * 3
    assert replies[0].text == "The database has not answered within 1 s.\n"
    assert time.monotonic() - begun < 9
    assert len(hangs) == 1


@pytest.mark.django_db(transaction=True)
async def test_a_database_without_its_tables_is_said_and_its_error_only_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def rename(old: str, new: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    await in_thread(rename, "widgets_process", "elsewhere")
    try:
        replies = [await ask("/readyz") for _ in range(2)]
    finally:
        await in_thread(rename, "elsewhere", "widgets_process")

    assert [reply.status for reply in replies] == [503, 503]
    assert replies[0].text == "The database cannot be used; the log says why.\n"
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("The database cannot be used: ")
    assert "widgets_process" in caplog.messages[0]


@pytest.mark.django_db(transaction=True)
async def test_a_redis_that_is_away_is_said_without_where(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://:hunter22@127.0.0.1:{free_port()}/0"
    await in_thread(tick)

    reply = await ask("/readyz")

    assert reply.status == 503
    assert reply.text == "Redis cannot be used; the log says why.\n"


async def test_a_process_that_stops_is_alive_and_not_ready() -> None:
    lifecycle.stopping.set()
    try:
        ready, alive = await ask("/readyz"), await ask("/healthz")
    finally:
        lifecycle.stopping.clear()

    assert (ready.status, ready.text) == (503, "This process is stopping.\n")
    assert alive.status == 200


async def test_a_probe_may_ask_for_the_head_and_nothing_else() -> None:
    head, post = await ask("/healthz", "HEAD"), await ask("/healthz", "POST")

    assert (head.status, head.text, head.headers["content-length"]) == (200, "", "6")
    assert (post.status, post.headers["allow"]) == (405, "GET, HEAD")
