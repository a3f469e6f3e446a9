"""A screen without a browser: a socket that comes back as a page does."""

from __future__ import annotations

import re
import ssl
import threading
import time
from collections.abc import Sequence
from itertools import pairwise

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

VALUE = re.compile(r'class="value[^"]*">\s*(\d+)')
# As static/live.js: told to go elsewhere it goes at once, and otherwise after so long at most.
LEAVING = 4503
AT_ONCE, LATER = 0.05, 1.5  # s


class Screen:
    """Notes each new number of a board with one stat, and when it came (`seen`, monotonic s).

    `ends` are the codes with which its sockets were closed.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self.url = url
        self.seen: list[tuple[float, int]] = []
        self.ends: list[int] = []
        self._tls = tls
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def newest(self) -> int:
        return self.seen[-1][1] if self.seen else 0

    def close(self) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        wait = 0.0
        while not self._over.wait(wait):
            wait = LATER
            try:
                with connect(self.url, ssl=self._tls, open_timeout=3) as socket:
                    self._look(socket)
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else 1006
                self.ends.append(code)
                wait = AT_ONCE if code == LEAVING else LATER
            except (OSError, WebSocketException):
                self.ends.append(0)

    def _look(self, socket: ClientConnection) -> None:
        while not self._over.is_set():
            try:
                text = socket.recv(0.5)
            except TimeoutError:
                continue
            value = VALUE.search(str(text))
            if value and int(value[1]) != self.newest:
                self.seen.append((time.monotonic(), int(value[1])))


def longest_silence(moments: Sequence[float]) -> float:
    """The longest time between two of them (s)."""
    return max(later - earlier for earlier, later in pairwise(moments))
