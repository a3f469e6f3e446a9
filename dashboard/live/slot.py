"""What one socket has yet to be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Send = Callable[[dict[str, object]], Awaitable[None]]


class Slot:
    """The mailbox of one socket; everything but `run` is called on the loop and never waits.

    While a send is under way the newest fragment of each element takes the place of the one
    before. So a slow reader costs the memory of one board, and delays nobody but itself.
    """

    def __init__(self, send: Send, session: str | None = None) -> None:
        self.session = session
        self._send = send
        self._parts: dict[str, str] = {}
        self._ready = ""
        self._heartbeat = ""
        self._close_code = 0
        self._wake = asyncio.Event()

    def put(self, parts: Mapping[str, str], text: str) -> None:
        """Have these fragments sent, by element; `text` is all of them as one frame.

        Whoever has nothing else waiting is sent that very text, which thousands share.
        """
        if "wall" in parts:
            # The grid holds every tile as it is now; an older fragment of one must not follow.
            self._parts.clear()
        self._ready = "" if self._parts else text
        self._parts.update(parts)
        self._wake.set()

    @property
    def behind(self) -> bool:
        """Something waits for a send that is under way."""
        return bool(self._parts)

    def beat(self, heartbeat: str) -> None:
        """Have a heartbeat sent; an older one that still waits is worth nothing."""
        self._heartbeat = heartbeat
        self._wake.set()

    def close(self, code: int) -> None:
        """Close the socket with this code, 3000 to 4999."""
        self._close_code = code
        self._wake.set()

    async def run(self) -> None:
        """Send what there is until the socket is closed; the one task that writes to it."""
        while not self._close_code:
            await self._wake.wait()
            self._wake.clear()
            while not self._close_code and (text := self._next()):
                await self._send({"type": "websocket.send", "text": text})
        await self._send({"type": "websocket.close", "code": self._close_code})

    def _next(self) -> str:
        if self._heartbeat:
            text, self._heartbeat = self._heartbeat, ""
            return text
        text = self._ready or "".join(self._parts.values())
        self._ready = ""
        self._parts.clear()
        return text
