"""Fan-out: what one change costs that many screens show. `python -m bench.fanout [--quick]`

**What is counted.** A delivery is one text frame with one fragment of the given size, to one
socket. The figure is deliveries a second of CPU, user and system, of all processes on the server's
side (`bench.designs` says which), so it does not depend on how fast the rest of the machine is.

**The pace.** The next change is made as soon as every socket has the last one. So no design is
overloaded, none has frames thrown together or dropped, each runs as fast as it can, and no rate
has to be chosen that would suit one of them. Every design writes at the pace that it can keep.

**Fair.** Every change comes from another process. The tutorial has the same channel layer as we,
and a template as small as can be. The two that only send get what they send through a pipe, ready
made. All run in turn, three times, and the median stands in the table. The client is the same C
program for all of them, offers no compression and says nothing. Our pages say once a second what
they have painted; what that costs is in the CPU of `bench.latency`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import report
from bench.cpu import cpu_seconds
from bench.designs import BASELINE, DESIGNS, LIMIT, OURS, Design, Running
from bench.load import Counted, Load, allow_files

SIZES = (1300, 6000)
SOCKETS = (100, 1000, 5000)
# At 1,000 sockets: how many times the tutorial, and which share of the limit (uvicorn only).
TIMES = {"Daphne": 25, "uvicorn": 30}
SHARE = 0.6


# Sockets, bytes of the fragment.
Column = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Measured:
    """`rate`: deliveries a CPU second of the server; `client`: of the client."""

    rate: float
    client: float


def now() -> int:
    return time.time_ns() // 1000


def measure(running: Running, load: Load, size: int, seconds: float) -> Measured:
    """One change after another, each when all sockets have the last, for so long."""
    _change(running, load, size, time.monotonic() + seconds / 4, least=1)  # it is warm then
    used = cpu_seconds(running.pids)
    changes, counted = _change(running, load, size, time.monotonic() + seconds, least=3)
    used = cpu_seconds(running.pids) - used
    missing = changes * counted.readers - counted.deliveries
    assert not missing, f"{missing} deliveries are missing"
    mean = counted.bytes / counted.marked
    assert abs(mean / size - 1) < 0.02, f"fragments of {mean:.0f} bytes instead of {size}"
    return Measured(counted.deliveries / used, counted.deliveries / max(counted.cpu, 1e-6))


def _change(
    running: Running, load: Load, size: int, until: float, least: int
) -> tuple[int, Counted]:
    """How many changes there were, so many at least, and what came of them."""
    changes = 0
    load.start()
    while changes < least or time.monotonic() < until:
        marker = now()
        running.update(size, marker)
        load.wait_for(marker)
        changes += 1
    return changes, load.stop()


def once(design: Design, sockets: Sequence[int], seconds: float) -> dict[Column, Measured]:
    """One start of a design, with more and more sockets."""
    found = {}
    with design() as running, Load(running.port, running.path) as load:
        there = 0
        for n in sockets:
            opened = load.open(n - there, painted=running.greets)
            assert not opened.failed, f"{opened.failed} of {n} sockets were refused"
            there = n
            for size in SIZES:
                found[n, size] = measure(running, load, size, seconds)
    return found


def run(quick: bool) -> Iterator[str]:
    sockets, rounds, seconds = ((100, 1000), 1, 1.0) if quick else (SOCKETS, 3, 3.0)
    allow_files(2 * max(sockets) + 500)
    columns = [(n, size) for n in sockets for size in SIZES]
    every: dict[str, dict[Column, list[Measured]]] = {
        name: {column: [] for column in columns} for name in DESIGNS
    }
    for turn in range(rounds):
        for name, design in DESIGNS.items():
            report.progress(f"fan-out, {turn + 1} of {rounds}: {name}")
            for column, measured in once(design, sockets, seconds).items():
                every[name][column].append(measured)
    rates = {
        name: {column: statistics.median(m.rate for m in found[column]) for column in columns}
        for name, found in every.items()
    }
    yield (
        "## Fan-out\n\nDeliveries a second of CPU of all server processes; a delivery is one "
        "fragment of 1.3 or 6 kB in one frame to one socket. The next change is made when all "
        f"sockets have the last. {_times(rounds)}, `bench/fanout.py` says how."
    )
    head = ["", *(f"{n:,} × {size / 1000:g} kB" for n, size in columns)]
    yield report.table(
        head, [[name, *(f"{rate:,.0f}" for rate in of.values())] for name, of in rates.items()]
    )
    yield "\n".join(verdicts(rates))
    yield client_share(every)


def verdicts(rates: Mapping[str, Mapping[Column, float]]) -> Iterator[str]:
    """What was to be reached at 1,000 sockets."""
    for server, times in TIMES.items():
        for size in SIZES:
            ours, theirs = (rates[of.format(server)][1000, size] for of in (OURS, BASELINE))
            what = f"{server}, 1,000 × {size / 1000:g} kB, times the tutorial"
            yield report.at_least(what, ours / theirs, times)
    for size in SIZES:
        share = rates[OURS.format("uvicorn")][1000, size] / rates[LIMIT][1000, size]
        what = f"uvicorn, 1,000 × {size / 1000:g} kB, share of the bare writer"
        yield report.at_least(what, share, SHARE)


def client_share(every: Mapping[str, Mapping[Column, Sequence[Measured]]]) -> str:
    """Where the client came nearest to what the server used."""
    share, name, (n, size) = max(
        (statistics.median(m.rate / m.client for m in measured), name, column)
        for name, found in every.items()
        for column, measured in found.items()
    )
    return (
        f"The client used {share:.0%} of the server's CPU at most ({name}, {n:,} sockets, "
        f"{size / 1000:g} kB)."
    )


def _times(rounds: int) -> str:
    return "The median of three, in turn" if rounds == 3 else "Measured once"


if __name__ == "__main__":
    report.main(run)
