"""Ten thousand numbered lines, written with retries, while whoever takes them is killed.

A sender writes line protocol from four threads and sends again whatever was not answered with 204,
as Telegraf does. Meanwhile the web process is killed with signal 9 and PostgreSQL as if the power
had gone, three times each and in the middle of it. In the end each number is there, once, and the
roll-ups are what they would be of all of them.
"""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from e2e.cluster import Cluster
from e2e.wall import Wall, eventually

pytestmark = pytest.mark.slow

NUMBERS = 10_000
LINES = 10  # a body, so that there are a thousand
SENDERS = 4
APART = 2_000_000  # µs; all of them span five and a half hours
DEATHS = 3  # of each
BACK_WITHIN = 60.0  # s
MINUTE, HOUR = 60_000_000, 3_600_000_000


class Retrying:
    """Sends every line until it is acknowledged."""

    def __init__(self, url: str, token: str) -> None:
        self.acknowledged = 0
        self.retried = 0
        self.in_flight = 0
        self.base = (time.time_ns() // 1000 // HOUR) * HOUR - NUMBERS * APART
        self._address = urlsplit(url).netloc
        self._headers = {"Authorization": f"Token {token}"}
        self._lock = threading.Lock()
        self._left = iter(range(0, NUMBERS, LINES))
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]

    def at(self, n: int) -> int:
        """The moment of the number, µs."""
        return self.base + n * APART

    def reaches(self, count: int) -> None:
        """Wait until so many are acknowledged."""
        eventually(lambda: self.acknowledged >= count, BACK_WITHIN, f"{count} are acknowledged")

    def __enter__(self) -> Retrying:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (first := self._take()) is not None:
            numbers = range(first, first + LINES)
            body = "".join(f"numbers,half=a n={n}i {self.at(n)}\n" for n in numbers).encode()
            while not self._send(body):
                if self._ending.wait(0.05):
                    return

    def _take(self) -> int | None:
        with self._lock:
            return next(self._left, None)

    def _send(self, body: bytes) -> bool:
        """One request on a connection of its own; whether it was acknowledged."""
        connection = http.client.HTTPConnection(self._address, timeout=30)
        self._count(flying=1)
        try:
            connection.request("POST", "/api/v2/write?precision=us", body, self._headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            status = 0  # Whoever was to answer is dead, or died before it did.
        finally:
            connection.close()
            self._count(flying=-1)
        assert status in {0, 204, 503}, status
        self._count(taken=LINES if status == 204 else 0, again=status != 204)
        return status == 204

    def _count(self, flying: int = 0, taken: int = 0, again: int = 0) -> None:
        with self._lock:
            self.in_flight += flying
            self.acknowledged += taken
            self.retried += again


def kill_at_drawn_moments(sender: Retrying, kills: dict[str, Callable[[], None]]) -> None:
    """Each of them DEATHS times, when so many are acknowledged as a printed seed says; KILL_SEED in
    the environment is another."""
    seed = int(os.environ.get("KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"the seed is {seed}")
    drawn = random.Random(seed)
    names = [name for name in kills for _ in range(DEATHS)]
    drawn.shuffle(names)
    share = NUMBERS * 9 // 10 // len(names)
    for i, name in enumerate(names):
        moment = i * share + drawn.randrange(share)
        sender.reaches(moment)
        pause = drawn.uniform(0, 0.02)
        threading.Event().wait(pause)
        flying = eventually(lambda: sender.in_flight, 10, "something is in flight")
        print(f"{name} dies after {sender.acknowledged}, {flying} requests in flight")
        kills[name]()
    sender.reaches(NUMBERS)
    print(f"{sender.retried} requests were sent again")
    assert sender.retried


def each_is_there_once(query: Callable[[str], list[Any]], sender: Retrying) -> None:
    of = "JOIN widgets_series s ON s.id = x.series_id JOIN widgets_feed f ON f.id = s.feed_id"
    samples = query(f"SELECT x.ts, x.value FROM widgets_sample x {of} WHERE f.name = 'numbers'")
    assert sorted(samples) == [(sender.at(n), float(n)) for n in range(NUMBERS)]
    columns = "x.ts, x.n, x.sum, x.min, x.max, x.last, x.last_ts"
    for table, width in (("minute", MINUTE), ("hour", HOUR)):
        found = query(f"SELECT {columns} FROM widgets_{table} x {of} WHERE f.name = 'numbers'")
        assert sorted(found) == list(rolled_up(sender, width))
    series = query("SELECT s.value, s.at FROM widgets_series s WHERE s.name = 'n{half=a}'")
    assert series == [(float(NUMBERS - 1), sender.at(NUMBERS - 1))]


def rolled_up(sender: Retrying, width: int) -> Iterator[tuple[float, ...]]:
    """What the buckets must say: their numbers are a run each."""
    groups = itertools.groupby(range(NUMBERS), lambda n: sender.at(n) // width * width)
    for start, group in groups:
        numbers = list(group)
        low, high = float(numbers[0]), float(numbers[-1])
        total = float(sum(numbers))
        yield start, len(numbers), total, low, high, high, sender.at(numbers[-1])


@contextmanager
def retrying(wall: Any, url: str) -> Iterator[Retrying]:
    token = wall.manage("token", "create", "numbers", "--feeds", "numbers").strip()
    with Retrying(url, token) as sender:
        yield sender


def test_a_web_process_and_postgresql_that_are_killed_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    with Cluster(tmp_path, webs=1, hueys=0) as cluster:
        web, postgres = cluster.webs[0], cluster.postgres

        def kill_web() -> None:
            web.end(signal.SIGKILL)
            web.start()

        def kill_postgres() -> None:
            postgres.end("immediate")
            postgres.start()

        with retrying(cluster, web.url) as sender:
            kill_at_drawn_moments(sender, {"web": kill_web, "PostgreSQL": kill_postgres})

        each_is_there_once(cluster.query, sender)


def test_a_process_that_is_killed_on_sqlite_loses_and_doubles_nothing(tmp_path: Path) -> None:
    wall = Wall(tmp_path).start()

    def kill() -> None:
        wall.end(signal.SIGKILL)
        wall.start()

    try:
        with retrying(wall, wall.url) as sender:
            kill_at_drawn_moments(sender, {"the process": kill})

        each_is_there_once(wall.query, sender)
    finally:
        wall.close()
