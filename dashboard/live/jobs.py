"""Jobs that run as long as the process."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

# One that failed begins again after this (s).
PAUSE = 1.0


async def supervise(name: str, job: Callable[[], Awaitable[None]]) -> None:
    """Run a job that should never end, again and again."""
    while True:
        try:
            await job()
        # Broad: whatever went wrong, a hub that stands still is a wall that lies.
        except Exception:
            logger.exception("The hub's %s failed; it begins again", name)
        await asyncio.sleep(PAUSE)
