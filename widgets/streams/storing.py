"""A batch of what streams brought is recorded, for as long as that takes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence

from django.db import DatabaseError, InterfaceError

from widgets import clock, record
from widgets.borrow import borrowed
from widgets.change import Arrival
from widgets.outage import meaning, pauses
from widgets.record import NotRecorded
from widgets.streams.addressing import Addressing, Came

logger = logging.getLogger(__name__)


class Storing:
    """For the intake's thread; `giving_up` is set when nothing is tried again any more."""

    def __init__(self) -> None:
        self.giving_up = threading.Event()
        self._addressing = Addressing()
        # Feeds of which something was said to be wrong.
        self._wrong: set[int] = set()

    def forget(self) -> None:
        """Somebody edited a feed."""
        self._addressing.directory.forget()

    def store(self, came: Sequence[Came], listened: Mapping[int, str]) -> bool:
        """Record it; False if it could not be. `listened`: names of feeds, as for `Outlet`."""
        left: list[Arrival] | None = None
        for pause in pauses():
            try:
                with borrowed():
                    left = self._arrivals(came, listened) if left is None else left
                left, gone = _recorded(left)
                if gone:
                    # Feeds of those names were deleted meanwhile, and are made anew. All of it is
                    # recorded again, of which nothing is there twice.
                    self.forget()
                    left = None
            except (DatabaseError, InterfaceError) as error:
                logger.warning("What streams brought is not stored yet: %s", error)
                self.forget()
            # Broad: a thread that ends would let every stream stand still, without a word.
            except Exception:
                logger.exception("What streams brought could not be stored")
                return False
            if left is not None and not left:
                return True
            if self.giving_up.wait(pause):
                return False
        raise AssertionError("unreachable")

    def _arrivals(self, came: Sequence[Came], listened: Mapping[int, str]) -> list[Arrival]:
        now = clock.now()
        found = self._addressing.sort(came, listened, now)
        arrivals = list(found.arrivals(now))
        heard = {one.feed for one in came}
        # What was wrong with messages for feeds of other names is seen on no reading of its own.
        right = (self._wrong & heard) - found.wrong.keys() - {one.feed for one in found.batches}
        arrivals += [Arrival(feed, now, well=True) for feed in sorted(right)]
        self._wrong = (self._wrong - heard) | found.wrong.keys()
        return arrivals


def _recorded(arrivals: Sequence[Arrival]) -> tuple[list[Arrival], bool]:
    """Record them all. Those that the database may take in a moment; whether feeds are gone."""
    left, gone = [], False
    answers = [(arrival, record.submit(arrival)) for arrival in arrivals]
    for arrival, answer in answers:
        try:
            gone |= answer.result().status == "gone" and arrival.fold is not None
        except NotRecorded as error:
            if meaning(error.__cause__ or error) != "other":
                left.append(arrival)
    return left, gone
