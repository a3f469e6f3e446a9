"""Hands in numbered readings, as a pusher does that tries until it is told that one was taken.

`python -m e2e.teller FEED FILE PERIOD` (the feed's id, seconds) records 1, 2, 3 and so on; after
each commit it writes "number moment" (µs) to the file. SIGTERM ends it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "site"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")

import django

django.setup()

from widgets import clock, io, record
from widgets.reading import Reading


def main(feed: int, file: Path, period: float) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    number = 0
    with file.open("a", buffering=1) as told:
        while not stopping.wait(period):
            number += 1
            # Of the same moment however often it is tried: what was taken twice is there once.
            arrival = record.Arrival(feed, clock.now(), Reading({"a": number}, complete=False))
            if taken(arrival, stopping):
                told.write(f"{number} {arrival.arrived}\n")
    record.stop()
    io.stop()


def taken(arrival: record.Arrival, stopping: threading.Event) -> bool:
    while not stopping.is_set():
        try:
            return record.record(arrival, timeout=60).status == "recorded"
        except (record.NotRecorded, TimeoutError) as error:
            print(f"{arrival.arrived}: {error}", flush=True)
            stopping.wait(0.2)
    return False


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
