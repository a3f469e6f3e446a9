"""A cable between a page and its server, to be cut, and the kind of proxy that breaks sockets."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Literal

REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
Sockets = Literal["pass", "refuse", "stall"]


class Relay:
    """Passes each connection on to the first of some ports that takes it.

    `stall`: nothing passes any more, in either direction, and new connections hang. `reset`: what
    there is breaks off, and what comes anew passes again.

    `sockets`: what becomes of the handshake of a WebSocket, as some proxies have it.
    """

    def __init__(self, *ports: int, sockets: Sockets = "pass") -> None:
        self.ports = ports
        self.sockets = sockets
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._open: set[asyncio.StreamWriter] = set()
        self.port: int = self._run(self._listen())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stall(self) -> None:
        self._loop.call_soon_threadsafe(self._passing.clear)

    def reset(self) -> None:
        self._run(self._reset())

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> int:
        self._passing = asyncio.Event()
        self._passing.set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1024)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _reset(self) -> None:
        for writer in self._open:
            _break_off(writer)
        self._passing.set()

    async def _end(self) -> None:
        self._server.close()
        # Not cancelled, which asyncio's streams would complain of: each ends with its connection.
        self._passing.set()
        for writer in self._open:
            writer.transport.abort()
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=5)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            await self._passing.wait()
            with suppress(asyncio.IncompleteReadError, OSError):
                head = await reader.readuntil(b"\r\n\r\n")
                if self.sockets != "pass" and b"upgrade: websocket" in head.lower():
                    await self._break_handshake(reader, writer)
                elif there := await self._reach():
                    there[1].write(head)
                    await self._join((reader, writer), there)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _break_handshake(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.sockets == "refuse":
            writer.write(REFUSED)
            await writer.drain()
        else:
            await reader.read()  # Nothing is said until the page gives up.

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for port in self.ports:
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
        return None

    async def _join(
        self,
        here: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        there: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._open.add(there[1])
        try:
            await asyncio.gather(self._pump(here[0], there[1]), self._pump(there[0], here[1]))
        finally:
            self._open.discard(there[1])
            there[1].transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        # The other end sees it, ends as well, and so the other direction does.
        writer.transport.close()


def _break_off(writer: asyncio.StreamWriter) -> None:
    """With a reset (RST), as a device does that has forgotten the connection."""
    there = writer.get_extra_info("socket")
    there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
