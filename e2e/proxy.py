"""A proxy between page and server, which breaks WebSockets and passes everything else."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Literal

REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """`sockets`: what becomes of a WebSocket's handshake; it may be changed at any time."""

    def __init__(self, port: int, sockets: Literal["pass", "refuse", "stall"]) -> None:
        self.sockets = sockets
        self._upstream = port
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        # A thread that accepts is not woken by `close` alone.
        self._listening.shutdown(socket.SHUT_RDWR)
        for one in [self._listening, *self._open]:
            one.close()

    def _start(self, work: object, *args: object) -> None:
        threading.Thread(target=work, args=args, daemon=True).start()  # type: ignore[arg-type]

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                browser, _ = self._listening.accept()
                self._open.append(browser)
                self._start(self._serve, browser)

    def _serve(self, browser: socket.socket) -> None:
        with suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                some = browser.recv(65_536)
                if not some:
                    return
                head += some
            if b"upgrade: websocket" in head.lower() and self.sockets != "pass":
                if self.sockets == "refuse":
                    browser.sendall(REFUSED)
                    browser.close()
                return  # Stalled: the connection is kept, and nothing is said on it.
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                browser.close()
                return
            self._open.append(server)
            server.sendall(head)
            self._start(self._pump, server, browser)
            self._pump(browser, server)

    def _pump(self, source: socket.socket, drain: socket.socket) -> None:
        with suppress(OSError):
            while some := source.recv(65_536):
                drain.sendall(some)
        for one in (source, drain):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
