"""The limit: a bare asyncio writer with a ready-made frame. `python -m bench.peers.bare PORT`."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
ready: set[asyncio.Transport] = set()


class Socket(asyncio.Protocol):
    """Answers the handshake; what comes after it is not even read as frames."""

    transport: asyncio.Transport
    request = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.transport in ready:
            return
        self.request += data
        if self.request.endswith(b"\r\n\r\n"):
            key = self.request.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0]
            accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest())
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"
            )
            ready.add(self.transport)

    def connection_lost(self, error: Exception | None) -> None:
        ready.discard(self.transport)


def frame(payload: bytes) -> bytes:
    """One unmasked text frame of 126 to 65,535 bytes."""
    return b"\x81\x7e" + len(payload).to_bytes(2, "big") + payload


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_server(Socket, "127.0.0.1", port, backlog=4096)
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        made = frame(line.rstrip(b"\n"))
        for transport in ready:
            transport.write(made)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
