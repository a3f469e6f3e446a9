"""Which of the feeds that are asked more often while somebody watches are on open pages here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress

from dashboard.live.board import Key
from dashboard.live.held import Held
from dashboard.live.thread import Query
from dashboard.live.wall import Wall
from widgets import clock, processes
from widgets.watch import watch

# How often it looks whether that has changed (s): pages come and go, boards and feeds are edited.
LOOK_EVERY = 0.5


class Watcher:
    """Runs on the hub's loop; `query` writes in a thread that nothing else waits for, and `touch`
    is told the names of feeds that are judged otherwise now."""

    def __init__(
        self,
        walls: Mapping[Key, Wall],
        held: Held,
        query: Query,
        touch: Callable[[Collection[str]], object],
    ) -> None:
        self._walls, self._held, self._query, self._touch = walls, held, query, touch
        self._told: set[int] = set()
        self._told_at = 0
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now: a page has come."""
        self._wake.set()

    async def run(self) -> None:
        """Look for ever; the database may be away, and then the job begins again."""
        while True:
            await self.look()
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes just then.
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            self._wake.clear()

    async def look(self) -> None:
        """Say what is watched: at once what is new, and all of it again every 5 s."""
        now, wanted = clock.now(), self._wanted()
        self._judge({id_: None for id_ in self._told - wanted})
        new = wanted - self._told
        self._told &= wanted
        if new or (wanted and now - self._told_at >= processes.BEAT):
            since = await self._query(watch, wanted, now)
            self._told, self._told_at = wanted, now
            self._judge(since)

    def _wanted(self) -> set[int]:
        boards = [wall.board for wall in self._walls.values() if wall.slots]
        return {
            feed.id
            for feed in self._held.feeds.values()
            if feed.adaptive and any(board.wants(feed.name) for board in boards)
        }

    def _judge(self, since: Mapping[int, int | None]) -> None:
        """Judge feeds as somebody watches them since then, or nobody does (None)."""
        changed = set()
        for id_, moment in since.items():
            feed = self._held.feeds.get(id_)
            if feed and feed.promise.watched_since != moment:
                feed.promise = feed.promise.watched(moment)
                changed.add(feed.name)
        if changed:
            self._touch(changed)
