"""Keeping what is held equal to what was committed: by messages, and by loading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from dashboard.live import held as held_module
from dashboard.live.held import Held
from dashboard.live.thread import Query
from widgets import processes
from widgets.select import Spec


class Loader:
    """Runs on the hub's loop. `specs`: every widget that is watched; `touch` is told the names
    of feeds that changed."""

    def __init__(
        self,
        held: Held,
        query: Query,
        specs: Callable[[], Sequence[Spec]],
        touch: Callable[[Collection[str]], object],
    ) -> None:
        self._held, self._query, self._specs, self._touch = held, query, specs, touch
        # Feeds that are being loaded, or wait for it.
        self.coming: set[int] = set()
        self._stale: set[int] = set()
        self._wake = asyncio.Event()
        self._loading = asyncio.Lock()
        # The messages that come while feeds are loaded; None while none are.
        self._arriving: list[Mapping[str, Any]] | None = None

    def feed_changed(self, message: Mapping[str, Any]) -> None:
        """Take in a message of the layer (see `widgets.publish.feed_message`)."""
        if self._arriving is not None:
            self._arriving.append(message)
        feed = self._held.feeds.get(message["feed"])
        if feed is None or message["version"] <= feed.version:
            return
        if self._held.apply(message):
            self._touch({feed.name})
        else:
            self.refresh({feed.id})

    def refresh(self, ids: Collection[int]) -> None:
        """Have these feeds loaded again."""
        if ids:
            self._stale |= set(ids)
            self._wake.set()

    async def run(self) -> None:
        """Load what is to be loaded again, for ever."""
        while True:
            while self._stale:
                ids, self._stale = self._stale, set()
                processes.count("reloads", len(ids))
                try:
                    await self.load(ids)
                except BaseException:
                    self._stale |= ids
                    raise
            await self._wake.wait()
            self._wake.clear()

    async def load(self, ids: Collection[int]) -> None:
        """Load feeds and their windows, and draw what shows them.

        What is committed meanwhile may have been read or not; its messages are applied to what
        was read by the same rule as always.
        """
        if not ids:
            return
        self.coming |= set(ids)
        async with self._loading:
            self._arriving = []
            try:
                loaded = await self._query(held_module.load, ids, self._specs())
            finally:
                arrived, self._arriving = self._arriving, None
                self.coming -= set(ids)
        for message in arrived:
            feed = loaded.feeds.get(message["feed"])
            if feed and message["version"] > feed.version:
                loaded.apply(message)
        self._install(ids, loaded)

    def _install(self, ids: Collection[int], loaded: Held) -> None:
        names = self.names(ids)
        for id_ in ids:
            feed, here = loaded.feeds.get(id_), self._held.feeds.get(id_)
            if feed is None:
                self._held.drop(id_)
            elif here and here.version > feed.version:
                # A message was too large to follow on what was read: what is here is newer.
                loaded.drop(id_)
                self.refresh({id_})
        self._held.install(loaded)
        if self._held.is_full():
            self.fit()
        self._touch(names | self.names(ids))

    def fit(self) -> None:
        """Keep what there is room for, and draw what then lacks something."""
        self._touch(self.names(self._held.fit(self._specs())))

    def readmit(self) -> None:
        """Boards came or went: let go of what was theirs, and load what now may have room."""
        waiting = self._held.feeds_of(self._held.left_out)
        self._held.left_out.clear()
        self.fit()
        self.refresh(waiting)

    def names(self, ids: Iterable[int]) -> set[str]:
        """Of those that are held."""
        return {self._held.feeds[id_].name for id_ in ids if id_ in self._held.feeds}
