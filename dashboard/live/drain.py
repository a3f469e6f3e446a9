"""The end of a web process, as its screens see it."""

from __future__ import annotations

import asyncio
import random

from dashboard.live import hub
from dashboard.live.codes import RESTARTING
from widgets import lifecycle


async def drain(spread: float) -> None:
    """Send every screen away, at moments spread over so many seconds; returns after the last.

    So a thousand land on the other processes one after the other. With no screens it returns at
    once. It waits for no reader: the server does, and not for ever.
    """
    lifecycle.stopping.set()
    slots = hub.slots()
    moments = [random.uniform(0, spread) for _ in slots]  # noqa: S311
    loop = asyncio.get_running_loop()
    for slot, moment in zip(slots, moments, strict=True):
        loop.call_later(moment, slot.close, RESTARTING)
    await asyncio.sleep(max(moments, default=0.0))
