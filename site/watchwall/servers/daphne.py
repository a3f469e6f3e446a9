"""Daphne, with what it lacks: it waits for slow readers, writes a ready frame, ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

# Before Twisted's reactor, which it chooses.
from autobahn.websocket import protocol as autobahn
from daphne import http_protocol, server
from daphne.endpoints import build_endpoint_description_strings
from daphne.http_protocol import WebRequest
from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.internet.tcp import Connection
from twisted.web import http
from zope.interface import implementer  # type: ignore[import-untyped]

from dashboard.live.drain import drain
from dashboard.live.outlet import WRITE, Frame
from watchwall.servers import BACKLOG, MOST_RECEIVED, PATIENCE

# autobahn writes out all its settings for each new connection, for a log that nobody reads: a third
# of what letting in a socket costs.
autobahn.pformat = repr  # type: ignore[assignment, attr-defined]


class Request(WebRequest):  # type: ignore[misc]  # daphne has no types
    """One request. Twisted takes its whole body in, into a file, before anybody is asked who sends
    it; here only so much that whoever answers sees that it is too large."""

    def handleContentChunk(self, data: bytes) -> None:
        room = settings.PUSH_LIMIT + 1 - self.content.tell()
        super().handleContentChunk(data[: max(room, 0)])


# The factory finds it by this name, and takes no other.
http_protocol.WebRequest = Request
# Some names of Twisted's module are deprecated, and it looks through them whenever any is used.
http_protocol.http = SimpleNamespace(
    Request=http.Request, HTTPFactory=http.HTTPFactory, H2_ENABLED=http.H2_ENABLED
)


@implementer(IPushProducer)
class Gate:
    """Open while a connection takes what is written; Twisted shuts it at 64 kB not yet sent."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.opened.set()

    def pauseProducing(self) -> None:
        self.opened.clear()

    def resumeProducing(self) -> None:
        self.opened.set()

    def stopProducing(self) -> None:
        # The connection is gone, and nobody must wait for it.
        self.opened.set()


class Protocol(WebSocketProtocol):  # type: ignore[misc]  # daphne has no types
    """One WebSocket. Daphne's own keeps whatever a stalled reader does not take, without bound."""

    gate: Gate | None = None

    def onOpen(self) -> None:
        super().onOpen()
        self.gate = Gate()
        # Until here it was HTTP's, whose pressure stops reading and not writing.
        self.unregisterProducer()
        self.registerProducer(self.gate, True)

    def write_at_once(self, frame: Frame) -> bool:
        """Write it, if the socket is open and nothing is buffered before it."""
        transport = self.transport
        if (
            self.state != self.STATE_OPEN
            or self.send_queue
            # Not where TLS stands between: what it buffers does not show here.
            or type(transport).writeSomeData is not Connection.writeSomeData
            or transport.dataBuffer
            or transport._tempDataBuffer
            or transport.disconnecting
        ):
            return False
        # Twisted's `write` only buffers, and sends on the reactor's next turn, with a call of
        # select's for each socket between.
        data = frame.websocket
        sent = transport.writeSomeData(data)
        if not isinstance(sent, int):
            return False  # The connection is lost; Twisted finds that out by itself.
        if sent < len(data):
            transport.write(data[sent:])
        return True

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        """Buffer a text; autobahn's own refuses one that is larger than what may be received."""
        if binary or not isinstance(content, str):
            super().serverSend(content, binary)
        elif self.state == self.STATE_OPEN:
            self.transport.write(Frame(content).websocket)


class Server(server.Server):  # type: ignore[misc]  # daphne has no types
    """Lends each socket its `write_at_once`, waits in `send` for readers, and drains at the end."""

    def __init__(self, *args: Any, stop: Callable[[], None], spread: float, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stop_rest = stop
        self.spread = spread
        self.ports: list[Any] = []

    def listen_success(self, port: Any) -> None:
        super().listen_success(port)
        self.ports.append(port)
        self.ws_factory.protocol = Protocol
        # Twisted writes a line for each request, for a log that nobody reads.
        self.http_factory.log = lambda request: None

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> Any:
        if isinstance(protocol, Protocol):
            scope["extensions"] = {WRITE: protocol.write_at_once}
        return super().create_application(protocol, scope)

    async def handle_reply(self, protocol: Any, message: dict[str, Any]) -> None:
        gate = getattr(protocol, "gate", None)
        if isinstance(protocol, WebRequest) and message["type"] == "http.response.body":
            gate = _gate_of_stream(protocol, message)
        # Not before a close: that is one small frame, and the end of it.
        if gate and message["type"] != "websocket.close":
            await gate.opened.wait()
        await super().handle_reply(protocol, message)

    def kill_all_applications(self) -> Deferred[None]:
        """Called before the reactor ends, which waits for it."""
        return Deferred.fromFuture(asyncio.ensure_future(self._end()))

    async def _end(self) -> None:
        for port in self.ports:
            # At once: whoever is refused here asks another process, and so does a proxy.
            port.stopListening()
        await drain(self.spread)
        running = self._running()
        if running:
            await asyncio.wait(running, timeout=PATIENCE)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        # What was in flight is recorded before anything else goes away.
        await asyncio.to_thread(self.stop_rest)

    def _running(self) -> list[asyncio.Future[Any]]:
        """Daphne's own end supposes that every connection has an application; a new one has not."""
        found = [details.get("application_instance") for details in self.connections.values()]
        return [task for task in found if task is not None and not task.done()]


def _gate_of_stream(request: Any, message: dict[str, Any]) -> Gate | None:
    """The gate of an answer that comes in parts; the last part takes it away."""
    gate: Gate | None = getattr(request, "gate", None)
    if message.get("more_body"):
        if gate is None and not request.finished and request.channel is not None:
            gate = request.gate = Gate()
            request.registerProducer(gate, True)
    elif gate is not None:
        request.gate = None
        if request.channel is not None:
            request.unregisterProducer()
        return None
    return gate


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
    endpoints = build_endpoint_description_strings(host=host, port=port)
    Server(
        application=application,
        endpoints=[f"{endpoint}:backlog={BACKLOG}" for endpoint in endpoints],
        server_name="watchwall",
        # Its own 8 kB make two thousand messages of a large body.
        request_buffer_size=262_144,
        websocket_timeout=settings.SOCKET_LIFE,
        # Of a thousand at once the last is let in late, and dropping it would only bring it back.
        websocket_handshake_timeout=20,
        websocket_max_message_size=MOST_RECEIVED,
        websocket_max_frame_size=MOST_RECEIVED,
        ready_callable=ready,
        stop=stop,
        spread=spread,
    ).run()
