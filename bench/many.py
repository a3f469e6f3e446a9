"""How late many feeds are asked by one consumer: 2,000 of 20 ms each, every 10 s.

`python -m bench.many [--quick]`. Lateness is as in `bench.lateness`: the moment a fetch begins less
the moment it was due; every refresh counts from the third of each feed on. First `manage.py up` on
SQLite, then one `manage.py run_huey` on Redis and PostgreSQL.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import lateness, report
from e2e.cluster import Cluster
from e2e.wall import Wall

FEEDS = 2_000
EVERY = 10  # s
ANSWER = 0.02  # s
TIMEOUT = 5.0  # s; as feeds have it by themselves
MOST = 250.0  # ms, at p99


def one_process(seconds: float) -> lateness.Seen:
    with tempfile.TemporaryDirectory() as folder:
        wall = Wall(Path(folder))
        try:
            wall.start()
            lateness.make(wall, wall.query, ANSWER, FEEDS, 0, TIMEOUT)
            return lateness.watch(wall.query, seconds, look_every=1.0)
        finally:
            wall.close()


def one_consumer(seconds: float) -> lateness.Seen:
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(Path(folder), webs=0, hueys=1) as cluster,
    ):
        lateness.make(cluster, cluster.query, ANSWER, FEEDS, 0, TIMEOUT)
        return lateness.watch(cluster.query, seconds, look_every=1.0)


WAYS: dict[str, Callable[[float], lateness.Seen]] = {
    "`up`, SQLite": one_process,
    "`run_huey`, Redis and PostgreSQL": one_consumer,
}


def run(quick: bool) -> Iterator[str]:
    seconds, rounds = (20, 1) if quick else (60, 3)
    yield (
        f"## How late {FEEDS:,} feeds are asked\n\n{FEEDS:,} feeds, each every {EVERY} s, asking a "
        f"web server for a small JSON that takes {ANSWER * 1000:.0f} ms, by one consumer. Every "
        f"refresh of {seconds} s counts, once each feed has been asked twice."
    )
    rows, worst = [], 0.0
    for name, way in WAYS.items():
        turns = []
        for turn in range(rounds):
            report.progress(f"{FEEDS:,} feeds by {name}, {turn + 1} of {rounds}")
            turns.append(lateness.figures(way(seconds)))
        middle = [statistics.median(column) for column in zip(*turns, strict=True)]
        rows.append([name, *lateness.said(middle)])
        worst = max(worst, middle[2])
    yield report.table(["one consumer", "refreshes", "p50", "p99", "max"], rows)
    yield report.at_most("lateness at p99", worst, MOST, " ms")


if __name__ == "__main__":
    report.main(run)
