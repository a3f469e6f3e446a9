"""What is published through Redis waits here, in a thread of its own and never without bound."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from channels.layers import get_channel_layer

from widgets import processes

logger = logging.getLogger(__name__)

# Two seconds' worth of a busy wall. What is older than that hubs have found by comparing.
MOST_WAITING = 1_000
# Redis answers within a millisecond or hangs.
TIMEOUT = 2.0  # s


class Outbox:
    """The thread that sends, started when first needed.

    Its loop is not the I/O loop, which refuses addresses that sources may not connect to, and
    whose fetches a Redis that hangs must not hold up. While Redis is away or hangs, what waits is
    dropped: hubs compare every 2 s.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        # Of the thread that runs: one that was told to end is never told otherwise.
        self._ending = threading.Event()
        self._away = False

    def put(self, group: str, message: Mapping[str, Any]) -> None:
        """Have it sent to the group; never blocks."""
        with self._changed:
            if self._thread is None:
                self._ending = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=[self._ending], name="publish", daemon=True
                )
                self._thread.start()
            if len(self._waiting) >= MOST_WAITING:
                self._drop()
            self._waiting.append((group, message))
            self._changed.notify_all()

    def stop(self) -> None:
        """End the thread after what waits was sent, or after one failure."""
        with self._changed:
            thread, self._thread = self._thread, None
            self._ending.set()
            self._changed.notify_all()
        if thread is not None:
            thread.join()

    def _drop(self) -> None:
        processes.count("unpublished", len(self._waiting))
        self._waiting.clear()

    def _run(self, ending: threading.Event) -> None:
        with asyncio.Runner() as runner:
            while (work := self._next(ending)) is not None:
                try:
                    runner.run(self._send(*work))
                # Broad: each layer has errors of its own, and a thread that ends says nothing.
                except Exception as error:  # noqa: BLE001
                    self._failed(error)
                else:
                    self._away = False

    def _next(self, ending: threading.Event) -> tuple[str, Mapping[str, Any]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or ending.is_set())
            return self._waiting.popleft() if self._waiting else None

    async def _send(self, group: str, message: Mapping[str, Any]) -> None:
        async with asyncio.timeout(TIMEOUT):
            await get_channel_layer().group_send(group, message)

    def _failed(self, error: Exception) -> None:
        # Once for each time it goes away, and not for each message.
        if not self._away:
            said = str(error) or f"no answer within {TIMEOUT:g} s"
            logger.warning("Changes cannot be published (%s); hubs find them by comparing", said)
        self._away = True
        processes.count("unpublished")
        with self._changed:
            self._drop()


_outbox = Outbox()
put, stop = _outbox.put, _outbox.stop
