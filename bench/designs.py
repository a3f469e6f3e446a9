"""The designs whose fan-out is compared. Each runs in processes and a folder of its own."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import boards
from bench.child import Child
from bench.serving import python, serving
from e2e.servers import Redis
from e2e.wall import Program, eventually, free_port, listens


@dataclass(frozen=True, slots=True)
class Running:
    """A design at work. `update(size, marker)` has one tile of so many bytes changed, and does
    not wait; `pids` are all processes of the server's side."""

    port: int
    path: str
    pids: list[int]
    update: Callable[[int, int], None]
    # Whether a socket gets a board as soon as it is open.
    greets: bool = False


# What the tutorial's template puts around its text, bytes.
AROUND = 400


@contextmanager
def watchwall(server: str) -> Iterator[Running]:
    """`manage.py serve` on Redis and PostgreSQL; another process records.

    Counted are the web process and Redis. The reading goes the whole way, through `record` and
    its transaction; what that costs is the recording process's and PostgreSQL's, and is left out,
    since the other designs record nothing. Tiles take turns, because one alone is drawn ten times
    a second at most.
    """
    with serving(server, boards.texts()) as (cluster, recorder):
        turns = itertools.cycle(range(boards.TILES))
        (web,) = cluster.webs
        yield Running(
            web.port,
            boards.PATH,
            [web.pid, cluster.redis.pid],
            lambda *of: recorder.record(next(turns), boards.text(*of)),
            greets=True,
        )


@contextmanager
def tutorial(*command: str) -> Iterator[Running]:
    """`bench/tutorial` on a plain server and the same layer; another process sends to the group.

    Counted are the server and Redis.
    """
    redis, port = Redis(), free_port()
    environment = os.environ | {"REDIS_URL": redis.url}
    with tempfile.TemporaryDirectory() as folder:
        plain = [*python(*command), "--port", str(port), "bench.tutorial.asgi:application"]
        server = Program(plain, environment, Path(folder) / "log.txt")
        try:
            redis.start()
            server.start()
            eventually(lambda: listens(port), 30, f"the tutorial listens: {server.log.read_text()}")
            with Child(python("bench.tutorial.drive"), environment) as drive:
                drive.hear(30)
                pids = [server.pid, redis.pid]
                yield Running(port, "/ws/", pids, lambda *of: drive.tell(tile(*of)))
        finally:
            server.close()
            redis.close()


def tile(size: int, marker: int) -> str:
    """What the tutorial's template needs for a fragment of so many bytes."""
    return json.dumps(
        {
            "id": 10 + marker % 24,
            "version": marker,
            "state": "ok",
            "freshness": "fresh",
            "title": "Text 10",
            "text": boards.text(size, marker, around=AROUND),
            "read": marker // 1000,
        }
    )


@contextmanager
def peer(module: str) -> Iterator[Running]:
    """A server that only sends. What it sends is made elsewhere and comes through a pipe."""
    port = free_port()
    with Child(python(module, str(port))) as server:
        eventually(lambda: listens(port), 30, f"{module} listens")

        def update(size: int, marker: int) -> None:
            server.tell(boards.text(size, marker, around=0))

        yield Running(port, "/", [server.pid], update)


OURS, BASELINE, LIMIT = "Watchwall, {}", "tutorial, {}", "bare asyncio writer"
Design = Callable[[], AbstractContextManager[Running]]
# In the order in which they take turns.
DESIGNS: dict[str, Design] = {
    BASELINE.format("Daphne"): lambda: tutorial("daphne"),
    OURS.format("Daphne"): lambda: watchwall("daphne"),
    BASELINE.format("uvicorn"): lambda: tutorial(
        "uvicorn", "--ws", "websockets-sansio", "--log-level", "warning"
    ),
    OURS.format("uvicorn"): lambda: watchwall("uvicorn"),
    "websockets.broadcast": lambda: peer("bench.peers.broadcast"),
    LIMIT: lambda: peer("bench.peers.bare"),
}
