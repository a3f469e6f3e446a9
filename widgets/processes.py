"""What each process tells of itself: counters, gauges and spans, in one row written every 5 s.

Counted are `readings` and `samples` that were recorded, `heard` readings of streams, `publishes`,
`renders` of a tile, `frames` and the `fragments` in them that were handed out, and the `acks` that
came back; gauged `sockets`, of those `sockets.events` and `sockets.behind`, `stalest` (µs),
`streams`, `streams.waiting`, `queue` and `tick`, when the ticker last looked (µs); observed by
source `lateness`, how long after its moment a refresh began, and its `duration`. `widgets.metrics`
says them to Prometheus.
"""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

import psutil
from django.conf import settings

from widgets import clock, lifecycle
from widgets.clock import DAY, MINUTE, SECOND
from widgets.models import Process
from widgets.turns import writing

BEAT = 5 * SECOND
# Three beats: a process that missed two of them is busy, one that missed three is gone.
ALIVE = 3 * BEAT
FORGOTTEN = DAY
MOST_OBSERVED = 4_096
# What spans are counted by: up to so much, µs. What took longer than the last is counted as well.
BOUNDS = tuple(
    int(seconds * SECOND)
    for seconds in (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
)
# By what was observed and its label: how many up to each of BOUNDS but above the one before, how
# many above the last, and the sum of all.
Spans = dict[str, dict[str, list[int]]]


class Telling:
    """The figures of one process. Every method may be called from any thread and is cheap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._observed: defaultdict[str, deque[tuple[int, int]]] = defaultdict(
            lambda: deque(maxlen=MOST_OBSERVED)
        )
        self._spans: Spans = {}
        self._told: Counter[str] = Counter()
        self._told_at: int | None = None

    def count(self, name: str, n: int = 1) -> None:
        """That much more of it has happened."""
        with self._lock:
            self._counts[name] += n

    def gauge(self, name: str, value: float) -> None:
        """There is so much of it now."""
        with self._lock:
            self._gauges[name] = value

    def gauged(self, name: str) -> float | None:
        """What there was of it last; None if it was never gauged."""
        with self._lock:
            return self._gauges.get(name)

    def observe(self, name: str, span: int, now: int | None = None, label: str = "") -> None:
        """It took so long, µs; `label` is what such spans are told apart by."""
        with self._lock:
            self._observed[name].append((clock.now() if now is None else now, span))
            by_label = self._spans.setdefault(name, {})
            if (counted := by_label.get(label)) is None:
                counted = by_label[label] = [0] * (len(BOUNDS) + 2)
            counted[bisect_left(BOUNDS, span)] += 1
            counted[-1] += span

    def figures(self) -> dict[str, Any]:
        """Counters and gauges by name as they are, and under `spans` what was observed."""
        with self._lock:
            spans = {
                name: {label: counted.copy() for label, counted in by_label.items()}
                for name, by_label in self._spans.items()
            }
            return {**self._counts, **self._gauges, "spans": spans}

    def tell(self, now: int) -> dict[str, float]:
        """All figures by name, as a row holds them.

        Counters since the start (`readings`) and a second since last told (`readings.rate`);
        gauges; of spans the `.p50` and `.p99` over the last minute in µs and how many (`.n`).
        """
        with self._lock:
            figures: dict[str, float] = {**self._counts, **self._gauges}
            seconds = None if self._told_at is None else (now - self._told_at) / SECOND
            for name, n in self._counts.items():
                if seconds is not None and seconds > 0:
                    figures[f"{name}.rate"] = (n - self._told[name]) / seconds
            self._told, self._told_at = self._counts.copy(), now
            for name, observed in self._observed.items():
                recent = sorted(span for moment, span in observed if moment > now - MINUTE)
                figures[f"{name}.n"] = len(recent)
                if recent:
                    figures[f"{name}.p50"] = percentile(recent, 50)
                    figures[f"{name}.p99"] = percentile(recent, 99)
        return figures


def percentile(ordered: list[int], share: int) -> int:
    """The value that `share` percent of the ordered ones do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered) / 100) - 1)]


_telling = Telling()
count = _telling.count
gauge = _telling.gauge
gauged = _telling.gauged
observe = _telling.observe
started = clock.now()


def beat(role: str, now: int | None = None, telling: Telling = _telling) -> None:
    """Write this process's row, and delete those of processes that are long gone.

    To be called every 5 s (`BEAT`) by whoever owns the process; it queries the database.
    """
    now = clock.now() if now is None else now
    row = _row(role, now, telling.tell(now) | telling.figures())
    with writing():
        Process.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["role", "seen", "counters"],
        )
        Process.objects.filter(seen__lt=now - FORGOTTEN).delete()


def own(now: int, telling: Telling = _telling) -> Process:
    """This process's row as it would be written now."""
    return _row(lifecycle.role, now, telling.figures())


def key() -> str:
    """What this process is called among all."""
    return f"{settings.NODE}:{os.getpid()}:{started}"


def _row(role: str, now: int, counters: Mapping[str, Any]) -> Process:
    return Process(
        key=key(),
        role=role,
        node=settings.NODE,
        pid=os.getpid(),
        build=settings.BUILD,
        started=started,
        seen=now,
        counters={**counters, "memory": psutil.Process().memory_info().rss},
    )


def alive(now: int) -> Iterable[Process]:
    """The rows of the processes that run."""
    return Process.objects.filter(seen__gte=now - ALIVE).order_by("key")
