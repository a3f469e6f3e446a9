"""Who sees that what is to be listened to is, by this process or by another."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection

from widgets import clock, processes, record
from widgets.borrow import borrowed
from widgets.change import Arrival
from widgets.models import Feed
from widgets.options import BadOptions, read, with_secrets
from widgets.sources import Streamed, sources
from widgets.streams.addressing import said
from widgets.streams.intake import Intake
from widgets.streams.lease import Lease
from widgets.streams.listening import Listening, Wanted

logger = logging.getLogger(__name__)

# What people change takes effect within this, and the time that a source takes to end; s.
LOOK_EVERY = 0.5
# For sources to end and for what they handed on to be stored, s.
PATIENCE = 5.0

Row = tuple[int, str, str, Any]


@dataclass(slots=True)
class Group:
    """Feeds that share a connection."""

    source: Streamed
    feeds: list[Wanted] = field(default_factory=list)


class Supervisor:
    """The thread that follows the feeds' rows. One in a process, as long as it runs."""

    def __init__(self) -> None:
        self._intake = Intake()
        self._lease = Lease()
        self._running: dict[Hashable, Listening] = {}
        # By feed: its row, and what was read from it, which takes longer than all the rest.
        self._read: dict[int, tuple[Row, Wanted | str]] = {}
        self._poked = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._intake.start()
        self._thread.start()

    def stop(self) -> None:
        """Read no more, store and acknowledge what was read, and leave the lease to another."""
        self._stopping = True
        self._poked.set()
        self._thread.join()

    @property
    def listens(self) -> int:
        """How many connections are listened on."""
        return len(self._running)

    def _run(self) -> None:
        while not self._stopping:
            self._poked.clear()
            try:
                with borrowed():
                    self._look(clock.now())
            # Broad: the database is away. Who listens goes on, and is slowed down, as long as no
            # other process can have begun to.
            except Exception as error:  # noqa: BLE001
                logger.warning("Which streams to listen to is not known: %s", error)
                if self._lease.is_over:
                    self._abandon()
            processes.gauge("streams", len(self._running))
            self._poked.wait(LOOK_EVERY)
        self._end()
        connection.close()

    def _look(self, now: int) -> None:
        groups = self._groups()
        self._forget_ended()
        if not groups and not self._running:
            self._lease.release()
        elif self._lease.hold(now):
            self._follow(groups)
        else:
            self._abandon()

    def _follow(self, groups: Mapping[Hashable, Group]) -> None:
        for key, listening in self._running.items():
            if key not in groups or groups[key].feeds != listening.feeds:
                listening.stop()
        for key, group in groups.items():
            # One that is ending is waited for: a broker takes two for one another.
            if key not in self._running:
                ears = Listening(group.source, group.feeds, self._intake, self._poked.set)
                self._running[key] = ears
                ears.start()

    def _forget_ended(self) -> None:
        self._running = {key: ears for key, ears in self._running.items() if ears.alive}

    def _abandon(self) -> None:
        for listening in self._running.values():
            listening.abandon()
        self._forget_ended()

    def _end(self) -> None:
        for listening in self._running.values():
            listening.stop()
        until = time.monotonic() + PATIENCE
        for listening in self._running.values():
            if not listening.join(max(0.0, until - time.monotonic())):
                logger.warning(
                    "A stream did not end within %g s; what it read comes again", PATIENCE
                )
                listening.abandon()
        self._intake.stop()
        try:
            with borrowed():
                self._lease.release()
        # Broad: the database is away; the lease ends by itself.
        except Exception as error:  # noqa: BLE001
            logger.warning("The lease to listen could not be given back: %s", error)

    # -- what is to be listened to -----------------------------------------------------------

    def _groups(self) -> dict[Hashable, Group]:
        streamed = {one.slug: one for one in sources if isinstance(one, Streamed)}
        rows = Feed.objects.filter(source__in=streamed, paused=False).order_by("pk")
        groups: dict[Hashable, Group] = {}
        for row in self._known(rows.values_list("pk", "name", "source", "options")):
            wanted = self._read[row[0]][1]
            if isinstance(wanted, Wanted):
                source = streamed[row[2]]
                shared = source.together(wanted.options)
                key = (source.slug, ("alone", wanted.id) if shared is None else shared)
                groups.setdefault(key, Group(source)).feeds.append(wanted)
        return groups

    def _known(self, rows: Iterable[Row]) -> list[Row]:
        """The rows, of each of which what it means has been read."""
        found = list(rows)
        fresh: dict[int, tuple[Row, Wanted | str]] = {}
        for row in found:
            known = self._read.get(row[0])
            if known is None or known[0] != row:
                known = row, _wanted(row)
                if isinstance(known[1], str):
                    record.submit(Arrival(row[0], clock.now(), error=known[1]))
            fresh[row[0]] = known
        self._read = fresh
        return found


def _wanted(row: Row) -> Wanted | str:
    """The feed as it is listened for, or what is wrong with its options."""
    id_, name, slug, options = row
    try:
        return Wanted(id_, name, with_secrets(read(sources[slug].Options, options)))
    except BadOptions as error:
        return said(f"the options are wrong: {error}")
