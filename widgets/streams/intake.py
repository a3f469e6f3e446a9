"""From every listener to the one door: taken in as far as there is room, stored, acknowledged."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection
from django.db.models.signals import post_delete, post_save

from widgets import clock, processes
from widgets.models import Feed
from widgets.reading import Reading
from widgets.sources import Heard
from widgets.streams.addressing import Came
from widgets.streams.storing import Storing

logger = logging.getLogger(__name__)

# Readings that are stored at a time, and how long they are waited for, s.
BATCH = 500
BATCH_WITHIN = 0.25
# A commit is followed by a pause so many times its length: a broker that sends nothing more before
# the last is acknowledged waits no longer than it must, and a slow disk is not kept busy.
PAUSES = 3
# What may wait of one connection: so many readings with one number, or few large ones.
MOST_WAITING = 5_000


def weight(reading: Reading | None) -> int:
    """About how much memory it takes, in readings with one number."""
    if reading is None:
        return 1
    cells = sum(map(len, reading.rows)) if reading.rows else 0
    return max(1, (len(reading.numbers) + len(reading.history) + cells) // 4
               + len(reading.text or "") // 1_000)  # fmt: skip


@dataclass(slots=True)
class Parcel:
    """What one `put` handed in, or one `failed`."""

    outlet: Outlet
    came: Sequence[Came]
    weight: int
    ack: Callable[[], None] | None = None


class Outlet:
    """`widgets.sources.Out` of one connection. `feeds`: the names of those listened for, by id."""

    def __init__(self, intake: Intake, feeds: Mapping[int, str]) -> None:
        self.feeds = feeds
        self.weight = 0
        # Nothing more is taken; and nothing that waits is stored any more.
        self.closed = False
        self.abandoned = False
        self.was_connected = False
        self._intake = intake

    def put(self, batch: Sequence[Heard], ack: Callable[[], None] | None = None) -> bool:
        if strange := {one.feed for one in batch} - self.feeds.keys():
            raise ValueError(f"heard of feeds that are not listened for here: {strange}")
        moments = self._intake.moments(len(batch))
        came = [Came(one.feed, at, one) for one, at in zip(batch, moments, strict=True)]
        return self._intake.put(Parcel(self, came, sum(weight(one.reading) for one in batch), ack))

    def failed(self, feed: int, message: str) -> None:
        [moment] = self._intake.moments(1)
        self._intake.put(Parcel(self, [Came(feed, moment, wrong=message)], 1))

    def connected(self) -> None:
        self.was_connected = True
        self._say("up")

    def disconnected(self, message: str) -> None:
        """The connection is lost; the message is shown on every feed's tile."""
        self._say("down", message)

    def _say(self, link: Literal["up", "down"], message: str = "") -> None:
        [moment] = self._intake.moments(1)
        came = [Came(feed, moment, wrong=message, link=link) for feed in self.feeds]
        self._intake.put(Parcel(self, came, 1))

    def room(self, within: float) -> bool:
        return self._intake.room(self, within)

    def drain(self) -> None:
        self._intake.drain(self)


class Intake:
    """The queue of all connections and the thread that empties it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._parcels: deque[Parcel] = deque()
        # How many readings are in them.
        self._waiting = 0
        self._last = 0
        # Who waits for room or for the end: then nobody waits for a batch to be full.
        self._hurried = 0
        self._ending = False
        self._rested_at = 0.0
        self._storing = Storing()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        for signal in (post_save, post_delete):
            signal.connect(self._feed_changed, sender=Feed)
        self._thread.start()

    def stop(self) -> None:
        """End after what waits is stored, if it can be; call it when nobody puts anything more."""
        with self._changed:
            self._ending = True
            self._storing.giving_up.set()
            self._changed.notify_all()
        self._thread.join()
        for signal in (post_save, post_delete):
            signal.disconnect(self._feed_changed, sender=Feed)

    def _feed_changed(self, **_: Any) -> None:
        self._storing.forget()

    # -- for who listens ---------------------------------------------------------------------

    def moments(self, n: int) -> list[int]:
        """When so many readings came, µs: each has one of its own, which its samples go by."""
        with self._changed:
            first = max(clock.now(), self._last + 1)
            self._last = first + n - 1
        return list(range(first, first + n))

    def put(self, parcel: Parcel) -> bool:
        outlet = parcel.outlet
        with self._changed:
            self._wait(
                lambda: (
                    outlet.closed
                    or not outlet.weight
                    or outlet.weight + parcel.weight <= MOST_WAITING
                )
            )
            if outlet.closed:
                return False
            outlet.weight += parcel.weight
            self._parcels.append(parcel)
            self._waiting += len(parcel.came)
            self._changed.notify_all()
        return True

    def room(self, outlet: Outlet, within: float) -> bool:
        with self._changed:
            return self._wait(
                lambda: outlet.closed or outlet.weight <= MOST_WAITING - BATCH, within
            )

    def drain(self, outlet: Outlet) -> None:
        with self._changed:
            self._wait(lambda: outlet.abandoned or not outlet.weight)

    def close(self, outlet: Outlet) -> None:
        """Take nothing more of it; what waits is stored."""
        with self._changed:
            outlet.closed = True
            self._changed.notify_all()

    def abandon(self, outlet: Outlet) -> None:
        """Neither take nor store anything more of it: it comes again, to somebody else."""
        with self._changed:
            outlet.closed = outlet.abandoned = True
            self._changed.notify_all()

    def _wait(self, ready: Callable[[], bool], within: float | None = None) -> bool:
        """Whether it was ready; `within` s, or for ever."""
        if ready():
            return True
        self._hurried += 1
        self._changed.notify_all()
        try:
            return self._changed.wait_for(ready, within)
        finally:
            self._hurried -= 1

    # -- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while parcels := self._next():
            began = time.monotonic()
            kept = [parcel for parcel in parcels if not parcel.outlet.abandoned]
            listened = {feed: name for p in kept for feed, name in p.outlet.feeds.items()}
            stored = self._storing.store([one for p in kept for one in p.came], listened)
            took = time.monotonic() - began
            self._rested_at = began + took + min(PAUSES * took, BATCH_WITHIN)
            self._settle(parcels, stored)
        connection.close()

    def _next(self) -> list[Parcel]:
        """What is stored next; nothing if the end has come."""
        with self._changed:
            self._changed.wait_for(lambda: self._parcels or self._ending)
            rest = self._rested_at - time.monotonic()
            self._changed.wait_for(self._is_time, max(0.0, rest))
            parcels: list[Parcel] = []
            count = 0
            while self._parcels and count < BATCH:
                parcels.append(self._parcels.popleft())
                count += len(parcels[-1].came)
            self._waiting -= count
            processes.gauge("streams.waiting", self._waiting)
        return parcels

    def _is_time(self) -> bool:
        return self._waiting >= BATCH or self._ending or self._hurried > 0

    def _settle(self, parcels: Sequence[Parcel], stored: bool) -> None:
        for parcel in parcels:
            if stored and parcel.ack is not None and not parcel.outlet.abandoned:
                try:
                    parcel.ack()
                # Broad: a source is anybody's code, and the others wait for theirs.
                except Exception:
                    logger.exception("A stream could not be acknowledged")
        if stored:
            processes.count("heard", sum(len(parcel.came) for parcel in parcels))
        with self._changed:
            for parcel in parcels:
                parcel.outlet.weight -= parcel.weight
                if not stored:
                    parcel.outlet.abandoned = parcel.outlet.closed = True
            self._changed.notify_all()
