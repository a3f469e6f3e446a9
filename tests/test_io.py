from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator

import aiohttp
import pytest

from widgets import io
from widgets.clock import SECOND
from widgets.threads import DaemonThreads, TooManyThreads


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


async def where() -> int:
    return threading.get_ident()


def test_threads_that_ask_at_once_share_one_loop() -> None:
    found: list[int] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait(10)
        found.append(io.submit(where()).result(10))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert found[0] != threading.get_ident()


def test_stopping_ends_what_is_in_flight_and_it_can_start_again() -> None:
    begun = threading.Event()
    sessions: list[aiohttp.ClientSession] = []

    async def work() -> None:
        sessions.append(await io.session("a", aiohttp.ClientSession))
        sessions.append(await io.session("a", aiohttp.ClientSession))
        begun.set()
        await asyncio.Event().wait()

    working = io.submit(work())
    assert begun.wait(10)
    io.stop()

    assert working.cancelled()
    assert sessions[0] is sessions[1]
    assert sessions[0].closed
    assert not any(thread.name == "io" for thread in threading.enumerate())
    assert io.submit(where()).result(10)


def test_stopping_waits_for_what_cleans_up_but_not_for_ever() -> None:
    begun, cleaned = threading.Event(), threading.Event()

    async def tidy() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    io.submit(tidy())
    assert begun.wait(10)
    io.stop(within=10 * SECOND)

    assert cleaned.is_set()


def test_a_session_belongs_to_the_loop() -> None:
    with pytest.raises(RuntimeError, match=r"io\.submit"):
        asyncio.run(io.session("a", aiohttp.ClientSession))


def test_work_that_finds_no_thread_is_refused_and_not_queued() -> None:
    release = threading.Event()
    threads = DaemonThreads("test", 1)
    hanging = threads.submit(release.wait, 30)

    with pytest.raises(TooManyThreads, match="all 1 test threads hang"):
        threads.submit(int)
    release.set()
    assert hanging.result(10)
    assert threads.submit(int).result(10) == 0


def test_an_error_in_a_thread_reaches_who_waits() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        DaemonThreads("test", 1).submit(int, "x").result(10)


def test_a_thread_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = (
        "import threading\n"
        "from widgets.threads import DaemonThreads\n"
        "DaemonThreads('test', 1).submit(threading.Event().wait)\n"
    )

    ended = subprocess.run([sys.executable, "-c", program], timeout=30, check=False)

    assert ended.returncode == 0
