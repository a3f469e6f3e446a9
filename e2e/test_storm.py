"""Many at once, and readers that read nothing: on both servers."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection as AsyncConnection
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection

from e2e.boards import board, stat
from e2e.servers import Redis
from e2e.speaking import Speaker, ask, raw, served, stalled
from e2e.wall import Managed, Web, eventually

SERVERS = ("daphne", "uvicorn")
MB = 1_000_000
PAGES = 1_000

# Stalled readers.


def read(reader: ClientConnection, n: int) -> tuple[list[int], list[float]]:
    """The numbers of so many messages, and how long each was on its way (s)."""
    numbers, delays = [], []
    for _ in range(n):
        number, sent, _ = str(reader.recv(5)).split(":")
        numbers.append(int(number))
        delays.append(time.monotonic() - int(sent) / 1e6)
    return numbers, delays


def p99(delays: Sequence[float]) -> float:
    return sorted(delays)[int(len(delays) * 0.99)]


@pytest.mark.slow
@pytest.mark.parametrize("server", SERVERS)
def test_readers_that_stall_cost_no_memory_and_delay_nobody(server: str, tmp_path: Path) -> None:
    speaker = Speaker(server, tmp_path)
    with ExitStack() as stack:
        reader = stack.enter_context(speaker.open("/reader", close_timeout=0))
        ask(reader, crowd=1)
        numbers, without = read(reader, 400)
        stack.enter_context(raw(speaker.port, "GET /stream HTTP/1.1\r\n"))
        for _ in range(10):
            stack.enter_context(stalled(speaker, "/stalled", crowd=1))
        # What the kernel takes of 54 kB forty times a second is full by then.
        numbers += read(reader, 160)[0]
        before = speaker.memory
        # Thirty seconds.
        more, beside = read(reader, 1_200)
        after = speaker.memory
        asked = time.monotonic()
        ended = speaker.end()
        took = time.monotonic() - asked

    print(f"{server}: p99 {p99(without) * 1e3:.1f} ms alone, {p99(beside) * 1e3:.1f} ms beside")
    assert after - before < 10 * MB
    assert numbers + more == list(range(numbers[0], numbers[0] + 1_760))
    # Less than a turn of the forty a second; a server that waits for one of them stands still.
    assert p99(beside) < p99(without) + 1 / 40
    # A stalled reader does not hold up the end for long.
    assert ended == 0
    assert took < 15


# A thousand.


class Crowd:
    """A thousand sockets that come back as pages do, in a thread of their own."""

    def __init__(self, web: Web) -> None:
        self._address = f"ws://127.0.0.1:{web.port}/ws/d/test/"
        self._ending = asyncio.Event()
        self._there: dict[int, AsyncConnection] = {}
        self._thread = ThreadPoolExecutor(1)
        self._done = self._thread.submit(asyncio.run, self._come())

    @property
    def live(self) -> int:
        """How many have been given the whole wall and are still there."""
        return len(self._there)

    async def _come(self) -> None:
        self._loop = asyncio.get_running_loop()
        await asyncio.gather(*(self._page(number) for number in range(PAGES)))

    async def _page(self, number: int) -> None:
        while not self._ending.is_set():
            try:
                async with connect(
                    self._address, open_timeout=30, compression=None, ping_interval=None,
                    close_timeout=0, proxy=None,
                ) as here:  # fmt: skip
                    await self._look(number, here)
            except (OSError, TimeoutError, WebSocketException):
                # As static/live.js does after a socket that broke.
                await asyncio.sleep(random.uniform(0.2, 1.5))
            finally:
                self._there.pop(number, None)

    async def _look(self, number: int, here: AsyncConnection) -> None:
        while not self._ending.is_set():
            if '<hx-partial id="wall">' in str(await here.recv()):
                self._there[number] = here

    def close(self) -> None:
        def end() -> None:
            self._ending.set()
            for here in list(self._there.values()):
                here.transport.abort()

        self._loop.call_soon_threadsafe(end)
        self._done.result(60)
        self._thread.shutdown()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    redis = Redis().start()
    data = Managed(tmp_path_factory.mktemp("storm"), REDIS_URL=redis.url)
    data.manage("migrate", "--verbosity", "0")
    data.apply(board({"x": {"source": "push"}}, [stat("x", [0, 0, 3, 2], "x")]))
    yield data
    redis.close()


@pytest.mark.parametrize("server", SERVERS)
def test_a_thousand_pages_come_back_at_once_after_a_restart(data: Managed, server: str) -> None:
    web = served(data, server)
    # Fewer open files than sockets to come: it has to ask for more.
    web.command = ["/bin/sh", "-c", 'ulimit -Sn 256; exec "$@"', "sh", *web.command]
    web.start()
    crowd = Crowd(web)
    try:
        eventually(lambda: crowd.live == PAGES, 60, "all were let in")
        web.end(signal.SIGKILL)
        eventually(lambda: crowd.live == 0, 10, "all were cut off")
        web.start()
        eventually(lambda: crowd.live == PAGES, 5, "all are live again")
    finally:
        crowd.close()
        ended = web.end()

    assert ended == 0
    # Nothing may have gone wrong in ourselves.
    assert not re.search("ERROR|Traceback|never retrieved", web.log.read_text())
