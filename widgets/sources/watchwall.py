"""The wall itself: what its processes tell of themselves, and how its feeds fare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from widgets import clock
from widgets.clock import SECOND, format_duration
from widgets.models import FeedState, Process
from widgets.processes import ALIVE, alive
from widgets.reading import Reading
from widgets.snapshot import FAILED_AFTER
from widgets.sources import Source

Reduce = Callable[[Iterable[float]], float]

# Series: the figure of each process that it comes from, how several make one, unit, and by what
# the figure is divided.
FIGURES: Mapping[str, tuple[str, Reduce, str, float]] = {
    # Of several processes the worst counts: a mean would hide the one that is behind.
    "lateness.p50": ("lateness.p50", max, "s", SECOND),
    "lateness.p99": ("lateness.p99", max, "s", SECOND),
    "readings": ("readings.rate", sum, "/s", 1),
    "samples": ("samples.rate", sum, "/s", 1),
    "fragments": ("fragments.rate", sum, "/s", 1),
    "sockets": ("sockets", sum, "", 1),
    # Each tells of the one queue.
    "queue": ("queue", max, "", 1),
    "memory": ("memory", sum, "B", 1),
}


class Watchwall(Source):
    """Series: `lateness.p50` and `lateness.p99` of refreshes over the last minute (s), `readings`,
    `samples` and `fragments` (/s), `sockets`, `queue`, `memory` of all processes (B), `processes`,
    `feeds`, `feeds.failed`, `feeds.late` (late or stale). What no process tells is left out.
    Rows: one a process.
    """

    slug = "watchwall"
    label = "Watchwall itself"
    interval = 5 * SECOND

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        now = clock.now()
        return summed(list(alive(now)), now, feeds())


def feeds() -> dict[str, float]:
    """How many feeds there are, and how many have failed or are late."""
    found = FeedState.objects.filter(feed__paused=False)
    return {
        "feeds": found.count(),
        "feeds.failed": found.filter(failures__gte=FAILED_AFTER).count(),
        "feeds.late": found.filter(
            failures__lt=FAILED_AFTER, freshness__in=["late", "stale"]
        ).count(),
    }


def summed(processes: Sequence[Process], now: int, feeds: Mapping[str, float]) -> Reading:
    """The reading of these rows. Pure."""
    numbers: dict[str, float] = {"processes": len(processes), **feeds}
    for name, (figure, reduce, _, size) in FIGURES.items():
        told = [row.counters[figure] for row in processes if figure in row.counters]
        if told:
            numbers[name] = reduce(told) / size
    notes = []
    if not processes:
        notes.append(f"no process has told of itself in the last {format_duration(ALIVE)}")
    return Reading(
        numbers=numbers,
        units={name: unit for name, (_, _, unit, _) in FIGURES.items() if name in numbers},
        rows=[_row(row, now) for row in processes],
        notes=notes,
    )


def _row(process: Process, now: int) -> dict[str, Any]:
    return {
        "role": process.role,
        "node": process.node,
        "pid": process.pid,
        "build": process.build,
        "uptime": (now - process.started) // SECOND,
        "memory": process.counters.get("memory"),
        "sockets": process.counters.get("sockets"),
    }
