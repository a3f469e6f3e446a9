"""Latency at 1,000 sockets: from `record` to the client. `python -m bench.latency [--quick]`

Another process records, with the moment before it hands a reading in as the reading's marker; the
client takes the time when the frame is there. So the commit, Redis, the drawing and the writing to
a thousand sockets are all in it. The client answers once a second and socket what it has painted,
as our pages do; the CPU is that of the web process, of one core, answers included. The machine is
the same, and so is its clock.

A tile is drawn at once, and then every 100 ms at most: of readings that come faster than that the
newest is shown, so not every one of ten a second arrives.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench import boards, report
from bench.cpu import cpu_seconds
from bench.load import Counted, Load, allow_files
from bench.serving import serving

SOCKETS = 1000
# What is recorded (feed, readings a second), and the p99 to be reached, ms.
CASES: dict[str, tuple[list[tuple[int, float]], float]] = {
    "ten widgets at 1 Hz": ([(i, 1.0) for i in range(10)], 100),
    "one widget at 10 Hz": ([(0, 10.0)], 200),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """`sent`: how many readings there were; `cpu`: of the web process, as a share of one core."""

    sent: int
    cpu: float
    counted: Counted


def measure(server: str, seconds: float) -> dict[str, Measured]:
    """What came of each case."""
    found = {}
    with (
        serving(server, boards.texts()) as (cluster, recorder),
        Load(cluster.webs[0].port, boards.PATH, answering=True) as load,
    ):
        (web,) = cluster.webs
        opened = load.open(SOCKETS)
        assert not opened.failed, f"{opened.failed} of {SOCKETS} sockets were refused"
        for name, (rates, _) in CASES.items():
            recorder.pace(rates, 1)
            recorder.sent(30)  # it is warm then
            load.start()
            used = cpu_seconds([web.pid])
            recorder.pace(rates, seconds)
            sent = recorder.sent(seconds + 30)
            used = cpu_seconds([web.pid]) - used
            time.sleep(1)  # for the last of them
            found[name] = Measured(sent, used / seconds, load.stop())
    return found


def run(quick: bool) -> Iterator[str]:
    allow_files(2 * SOCKETS + 500)
    seconds = 3 if quick else 20
    rows, verdicts = [], []
    for server in ("Daphne", "uvicorn"):
        report.progress(f"latency, {server}")
        for name, found in measure(server.lower(), seconds).items():
            spans, wanted = found.counted.latency, CASES[name][1]
            times = [report.ms(span) for span in (spans.p50, spans.p99, spans.max)]
            share = found.counted.deliveries / (found.sent * found.counted.readers)
            rows.append([f"{server}, {name}", *times, f"{share:.1%}", f"{found.cpu:.0%}"])
            verdicts.append(report.at_most(f"{server}, {name}, p99", spans.p99, wanted, " ms"))
    yield (
        f"## From `record` to {SOCKETS:,} sockets\n\nFrom handing a reading in to its arrival at a "
        f"client, over {seconds} s. A tile is drawn ten times a second at most, so that of ten "
        "readings a second not each one arrives. The CPU is the web process's, of one core; every "
        "socket answers once a second what it has painted."
    )
    yield report.table(["", "p50", "p99", "max", "arrived", "CPU"], rows)
    yield "\n".join(verdicts)


if __name__ == "__main__":
    report.main(run)
