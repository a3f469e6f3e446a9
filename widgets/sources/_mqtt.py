"""One connection to an MQTT broker, kept by the thread that listens."""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from widgets import egress
from widgets.sources import SourceError
from widgets.sources._http import system_words

# s
CONNECT = 10.0
KEEPALIVE = 60
# So many messages are handed on together at most.
MOST_AT_ONCE = 500
_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it is and who asks. `context` for TLS; None for none."""

    host: str
    port: int
    client: str
    user: str
    password: str
    context: ssl.SSLContext | None

    def __str__(self) -> str:
        return f"the broker at {self.host}:{self.port}"


class _Buffered:
    """A socket that is read in large pieces: the library asks for a byte or two at a time."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._read = b""
        self._at = 0
        self.send = sock.send
        self.close = sock.close
        self.fileno = sock.fileno
        self.setblocking = sock.setblocking

    def recv(self, size: int) -> bytes:
        if self._at == len(self._read):
            self._read, self._at = self._sock.recv(_BYTES), 0
        found = self._read[self._at : self._at + size]
        self._at += len(found)
        return found

    def pending(self) -> int:
        """How many bytes are at hand, of which a selector knows nothing."""
        within_tls: int = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return len(self._read) - self._at + within_tls


class _Client(Client):
    """The library's own, over a socket of ours; the tests of egress and of TLS hold the method."""

    def __init__(self, broker: Broker, *, lasting: bool) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client,
            clean_session=not lasting,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._broker = broker
        if broker.user:
            self.username_pw_set(broker.user, broker.password)

    def _create_socket(self) -> _Buffered:
        there, context = self._broker, self._broker.context
        sock = egress.connect(there.host, there.port, CONNECT)
        # Acknowledgements are small, and the broker sends nothing more until it has them.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return _Buffered(sock)
        return _Buffered(context.wrap_socket(sock, server_hostname=there.host))


class Connection:
    """From being opened to its end; there is another one after that.

    Every method belongs to one thread, except `stored`. `on_message` is called by `turn`. Raises
    SourceError when the connection is lost, or is not to be had.
    """

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        on_message: Callable[[MQTTMessage], None],
        *,
        lasting: bool = True,
    ) -> None:
        self.broker = broker
        self.subscribed = False
        # How many messages the broker was told of that they are stored.
        self.acknowledged = 0
        self._topics = topics
        self._refused = ""
        self._opened = time.monotonic()
        # The ids of messages that are stored, from the writer's thread. Those of a connection that
        # has ended stay with it: a broker may give the same id to another message afterwards.
        self._stored: deque[int] = deque()
        self._selector = selectors.DefaultSelector()
        self._woken, self._wake = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._client = _Client(broker, lasting=lasting)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = lambda client, data, message: on_message(message)

    def open(self) -> None:
        try:
            self._client.connect(self.broker.host, self.broker.port, KEEPALIVE)
        except (OSError, ValueError) as error:  # ValueError: a name that cannot be one.
            raise SourceError(f"{self.broker}: {_why(error)}") from None
        self._selector.register(self._socket(), selectors.EVENT_READ)

    def turn(self, within: float) -> None:
        """Read what there is, wait for it for so many seconds at most, and say what is stored."""
        sock = self._socket()
        if not sock.pending():
            self._wait(sock, within)
        for _ in range(MOST_AT_ONCE):
            self._check(self._client.loop_read())
            if not self._socket().pending():
                break
        self.acknowledge()
        self._check(self._client.loop_misc())
        if not self.subscribed and time.monotonic() > self._opened + CONNECT:
            raise SourceError(f"{self.broker}: no answer within {CONNECT:g} s")

    def stored(self, messages: Sequence[int]) -> None:
        """These are in the database. For the writer's thread: it only notes them."""
        self._stored.extend(messages)
        # Full: it is awake already. Closed: the connection has ended, and they come again.
        with suppress(OSError):
            self._wake.send(b"\0")

    def acknowledge(self) -> None:
        """Tell the broker what is stored."""
        while self._stored:
            self._client.ack(self._stored.popleft(), 1)
            self.acknowledged += 1
        if self._client.want_write():
            self._check(self._client.loop_write())

    def close(self) -> None:
        """Say goodbye, if somebody is there."""
        with suppress(OSError):
            self._client.disconnect()
        self._selector.close()
        self._woken.close()
        self._wake.close()

    def _socket(self) -> _Buffered:
        sock = self._client.socket()
        if sock is None:
            raise SourceError(f"{self.broker}: the connection was lost")
        assert isinstance(sock, _Buffered)
        return sock

    def _wait(self, sock: _Buffered, within: float) -> None:
        wanted = selectors.EVENT_READ
        if self._client.want_write():
            wanted |= selectors.EVENT_WRITE
        if self._selector.get_key(sock).events != wanted:
            self._selector.modify(sock, wanted)
        for key, _ in self._selector.select(within):
            if key.fileobj is self._woken:
                self._woken.recv(_BYTES)

    def _check(self, code: MQTTErrorCode) -> None:
        if self._refused:
            raise SourceError(f"{self.broker} {self._refused}")
        if code:
            said = error_string(code).rstrip(".")
            raise SourceError(f"{self.broker}: {said[:1].lower()}{said[1:]}")

    def _connected(
        self,
        client: Client,
        data: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refused = f"refuses: {str(reason).lower()}"
        else:
            client.subscribe([(topic, 1) for topic in self._topics])

    def _subscribed(
        self,
        client: Client,
        data: Any,
        message: int,
        reasons: Sequence[ReasonCode],
        properties: Properties | None,
    ) -> None:
        for topic, reason in zip(self._topics, reasons, strict=False):
            if reason.is_failure:
                self._refused = f"does not let {topic} be subscribed to"
                return
        self.subscribed = True


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, egress.Refused):
        return error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no TLS is spoken there: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT:g} s"
    if isinstance(error, OSError):
        return system_words(error)
    return str(error)
