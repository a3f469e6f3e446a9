"""What each process tells of itself: counters, gauges and spans, in one row written every 5 s.

Counted are `readings` and `samples` that were recorded and `fragments` that were handed out;
gauged `sockets`, `queue` and `tick`, when the ticker last looked (µs); observed `lateness`, how
long after its moment a refresh began.
"""

from __future__ import annotations

import math
import os
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

import psutil
from django.conf import settings

from widgets import clock
from widgets.clock import DAY, MINUTE, SECOND
from widgets.models import Process
from widgets.turns import writing

BEAT = 5 * SECOND
# Three beats: a process that missed two of them is busy, one that missed three is gone.
ALIVE = 3 * BEAT
FORGOTTEN = DAY
MOST_OBSERVED = 4_096


class Telling:
    """The figures of one process. Every method may be called from any thread and is cheap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._gauges: dict[str, float] = {}
        self._observed: defaultdict[str, deque[tuple[int, int]]] = defaultdict(
            lambda: deque(maxlen=MOST_OBSERVED)
        )
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

    def observe(self, name: str, span: int, now: int | None = None) -> None:
        """It took so long, µs."""
        with self._lock:
            self._observed[name].append((clock.now() if now is None else now, span))

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
    pid = os.getpid()
    row = Process(
        key=f"{settings.NODE}:{pid}:{started}",
        role=role,
        node=settings.NODE,
        pid=pid,
        build=settings.BUILD,
        started=started,
        seen=now,
        counters=telling.tell(now) | {"memory": psutil.Process().memory_info().rss},
    )
    with writing():
        Process.objects.bulk_create(
            [row],
            update_conflicts=True,
            unique_fields=["key"],
            update_fields=["role", "seen", "counters"],
        )
        Process.objects.filter(seen__lt=now - FORGOTTEN).delete()


def alive(now: int) -> Iterable[Process]:
    """The rows of the processes that run."""
    return Process.objects.filter(seen__gte=now - ALIVE).order_by("key")
