"""Whether this machine itself is cut off: it asks the anchors that WATCHWALL_ANCHORS names.

Without anchors nobody is asked, and a target that gives no answer is down. Each process asks for
itself; nothing is kept but the last answer of all, for a moment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from widgets.egress import Refused

# An anchor that has not answered by then does not count. Seconds.
PATIENCE = 2.0
# A hundred feeds that fail at once need not ask a hundred times. Seconds.
REMEMBERED = 3.0

Anchor = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of asking one anchor: seconds until it answered, or why it did not."""

    anchor: str
    latency: float | None
    reason: str = ""


async def ask(anchors: Sequence[Anchor]) -> list[Found]:
    """Connect to each anchor by TCP, all at once. One that refuses has answered.

    Runs on the I/O loop. Raises Refused for one that WATCHWALL_EGRESS does not allow.
    """
    return list(await asyncio.gather(*(_ask(host, port) for host, port in anchors)))


async def _ask(host: str, port: int) -> Found:
    name = f"{host}:{port}"
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
        writer.transport.abort()
    except Refused:
        raise
    except ConnectionError:
        pass  # It said no: it was reached.
    except TimeoutError:
        return Found(name, None, f"no answer within {PATIENCE:g} s")
    except OSError as error:
        return Found(name, None, (error.strerror or str(error)).lower())
    return Found(name, time.perf_counter() - begun)


_last: tuple[float, Sequence[Anchor], bool] | None = None
_asking: asyncio.Future[bool] | None = None


async def cut_off() -> bool:
    """Whether anchors are named and none of them answers. Runs on the I/O loop."""
    global _asking
    anchors: list[Anchor] = settings.ANCHORS
    if not anchors:
        return False
    if _last and _last[1] == anchors and time.monotonic() - _last[0] < REMEMBERED:
        return _last[2]
    loop = asyncio.get_running_loop()
    if _asking is None or _asking.done() or _asking.get_loop() is not loop:
        _asking = asyncio.ensure_future(_none_answers(anchors))
    # Whoever asked first may be cut off; the others still wait for it.
    return await asyncio.shield(_asking)


async def _none_answers(anchors: list[Anchor]) -> bool:
    global _last
    try:
        found = await ask(anchors)
    except Refused:
        # It may not be asked, so nothing can be told by it; the source `connectivity` says so.
        return False
    none = all(one.latency is None for one in found)
    _last = time.monotonic(), anchors, none
    return none


def names() -> str:
    """The anchors, as an error names them."""
    return ", ".join(f"{host}:{port}" for host, port in settings.ANCHORS)
