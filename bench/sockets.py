"""What a socket costs that only waits, and how fast many come. `python -m bench.sockets [--quick]`

All sockets connect at once, as after the restart of a proxy, and each waits for its first fragment:
a board of 24 texts, some 30 kB. Then they are dropped and come again, twice. Memory is the resident
memory of the web process, after ten seconds in which nothing but heartbeats was sent, less what it
was with one socket; what the kernel keeps for a socket is not in it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from bench import boards, report
from bench.cpu import memory
from bench.load import Load, Opened, allow_files
from bench.serving import serving


def measure(server: str, sockets: int, rest: float) -> tuple[float, list[Opened]]:
    """Bytes a socket, and how it went when all came at once."""
    with (
        serving(server, boards.texts()) as (cluster, recorder),
        Load(cluster.webs[0].port, boards.PATH, answering=True) as load,
    ):
        for feed in range(boards.TILES):
            recorder.record(feed, boards.text(1300, time.time_ns() // 1000))
        load.open(1)
        time.sleep(rest)
        before = memory(cluster.webs[0].pid)
        came = [load.open(sockets - 1, at_once=sockets)]
        time.sleep(rest)
        each = (memory(cluster.webs[0].pid) - before) / (sockets - 1)
        came += [load.reopen(), load.reopen()]
        return each, came


def run(quick: bool) -> Iterator[str]:
    sockets, rest = (500, 2.0) if quick else (5000, 10.0)
    allow_files(2 * sockets + 500)
    rows = []
    for server in ("Daphne", "uvicorn"):
        report.progress(f"sockets, {server}")
        each, came = measure(server.lower(), sockets, rest)
        rows.append(
            [
                server,
                f"{each / 1000:.1f} kB",
                f"{statistics.median(one.opened.max for one in came) / 1000:.2f} s",
                f"{statistics.median(one.seconds for one in came):.2f} s",
                sum(one.failed for one in came),
            ]
        )
    yield (
        f"## {sockets:,} sockets\n\nMemory of the web process for a socket that only waits; and "
        "all of them connecting at once, until all were accepted and until each had its board, "
        "the median of three."
    )
    yield report.table(["", "memory a socket", "accepted", "painted", "refused"], rows)


if __name__ == "__main__":
    report.main(run)
