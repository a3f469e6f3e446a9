"""What a slot writes to, and the frame that it writes: made once for however many it goes to."""

from __future__ import annotations

import re
import struct
from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any, Protocol

from widgets import clock

LINE = re.compile(r"\r\n|\r|\n")
# The name under which our servers lend a socket's `write` in its ASGI scope.
WRITE = "watchwall.write"

Send = Callable[[dict[str, Any]], Awaitable[None]]
Write = Callable[["Frame"], bool]


class Frame:
    """A text for many sockets; each encoding is made when first asked for, and once.

    `version`: the newest that a screen shows when it has painted this; 0 if that changes nothing.
    `made`: when it was, µs.
    """

    def __init__(self, text: str, version: int = 0) -> None:
        self.text = text
        self.version = version
        self.made = clock.now()

    @cached_property
    def websocket(self) -> bytes:
        """A whole text frame as a server sends it, unmasked and not compressed (RFC 6455, 5.2)."""
        # Replaced and not refused: one half of a character pair must not silence a whole board.
        payload = self.text.encode(errors="replace")
        size = len(payload)
        if size < 126:
            return struct.pack("!BB", 0x81, size) + payload
        if size < 65_536:
            return struct.pack("!BBH", 0x81, 126, size) + payload
        return struct.pack("!BBQ", 0x81, 127, size) + payload

    @cached_property
    def events(self) -> bytes:
        """A message of server-sent events: a field for each line, and an empty one at the end."""
        lines = "".join(f"data: {line}\n" for line in LINE.split(self.text))
        return f"{lines}\n".encode(errors="replace")


class Outlet(Protocol):
    """The way to one screen. It belongs to one slot, and is used on the server's loop only."""

    def write(self, frame: Frame) -> bool:
        """Write at once, if nothing at all is buffered; False: nothing was written."""
        ...

    async def send(self, frame: Frame) -> None:
        """Write, and wait while the reader cannot take more."""
        ...

    async def close(self, code: int) -> None:
        """Tell the screen to go, and why."""
        ...


class SocketOutlet:
    """A WebSocket. Where the server lends its `write`, an idle socket costs no task."""

    def __init__(self, send: Send, scope: dict[str, Any]) -> None:
        self._send = send
        # Not called by a method of ours: one call less for each screen and each change.
        self.write: Write = scope.get("extensions", {}).get(WRITE, _cannot)

    async def send(self, frame: Frame) -> None:
        await self._send({"type": "websocket.send", "text": frame.text})

    async def close(self, code: int) -> None:
        await self._send({"type": "websocket.close", "code": code})


def _cannot(frame: Frame) -> bool:
    return False
