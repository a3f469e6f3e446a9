"""Numbered readings on their way while what carries them is killed: all there, once, and exact.

A sender sends the numbers from 0 up, each as a value of its own, in chunks with pauses and no
further than `Killing.allowed` says; `Killing.run` kills its victims in turn, each time while
another part of the numbers is on its way. Then `exact` looks at what the database has.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from e2e.wall import eventually

Query = Callable[[str], list[tuple[Any, ...]]]
MINUTE = 60_000_000


@dataclass(frozen=True)
class Victim:
    """What is killed, as if the power had gone, and how it comes back."""

    kill: Callable[[], object]
    revive: Callable[[], object]


class Killing:
    """The plan: who is killed after how many of the numbers. Printed, as it is drawn from a seed;
    `KILL_SEED=…` in the environment draws the same again."""

    def __init__(self, total: int, victims: Mapping[str, Victim], times: int = 3) -> None:
        seed = int(os.environ.get("KILL_SEED", random.randrange(10**6)))
        self.random = random.Random(seed)
        self.total = total
        self._victims = victims
        names = [name for name in victims for _ in range(times)]
        self.random.shuffle(names)
        part = total / (len(names) + 1)
        marks = [int((i + self.random.uniform(0.6, 1.4)) * part) for i in range(len(names))]
        self.plan = list(zip(marks, names, strict=True))
        print(f"KILL_SEED={seed}: {', '.join(f'{name} at {mark}' for mark, name in self.plan)}")
        self._allowed = marks[0]
        self._changed = threading.Condition()

    def allowed(self, sent: int) -> int:
        """How many numbers in all may be sent; if no more than `sent`, a moment is waited for more.

        Only a moment: a sender may meanwhile have to send anew what a broker that died has lost.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._allowed > sent or sent >= self.total, timeout=0.2)
            return max(self._allowed, sent)

    def run(self, stored: Callable[[], int], within: float = 60) -> None:
        """Kill them all, in turn, and wait until every number is stored; each time that takes
        `within` s at most. `stored`: how many numbers the database has."""
        ends = [mark for mark, _ in self.plan[1:]] + [self.total]
        for (mark, name), end in zip(self.plan, ends, strict=True):
            self._wait(stored, mark, within)
            self._allow(end)
            self._wait(stored, mark + 1, within)
            # Anywhere in a batch: a commit takes some milliseconds.
            time.sleep(self.random.uniform(0, 0.03))
            assert stored() < end, "nothing is on its way any more; the sender is to pause more"
            self._victims[name].kill()
            time.sleep(self.random.uniform(0, 1))
            self._victims[name].revive()
        self._wait(stored, self.total, within)

    def _wait(self, stored: Callable[[], int], n: int, within: float) -> None:
        eventually(lambda: stored() >= n, within, f"{n} numbers are stored")

    def _allow(self, most: int) -> None:
        with self._changed:
            self._allowed = most
            self._changed.notify_all()


_FROM = """
FROM widgets_sample p JOIN widgets_series s ON s.id = p.series_id
JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name LIKE '{feeds}%'
"""


def stored(query: Query, feeds: str) -> int:
    """How many numbers of the feeds whose names begin so are stored."""
    [(n,)] = query("SELECT COUNT(*)" + _FROM.format(feeds=feeds))
    return int(n)


def exact(query: Query, feeds: str, total: int) -> None:
    """Every number is there, once, in the feeds whose names begin so, and every roll-up says what
    its samples say."""
    samples = _samples(query, feeds)
    assert sorted(value for _, _, value in samples) == list(range(total))
    for table, size in (("minute", MINUTE), ("hour", 60 * MINUTE)):
        buckets: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
        for series, ts, value in samples:
            buckets[series, ts - ts % size].append((ts, value))
        rolled = query(f"SELECT series_id, ts, n, sum, min, max, last FROM widgets_{table}")
        mine = {series for series, _, _ in samples}
        told = {(series, ts): rest for series, ts, *rest in rolled if series in mine}
        assert told == {key: _rolled(points) for key, points in buckets.items()}


def _rolled(points: list[tuple[int, float]]) -> list[float]:
    values = [value for _, value in points]
    return [len(values), sum(values), min(values), max(values), max(points)[1]]


def _samples(query: Query, feeds: str) -> list[tuple[int, int, float]]:
    rows = query("SELECT p.series_id, p.ts, p.value" + _FROM.format(feeds=feeds))
    return [(int(series), int(ts), float(value)) for series, ts, value in rows]
