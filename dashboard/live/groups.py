"""The groups of the channel layer that the hub wants to be in, and is in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

logger = logging.getLogger(__name__)

LEAST_WAIT, MOST_WAIT = 0.2, 5.0
# Layers forget a membership a day after it began, whatever happened since.
RENEW = 3600.0


class Groups:
    """Joins until it has succeeded: a layer that was away when asked forgets it for good."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.channel = ""
        self.wanted: frozenset[str] = frozenset()
        self.joined: set[str] = set()
        self._changed = asyncio.Event()

    def want(self, groups: Collection[str]) -> None:
        """From now on these groups and no others."""
        if self.wanted != groups:
            self.wanted = frozenset(groups)
            self._changed.set()

    def opened(self, channel: str) -> None:
        """The hub listens on this channel, and it is in no group yet."""
        self.channel = channel
        self.joined.clear()
        self._changed.set()

    async def run(self) -> None:
        """Keep what is joined equal to what is wanted, for ever."""
        wait = LEAST_WAIT
        while True:
            try:
                await self._settle()
                wait = LEAST_WAIT
            # Broad: each layer has errors of its own, and all mean the same here.
            except Exception as error:  # noqa: BLE001
                logger.warning("The channel layer cannot be reached (%s); trying again", error)
                await asyncio.sleep(wait)
                wait = min(2 * wait, MOST_WAIT)
                continue
            try:
                await asyncio.wait_for(self._changed.wait(), RENEW)
            except TimeoutError:
                self.joined.clear()
            self._changed.clear()

    async def leave(self) -> None:
        """Leave every group; for the end."""
        self.wanted = frozenset()
        await self._settle()

    async def _settle(self) -> None:
        while self.channel and self.joined != self.wanted:
            channel = self.channel
            for group in self.wanted - self.joined:
                await self.layer.group_add(group, channel)
                if channel == self.channel:
                    self.joined.add(group)
            for group in self.joined - self.wanted:
                self.joined.discard(group)
                await self.layer.group_discard(group, channel)
