"""What the benchmark of pushes sends: requests that are whole before the clock runs."""

from __future__ import annotations

import itertools
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import cramjam

HOSTS = 100
# So many samples: sample n is of host n % HOSTS, at moment n // HOSTS, which are a second apart.
Samples = range


def moment(n: int, base: int) -> int:
    """When it was, ms; `base` in s."""
    return (base + n // HOSTS) * 1000


def value(n: int) -> float:
    return n % 977 / 8


def line_protocol(feed: str, samples: Samples, base: int) -> tuple[str, bytes, str]:
    lines = [f"{feed},host=h{n % HOSTS} value={value(n)} {moment(n, base)}\n" for n in samples]
    return "/write?db=bench&precision=ms", "".join(lines).encode(), ""


def own_json(feed: str, samples: Samples, base: int) -> tuple[str, bytes, str]:
    at: dict[int, dict[str, float]] = {}
    for n in samples:
        seconds = moment(n, base) // 1000
        at.setdefault(n // HOSTS, {"time": seconds})[f"value{{host=h{n % HOSTS}}}"] = value(n)
    readings = list(at.values())
    body = readings if len(readings) > 1 else readings[0]
    return f"/api/feeds/{feed}", json.dumps(body).encode(), "Content-Type: application/json\r\n"


def remote_write(feed: str, samples: Samples, base: int) -> tuple[str, bytes, str]:
    series = (
        _label("__name__", feed)
        + _label("host", f"h{n % HOSTS}")
        + _field(2, b"\x09" + struct.pack("<d", value(n)) + b"\x10" + _varint(moment(n, base)))
        for n in samples
    )
    packed = bytes(cramjam.snappy.compress_raw(b"".join(_field(1, one) for one in series)))
    headers = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
    return "/api/v1/write", packed, headers


def _label(name: str, text: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, text.encode()))


def _field(number: int, body: bytes) -> bytes:
    """A field of protobuf: bytes, text or a message."""
    return bytes([number << 3 | 2]) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


Format = Callable[[str, Samples, int], tuple[str, bytes, str]]
FORMATS: dict[str, Format] = {
    "line protocol": line_protocol,
    "remote write": remote_write,
    "own JSON": own_json,
}


def requests(form: Format, feed: str, token: str, batch: int, count: int) -> Iterator[bytes]:
    """One that makes every series, and then so many of `batch` samples each."""
    # As old as the feed still keeps, whatever comes of it, and never ahead.
    base = int(time.time()) - (batch * count + HOSTS) // HOSTS - 60
    cuts = [0, HOSTS, *(HOSTS + batch * (i + 1) for i in range(count))]
    for start, end in itertools.pairwise(cuts):
        path, body, headers = form(feed, range(start, end), base)
        head = f"POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{headers}"
        yield f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def send(port: int, sent: Sequence[bytes], senders: int) -> float:
    """Send them all from so many senders, each on a connection that it keeps; how long, s.

    Each waits for its answer before it sends its next. RuntimeError if one is not taken.
    """
    failed: list[str] = []
    barrier = threading.Barrier(senders + 1)

    def run(mine: Sequence[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            barrier.wait()
            for request in mine:
                connection.sendall(request)
                if (said := _answer(connection)) and not failed:
                    failed.append(said)
                    return

    threads = [threading.Thread(target=run, args=[sent[i::senders]]) for i in range(senders)]
    for thread in threads:
        thread.start()
    barrier.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    if failed:
        raise RuntimeError(f"not taken: {failed[0]}")
    return elapsed


def _answer(connection: socket.socket) -> str:
    """Read one answer; what it says if it is no success."""
    said = b""
    while b"\r\n\r\n" not in said:
        said += _more(connection)
    head, _, body = said.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    length = next((int(x.split(b":")[1]) for x in lines if x.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += _more(connection)
    return "" if head.startswith(b"HTTP/1.1 2") else said.decode("utf-8", "replace")


def _more(connection: socket.socket) -> bytes:
    if not (part := connection.recv(65_536)):
        raise RuntimeError("the server closed the connection")
    return part
