"""uvicorn, for thousands of screens: a ready frame is written straight to the transport."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import frames

from dashboard.live.drain import drain
from dashboard.live.outlet import WRITE, Frame
from watchwall.servers import BACKLOG, MOST_RECEIVED, PATIENCE


class Protocol(WebSocketsSansIOProtocol):
    """One WebSocket. Its `send` waits for slow readers by itself."""

    # Nothing is buffered, and neither side has closed the connection.
    _free = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # So that `pause_writing` is called for the first byte that the kernel does not take.
        self.transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._free = False

    def resume_writing(self) -> None:
        super().resume_writing()
        self._free = not self.transport.is_closing()

    def handle_close(self, event: frames.Frame) -> None:
        super().handle_close(event)
        self._free = False

    def shutdown(self) -> None:
        super().shutdown()
        self._free = False

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._free = False

    async def run_asgi(self) -> None:
        # uvicorn's type lists the extensions that ASGI knows.
        self.scope["extensions"][WRITE] = self.write_at_once  # type: ignore[assignment]
        await super().run_asgi()

    def write_at_once(self, frame: Frame) -> bool:
        """Write it, if the socket is open and nothing is buffered before it."""
        # No call but the one that writes: it is made for each screen and each change.
        if not self._free or self.close_sent or not self.handshake_complete:
            return False
        self.transport.write(frame.websocket)
        return True

    def keepalive_timeout(self) -> None:
        """Whoever answers no ping reads no farewell either: waiting for it would be for ever."""
        super().keepalive_timeout()
        self.transport.abort()


class Server(uvicorn.Server):
    """Says when it listens, drains at the end, and then ends with 0."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], spread: float) -> None:
        super().__init__(config)
        self.ready = ready
        self.spread = spread

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn would keep the signal and raise it again in the end, as if it had been killed.
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            # At once: whoever is refused here asks another process, and so does a proxy.
            server.close()
        await drain(self.spread)
        await super().shutdown(sockets)


def config(application: Any, host: str, port: int) -> uvicorn.Config:
    """What uvicorn is told, where its own choice is another."""
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        backlog=BACKLOG,
        loop="asyncio",
        http="httptools",
        ws=Protocol,
        # A frame is made once for all sockets; compressed for each, it would be made for each.
        ws_per_message_deflate=False,
        ws_max_size=MOST_RECEIVED,
        lifespan="off",
        # Django reads what a proxy says, where WATCHWALL_PROXY tells it to.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=PATIENCE,
    )


def serve(
    application: Any,
    host: str,
    port: int,
    ready: Callable[[], None],
    stop: Callable[[], None],
    spread: float,
) -> None:
    """Serve until SIGINT or SIGTERM; `ready` runs first, and `stop` after the last request.

    `spread`: over how many seconds the screens are sent away.
    """
    Server(config(application, host, port), ready, spread).run()
    stop()
