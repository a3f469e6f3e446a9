"""What one socket has yet to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from dashboard.live.outlet import Frame, Outlet
from dashboard.live.receipt import Receipt
from dashboard.live.visitor import Visitor
from widgets import processes

NOBODY = Visitor()


class Slot:
    """The mailbox of one socket; everything but `run` is called on the loop and never waits.

    Where nothing waits and the outlet can take it, a frame is written at once and no task wakes.
    Otherwise the newest fragment of each element takes the place of the one before. So a slow
    reader costs the memory of one board, and delays nobody but itself.
    """

    def __init__(
        self, outlet: Outlet, session: str | None = None, visitor: Visitor = NOBODY
    ) -> None:
        self.session = session
        self.visitor = visitor
        self.receipt = Receipt()
        self._outlet, self._write = outlet, outlet.write
        # Nothing waits and no send is under way, so nothing can be overtaken. Not before `run`.
        self._idle = False
        self._parts: dict[str, str] = {}
        self._ready: Frame | None = None
        self._heartbeat: Frame | None = None
        self._close_code = 0
        self._wake = asyncio.Event()

    def put(self, parts: Mapping[str, str], frame: Frame) -> None:
        """Have these fragments sent, by element; `frame` is all of them.

        Whoever has nothing else waiting is sent that very frame, which thousands share.
        """
        receipt, version = self.receipt, frame.version
        # The commonest case of `hand`, without the call: something older is awaited already.
        if 0 < receipt.awaited <= version:
            receipt.handed = version
        elif version != receipt.handed:
            receipt.hand(version, frame.made)
        if self._idle and self._write(frame):
            return
        if "wall" in parts:
            # The grid holds every tile as it is now; an older fragment of one must not follow.
            replaced = len(self._parts)
            self._parts.clear()
        else:
            replaced = len(self._parts.keys() & parts.keys())
        if replaced:
            processes.count("overwrites", replaced)
        self._ready = None if self._parts else frame
        self._parts.update(parts)
        self._work()

    @property
    def waits(self) -> bool:
        """Something waits for a send that is under way."""
        return bool(self._parts)

    def beat(self, heartbeat: Frame) -> None:
        """Have a heartbeat sent; an older one that still waits is worth nothing."""
        if not (self._idle and self._write(heartbeat)):
            self._heartbeat = heartbeat
            self._work()

    def close(self, code: int) -> None:
        """Close the socket with this code, 3000 to 4999."""
        self._close_code = code
        self._work()

    async def run(self) -> None:
        """Send what waits until the socket is closed or gone; the one task that writes to it."""
        # Servers answer with an OSError where the screen has gone; its consumer hears of it too.
        with suppress(OSError):
            while not self._close_code:
                while not self._close_code and (frame := self._next()):
                    await self._outlet.send(frame)
                if not self._close_code:
                    self._idle = True
                    await self._wake.wait()
                    self._wake.clear()
            await self._outlet.close(self._close_code)

    def _work(self) -> None:
        self._idle = False
        self._wake.set()

    def _next(self) -> Frame | None:
        if self._heartbeat:
            frame, self._heartbeat = self._heartbeat, None
            return frame
        if not self._parts:
            return None
        frame = self._ready or Frame("".join(self._parts.values()))
        self._ready = None
        self._parts.clear()
        return frame
