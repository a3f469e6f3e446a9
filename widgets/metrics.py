"""What every process of the wall tells of itself, as Prometheus reads it.

One scrape of any web process shows them all. A process that is gone takes its figures with it;
rates of its counters end, as those of any target that is gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from django.db import DatabaseError, connection
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from widgets import clock, processes
from widgets.clock import SECOND
from widgets.models import Process
from widgets.processes import BOUNDS
from widgets.threads import DaemonThreads, Shared

logger = logging.getLogger(__name__)

# For the database to answer, s: a scrape has a few seconds, and most of it is this process's own.
WITHIN = 1.0

LABELS = ("process", "role", "node")

# By the name a process counts under: ours, and what it is.
COUNTERS: Mapping[str, tuple[str, str]] = {
    "readings": ("watchwall_readings", "Readings that were recorded."),
    "samples": ("watchwall_samples", "Samples that were recorded."),
    "heard": ("watchwall_heard", "Readings that streams brought."),
    "publishes": ("watchwall_publishes", "Messages put onto the channel layer."),
    "unpublished": ("watchwall_unpublished", "Changes that no layer took; hubs compare."),
    "renders": ("watchwall_renders", "Tiles that were drawn."),
    "frames": ("watchwall_frames", "Frames handed out to sockets."),
    "fragments": ("watchwall_fragments", "Fragments in those frames."),
    "overwrites": (
        "watchwall_slot_overwrites",
        "Fragments a newer one took the place of, since the socket was busy.",
    ),
    "repairs": ("watchwall_repairs", "Feeds whose change was missed and found by comparing."),
    "acks": ("watchwall_acks", "What pages said that they had painted."),
    "acks.refused": ("watchwall_acks_refused", "What else was said to us over pages' sockets."),
    "reloads": ("watchwall_reloads", "Feeds loaded from the database by the hub."),
}
# The same, and by what the figure is divided.
GAUGES: Mapping[str, tuple[str, float, str]] = {
    "sockets": ("watchwall_sockets", 1, "Open sockets of pages."),
    "sockets.behind": ("watchwall_sockets_behind", 1, "Sockets that something waits for."),
    "sockets.events": ("watchwall_sockets_events", 1, "Of those, pages over server-sent events."),
    "stalest": (
        "watchwall_stalest_screen_seconds",
        SECOND,
        "How far behind the screen is that is furthest behind.",
    ),
    "queue": ("watchwall_queue_length", 1, "Tasks that wait; each process sees the same queue."),
    "streams": ("watchwall_streams", 1, "Connections that are listened on."),
    "streams.waiting": ("watchwall_streams_waiting", 1, "Readings that wait to be recorded."),
    "memory": ("watchwall_memory_bytes", 1, "Resident memory."),
    "tick": ("watchwall_last_tick_timestamp_seconds", SECOND, "When the ticker last looked."),
}
HISTOGRAMS: Mapping[str, tuple[str, str]] = {
    "lateness": (
        "watchwall_refresh_lateness_seconds",
        "How long after its moment a refresh began.",
    ),
    "duration": ("watchwall_refresh_duration_seconds", "How long a refresh took."),
}


class Told(Collector):
    """The figures of these processes."""

    def __init__(self, rows: Iterable[Process]) -> None:
        self._rows = list(rows)

    def collect(self) -> Iterator[Metric]:
        for name, (ours, said) in COUNTERS.items():
            counter = CounterMetricFamily(ours, said, labels=LABELS)
            for row in self._rows:
                # Told before the first one, or a rate would miss it.
                counter.add_metric(_labels(row), row.counters.get(name, 0))
            yield counter
        for name, (ours, size, said) in GAUGES.items():
            gauge = GaugeMetricFamily(ours, said, labels=LABELS)
            for row in self._rows:
                if name in row.counters:
                    gauge.add_metric(_labels(row), row.counters[name] / size)
            yield gauge
        for name, (ours, said) in HISTOGRAMS.items():
            yield self._histogram(name, ours, said)

    def _histogram(self, name: str, ours: str, said: str) -> Metric:
        family = HistogramMetricFamily(ours, said, labels=(*LABELS, "source"))
        for row in self._rows:
            for source, counted in row.counters.get("spans", {}).get(name, {}).items():
                # A process of another build may count by other bounds.
                if len(counted) == len(_BOUNDS) + 1:
                    *numbers, total = counted
                    family.add_metric(
                        [*_labels(row), source],
                        list(zip(_BOUNDS, accumulate(numbers), strict=True)),
                        total / SECOND,
                    )
        return family


_BOUNDS = [*(str(bound / SECOND) for bound in BOUNDS), "+Inf"]


def _labels(row: Process) -> list[str]:
    # Containers all have the process id 1, and may carry one name.
    return [f"{row.pid}:{row.started}", row.role, row.node]


def page(rows: Iterable[Process], accept: str) -> tuple[bytes, str]:
    """The page, in the format that the header Accept asks for, and its content type."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Told(rows))
    encode, kind = choose_encoder(accept)
    return encode(registry), kind


def _told() -> list[Process]:
    try:
        return list(processes.alive(clock.now()))
    finally:
        connection.close()


_threads = DaemonThreads("metrics", 4)
_rows = Shared(_told, _threads)


async def scrape(accept: str) -> tuple[bytes, str]:
    """The figures of every process that runs, and of this one as they are now; with the format.

    While the database does not answer, this one's alone.
    """
    own = processes.own(clock.now())
    try:
        rows = [row for row in await _rows.result(WITHIN) if row.key != own.key]
    except (DatabaseError, OSError) as error:  # A TimeoutError is one.
        logger.info("The processes' rows could not be read: %s", error)
        rows = []
    # Not on the loop: the page of a wall of many processes takes tens of milliseconds.
    pages = asyncio.wrap_future(_threads.submit(page, [own, *rows], accept))
    return await pages
