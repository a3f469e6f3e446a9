"""A process that records, as a listener of streams does: `python -m bench.recorder`.

One command a line on stdin, as JSON. `{"feed": 3, "text": "…"}` records a reading of `bench.3`.
`{"pace": [[0, 1.0], [1, 10.0]], "seconds": 20}` records so many a second of each feed: texts whose
marker is the moment that they were handed in, or two numbers with `"numbers": true`; at the end it
says how many. It says once that it is ready.
"""

from __future__ import annotations

import heapq
import itertools
import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "site"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")

import django

django.setup()

from bench import boards
from widgets import clock, io, record
from widgets.models import Feed
from widgets.reading import Reading


def main() -> None:
    feeds = {
        int(name.removeprefix("bench.")): pk
        for name, pk in Feed.objects.filter(name__startswith="bench.").values_list("name", "pk")
    }
    print(json.dumps({"ready": len(feeds)}), flush=True)
    for line in sys.stdin:
        told = json.loads(line)
        if "pace" in told:
            sent = pace(feeds, told["pace"], told["seconds"], told.get("numbers", False))
            print(json.dumps({"sent": sent}), flush=True)
        else:
            hand_in(feeds[told["feed"]], Reading(text=told["text"], complete=False))
    record.stop()
    io.stop()


def hand_in(feed: int, reading: Reading, arrived: int | None = None) -> None:
    record.submit(record.Arrival(feed, arrived or clock.now(), reading))


def pace(
    feeds: dict[int, int], rates: list[tuple[int, float]], seconds: float, numbers: bool
) -> int:
    """Record at these rates (feed, readings a second) for so long; how many there were.

    Each begins at a moment of its own within its period, as feeds do; the golden ratio spreads
    them evenly, however many there are.
    """
    begun, sent = time.monotonic(), 0
    due = [(begun + i * 0.618 % 1 / hz, feed, hz) for i, (feed, hz) in enumerate(rates)]
    heapq.heapify(due)
    while due[0][0] < begun + seconds:
        at, feed, hz = due[0]
        time.sleep(max(0.0, at - time.monotonic()))
        now = clock.now()
        hand_in(feeds[feed], waves(now) if numbers else words(now), now)
        sent += 1
        heapq.heapreplace(due, (at + 1 / hz, feed, hz))
    return sent


def words(now: int) -> Reading:
    return Reading(text=boards.text(1300, now), complete=False)


_turn = itertools.count()


def waves(now: int) -> Reading:
    """Two numbers that are never twice the same."""
    phase = now / clock.SECOND / 7 + next(_turn)
    numbers: dict[str, Any] = {
        name: round(50 + 40 * math.sin(phase + shift), 2) for name, shift in (("a", 0), ("b", 2))
    }
    return Reading(numbers, complete=False)


if __name__ == "__main__":
    main()
