"""Streams in the real processes: in `up`, and in listeners of which one takes over from another."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from e2e.cluster import Cluster
from e2e.killing import exact, stored
from e2e.servers import Redis
from e2e.wall import Wall, eventually

BOARD = """
dashboard: test
feeds:
  numbers: {{source: {source}, options: {options}}}
"""


def test_a_wall_in_one_process_follows_a_log_through_its_own_death(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    log = logs / "app.log"
    options = f"{{path: {log}, pattern: 'n=(?P<n>[0-9]+)', start: beginning}}"

    def write(first: int, last: int) -> None:
        with log.open("a") as file:
            file.writelines(f"n={n}\n" for n in range(first, last))

    wall = Wall(tmp_path, WATCHWALL_TAIL=str(logs)).start()
    try:
        write(0, 100)
        wall.apply(BOARD.format(source="tail", options=options))
        eventually(lambda: stored(wall.query, "numbers") == 100, 15, "it follows the log")

        wall.end(signal.SIGKILL)
        write(100, 150)
        log.rename(logs / "app.log.1")
        write(150, 200)
        wall.start()
        eventually(lambda: stored(wall.query, "numbers") == 200, 30, "it goes on")

        write(200, 250)
        eventually(lambda: stored(wall.query, "numbers") == 250, 15, "it follows the next")
        assert wall.end() == 0
    finally:
        wall.close()
    exact(wall.query, "numbers", 250)


@pytest.mark.slow
def test_the_second_listener_takes_over_when_the_first_dies_and_when_it_ends(
    tmp_path: Path,
) -> None:
    redis = Redis().start()
    cluster = Cluster(tmp_path, webs=0, hueys=0, listeners=2)
    options = f'{{url: "{redis.url}", stream: numbers, start: beginning}}'

    def send(first: int, last: int) -> None:
        client = redis.client()
        for n in range(first, last):
            client.xadd("numbers", {"n": n})
        client.close()

    def has(n: int, within: float) -> None:
        eventually(lambda: stored(cluster.query, "numbers") == n, within, f"{n} are stored")

    def listening() -> int:
        """Which listener listens; -1 if none has said so yet."""
        rows = cluster.query("SELECT pid, counters->>'streams' FROM widgets_process")
        found = {pid for pid, streams in rows if streams and float(str(streams)) > 0}
        return next((i for i, one in enumerate(cluster.listeners) if one.pid in found), -1)

    try:
        with cluster:
            send(0, 100)
            cluster.apply(BOARD.format(source="redis-stream", options=options))
            has(100, 15)
            eventually(lambda: listening() >= 0, 15)
            first = listening()

            cluster.listeners[first].end(signal.SIGKILL)
            send(100, 200)
            # The lease of the dead lasts 8 s.
            has(200, 25)
            cluster.listeners[first].start()

            second = 1 - first
            assert cluster.listeners[second].end(signal.SIGTERM) == 0
            send(200, 300)
            # It was given back: the other looks every half second.
            has(300, 7)
            exact(cluster.query, "numbers", 300)
    finally:
        redis.close()
