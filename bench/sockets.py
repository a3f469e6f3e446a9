"""What a socket costs that only waits, and how fast many come. `python -m bench.sockets [--quick]`

5,000 sockets come as fast as they are let in, 500 handshakes at a time, and each waits for its
first fragment: a board of 24 texts, some 30 kB. Memory is the resident memory of the web process,
after ten seconds in which nothing but heartbeats was sent, less what it was with one socket; what
the kernel keeps for a socket is not in it. Then 1,000 sockets drop and come again, all at once, as
after the restart of a proxy, and the median of three times is taken.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench import boards, report
from bench.cpu import memory
from bench.load import Load, Opened, allow_files
from bench.serving import serving

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Measured:
    """`each`: bytes a socket; `came`: how all of them came; `storm`: how some came all at once."""

    each: float
    came: Opened
    storm: list[Opened]


def measure(server: str, sockets: int, storm: int, rest: float) -> Measured:
    with serving(server, boards.texts()) as (cluster, recorder):
        (web,) = cluster.webs
        for feed in range(boards.TILES):
            recorder.record(feed, boards.text(1300, time.time_ns() // 1000))
        with Load(web.port, boards.PATH, answering=True) as load:
            load.open(1)
            time.sleep(rest)
            before = memory(web.pid)
            came = load.open(sockets - 1, at_once=AT_ONCE)
            time.sleep(rest)
            each = (memory(web.pid) - before) / (came.sockets - 1)
        time.sleep(rest)  # until it has seen that they are gone
        with Load(web.port, boards.PATH, answering=True) as load:
            load.open(storm)
            return Measured(each, came, [load.reopen() for _ in range(3)])


def run(quick: bool) -> Iterator[str]:
    sockets, storm, rest = (500, 100, 2.0) if quick else (5000, 1000, 10.0)
    allow_files(2 * sockets + 500)
    rows = []
    for server in ("Daphne", "uvicorn"):
        report.progress(f"sockets, {server}")
        found = measure(server.lower(), sockets, storm, rest)
        rows.append(
            [
                server,
                f"{found.each / 1000:.1f} kB",
                f"{found.came.seconds:.2f} s",
                f"{statistics.median(one.seconds for one in found.storm):.2f} s",
                found.came.failed + sum(one.failed for one in found.storm),
            ]
        )
    yield (
        f"## {sockets:,} sockets\n\nThe memory of the web process for a socket that only waits; "
        f"how long it takes until {sockets:,} have their board, {AT_ONCE} coming at a time; and "
        f"until {storm:,} have it that were dropped and come again at once (the median of three)."
    )
    head = ["", "memory a socket", f"{sockets:,} come", f"{storm:,} come at once", "refused"]
    yield report.table(head, rows)


if __name__ == "__main__":
    report.main(run)
