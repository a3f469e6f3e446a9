"""One connection: its thread, in which the source listens, and begins anew when that breaks off."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from widgets.borrow import borrowed
from widgets.models import FeedState
from widgets.options import without_secrets
from widgets.sources import Listened, SourceError, Streamed
from widgets.streams.intake import Intake, Outlet
from widgets.streams.merging import positions_in

logger = logging.getLogger(__name__)

FIRST_PAUSE = 1.0  # s
LONGEST_PAUSE = 15.0
# What has stood for so long (s) breaks off for the first time again.
STEADY = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A feed that is to be listened for; its options are complete, with secrets in them."""

    id: int
    name: str
    options: Mapping[str, Any]


def pause_after(failures: int, chance: float) -> float:
    """How long to wait before the next try, s: doubled each time, and at random up to half less, so
    that a hundred who lost one broker do not come back at once. `chance` from 0 to 1."""
    pause: float = min(FIRST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    return pause * (0.5 + chance / 2)


class Listening:
    """The thread of one connection. It ends after `stop` or `abandon`, and by nothing else."""

    def __init__(
        self,
        source: Streamed,
        feeds: Sequence[Wanted],
        intake: Intake,
        ended: Callable[[], None],
    ) -> None:
        self.feeds = list(feeds)
        self._source = source
        self._intake = intake
        self._ended = ended
        self._stop = threading.Event()
        # Held while an outlet is made or given up, so that none is made behind the end.
        self._lock = threading.Lock()
        self._outlet: Outlet | None = None
        name = f"listen {source.slug}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self) -> None:
        """Have it end: it reads no more, and acknowledges what it has handed on."""
        self._end(self._intake.close)

    def abandon(self) -> None:
        """Have it end at once: what it has handed on is another's now."""
        self._end(self._intake.abandon)

    def join(self, timeout: float) -> bool:
        """Wait for its end, so many seconds; whether it has come."""
        self._thread.join(timeout)
        return not self.alive

    def _end(self, give_up: Callable[[Outlet], None]) -> None:
        with self._lock:
            self._stop.set()
            if self._outlet is not None:
                give_up(self._outlet)

    def _run(self) -> None:
        failures = 0
        try:
            while (outlet := self._new_outlet()) is not None:
                began = time.monotonic()
                reason = self._listen(outlet)
                if self._stop.is_set():
                    break
                if outlet.was_connected and time.monotonic() - began > STEADY:
                    failures = 0
                failures += 1
                pause = pause_after(failures, random.random())  # noqa: S311  # no secret
                outlet.disconnected(
                    f"not connected, trying again in {math.ceil(pause)} s: {reason}"
                )
                self._stop.wait(pause)
        finally:
            self._ended()

    def _new_outlet(self) -> Outlet | None:
        with self._lock:
            if self._stop.is_set():
                return None
            self._outlet = Outlet(self._intake, {feed.id: feed.name for feed in self.feeds})
            return self._outlet

    def _listen(self, outlet: Outlet) -> str:
        """Listen until it ends; why it did."""
        try:
            with borrowed():
                listened = _listened(self.feeds)
            self._source.listen(listened, outlet, self._stop)
            reason = "the source ended by itself"
        except SourceError as error:
            reason = str(error)
        except (DatabaseError, InterfaceError) as error:
            reason = f"the database could not be asked: {error}"
        # Broad: a source is anybody's code.
        except Exception as error:  # noqa: BLE001
            trace = without_secrets(traceback.format_exc())
            logger.error('The source "%s" failed unexpectedly\n%s', self._source.slug, trace)
            reason = f"the source failed: {type(error).__name__}: {error}"
        finally:
            connections.close_all()
        # Whoever begins anew must find stored what was handed on before.
        outlet.drain()
        return reason


def _listened(feeds: Sequence[Wanted]) -> list[Listened]:
    states = FeedState.objects.filter(pk__in=[feed.id for feed in feeds])
    known = {id_: rest for id_, *rest in states.values_list("pk", "memo", "rows", "at")}
    return [
        Listened(feed.id, feed.name, feed.options, positions_in(memo), rows or (), at)
        for feed in feeds
        for memo, rows, at in [known.get(feed.id, ({}, None, None))]
    ]
