"""What both servers are tried with: a small application, web processes alone, bare sockets."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from websockets.sync.client import ClientConnection, connect

from e2e.wall import ROOT, Managed, Web, eventually, free_port


class Speaker:
    """The application of e2e/speaker.py on one of the servers."""

    def __init__(self, server: str, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "speaker.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "e2e.speaker", server, str(self.port)],
                cwd=ROOT, env={**os.environ, "WATCHWALL_DATA": str(folder)}, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, 30, "the speaker answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return not refused(self.port)

    def told(self, path: str, what: str) -> list[Any]:
        """All that the socket of this path told under that name, once there is something."""

        def found() -> list[Any]:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/told", timeout=5) as answer:
                return [told[2] for told in json.load(answer) if told[:2] == [path, what]]

        return eventually(found, 10, what)

    @property
    def memory(self) -> int:
        return psutil.Process(self.process.pid).memory_info().rss

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20)
        finally:
            self.process.kill()

    def open(self, path: str, **options: Any) -> ClientConnection:
        url = f"ws://127.0.0.1:{self.port}{path}"
        client: ClientConnection = connect(url, max_size=None, **options)
        return client


def ask(client: ClientConnection, **what: Any) -> None:
    client.send(json.dumps(what))


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


@contextmanager
def raw(port: int, request: str) -> Iterator[socket.socket]:
    """A connection that reads only when told to."""
    with socket.create_connection(("127.0.0.1", port), 10) as client:
        client.sendall(f"{request}Host: 127.0.0.1:{port}\r\n\r\n".encode())
        yield client


@contextmanager
def stalled(speaker: Speaker, path: str, **what: Any) -> Iterator[socket.socket]:
    """A socket that has said something and reads nothing."""
    upgrade = (
        f"GET {path} HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )
    with raw(speaker.port, upgrade) as client:
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(1)
        assert answer.startswith(b"HTTP/1.1 101")
        client.sendall(masked(json.dumps(what).encode()))
        yield client


def masked(payload: bytes, opcode: int = 1) -> bytes:
    """A short frame as a client sends it."""
    mask = b"\x01\x02\x03\x04"
    data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return struct.pack("!BB", 0x80 | opcode, 0x80 | len(payload)) + mask + data


def served(data: Managed, server: str, **environment: str) -> Web:
    """A web process alone, not yet started."""
    log = data.data / f"{server}-{free_port()}.txt"
    return Web({**data.environment, **environment}, log, "serve", "--server", server)
