"""How late feeds are asked: 200 of them, 50 every second, 150 every 10 s, on one `manage.py up`.

`make bench` prints a table. Lateness is the moment a fetch begins less the moment it was due; every
refresh counts from the third of each feed on. The feeds ask a web server in this process, so
that the whole way is used: ticker, claim, queue, worker, I/O loop, record, commit.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from aiohttp import web

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from e2e.wall import Wall, eventually, free_port

FEEDS = """
from widgets.models import Feed
for i in range({count}):
    Feed.objects.create(
        name=f"bench.{{i}}", source="json", interval=({fast} > i) * 1_000_000 or 10_000_000,
        options={{"url": "http://127.0.0.1:{port}/", "numbers": {{"a": "a", "b": "b"}}}},
    )
"""


def answer(port: int) -> None:
    """A web server with one small answer, in a thread of its own."""

    async def page(_: web.Request) -> web.Response:
        return web.json_response({"a": time.time() % 60, "b": 1})

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/", page)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=500).start()
        await asyncio.Event().wait()

    threading.Thread(target=asyncio.run, args=[run()], daemon=True).start()


def measure(seconds: int, count: int, fast: int) -> list[float]:
    """The lateness of every refresh of `seconds`, in ms."""
    port = free_port()
    answer(port)
    with tempfile.TemporaryDirectory() as folder:
        wall = Wall(Path(folder)).start()
        try:
            wall.python(FEEDS.format(count=count, fast=fast, port=port))
            database = sqlite3.connect(Path(folder) / "watchwall.sqlite3", timeout=10)
            # The making of all of them at once is not what is measured.
            least = (
                "SELECT MIN(s.claim), COUNT(*) FROM widgets_feedstate s "
                "JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name LIKE 'bench.%'"
            )
            eventually(
                lambda: database.execute(least).fetchone() >= (3, count), 90, "all were asked twice"
            )
            return list(_watch(database, seconds).values())
        finally:
            wall.end()


def _watch(database: sqlite3.Connection, seconds: int) -> dict[tuple[int, int], float]:
    found: dict[tuple[int, int], float] = {}
    until = time.monotonic() + seconds
    sql = (
        "SELECT s.feed_id, s.claim, s.lateness FROM widgets_feedstate s JOIN widgets_feed f "
        "ON f.id = s.feed_id WHERE f.name LIKE 'bench.%' AND s.lease_until = 0 "
        "AND s.lateness IS NOT NULL"
    )
    before = {(feed, claim) for feed, claim, _ in database.execute(sql)}
    while time.monotonic() < until:
        for feed, claim, lateness in database.execute(sql):
            found[feed, claim] = lateness / 1000
        time.sleep(0.2)
    return {key: lateness for key, lateness in found.items() if key not in before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--fast", type=int, default=50)
    given = parser.parse_args()
    memory = psutil.virtual_memory().total / 2**30
    print(f"{_processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"{given.feeds} feeds, {given.fast} of them every second; {given.seconds} s a run")
    print("run  refreshes      p50      p99      max")
    rows = []
    for run in range(given.runs):
        late = sorted(measure(given.seconds, given.feeds, given.fast))
        row = (_quantile(late, 0.5), _quantile(late, 0.99), late[-1])
        rows.append(row)
        print(f"{run + 1:>3} {len(late):>10} " + " ".join(f"{v:>5.1f} ms" for v in row), flush=True)
    middle = [statistics.median(column) for column in zip(*rows, strict=True)]
    print("median         " + " ".join(f"{value:>5.1f} ms" for value in middle))


def _quantile(ordered: list[float], q: float) -> float:
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def _processor() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
