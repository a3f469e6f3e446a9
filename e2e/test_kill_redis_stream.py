"""Ten thousand entries of a Redis stream while listener, Redis and PostgreSQL are killed."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest
from redis.exceptions import RedisError, ResponseError

from e2e.cluster import Cluster
from e2e.killing import Killing, Victim, exact, stored
from e2e.servers import Redis

pytestmark = pytest.mark.slow

TOTAL = 10_000
BOARD = """
dashboard: test
feeds:
  numbers: {{source: redis-stream, options: {{url: "{url}", stream: numbers, start: beginning}}}}
"""


def send(redis: Redis, killing: Killing, base: int) -> None:
    """Add the numbers under ids of their own, so that one whose answer was lost is not added
    twice."""
    sent = 0
    while sent < TOTAL:
        chunk = min(killing.allowed(sent), sent + random.randrange(5, 60))
        try:
            for n in range(sent, chunk):
                add(redis, n, base)
                sent = n + 1
        except RedisError:
            time.sleep(0.05)  # It is dead, or has only just come back.
        time.sleep(random.uniform(0, 0.03))  # Otherwise all would be there at once.


def add(redis: Redis, n: int, base: int) -> None:
    client = redis.client()
    try:
        client.xadd("numbers", {"n": n}, id=f"{base + n // 7}-{n % 7}")
    except ResponseError as error:
        if "equal or smaller" not in str(error):
            raise
    finally:
        client.close()


def test_every_entry_is_there_once_whoever_was_killed(tmp_path: Path) -> None:
    redis = Redis(keeps=True).start()
    cluster = Cluster(tmp_path, webs=0, hueys=0, listeners=1)
    listener = cluster.listeners[0]
    killing = Killing(
        TOTAL,
        {
            "listener": Victim(lambda: listener.end(signal.SIGKILL), listener.start),
            "redis": Victim(lambda: redis.end(signal.SIGKILL), redis.start),
            "postgres": Victim(lambda: cluster.postgres.end("immediate"), cluster.postgres.start),
        },
    )
    base = int(time.time() * 1_000) - 60_000
    sender = threading.Thread(target=send, args=[redis, killing, base], daemon=True)
    try:
        with cluster:
            cluster.apply(BOARD.format(url=redis.url))
            sender.start()
            killing.run(lambda: stored(cluster.query, "numbers"))
            sender.join(30)
            exact(cluster.query, "numbers", TOTAL)
    finally:
        redis.close()
