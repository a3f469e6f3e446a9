"""The body of a request, whole and unpacked, and never more of it than is allowed."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from widgets.formats import BadPush

Receive = Callable[[], Awaitable[Mapping[str, Any]]]
# What zlib is told of the header to expect.
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
# Each further one copies what is left: a body of nothing but empty ones would take hours.
_MOST_MEMBERS = 64


class Gone(Exception):
    """The sender went away before it had sent everything."""


def too_large(limit: int) -> BadPush:
    return BadPush("", f"the body is larger than {_said(limit)}; send it in parts", 413)


def _said(size: int) -> str:
    return f"{size / 1_048_576:g} MiB" if size >= 1_048_576 else f"{size:,} bytes"


async def read(receive: Receive, declared: str, limit: int, take: Callable[[int], None]) -> bytes:
    """The body as it was sent. BadPush (413) as soon as it is known to be too large.

    `take` is told how long each part is that comes, and may raise.
    """
    if declared.isascii() and declared.isdigit() and int(declared[:20]) > limit:
        raise too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise too_large(limit)
        take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def unpack(body: bytes, encoding: str, limit: int) -> bytes:
    """The body unpacked; a BadPush if it cannot be, or if it were larger than the limit.

    `encoding`: as it was said, in lower case.
    """
    if encoding not in _WINDOWS:
        raise BadPush(
            "Content-Encoding",
            f"{encoding[:40]!r} is not known here; gzip, deflate or none is",
            415,
        )
    parts: list[bytes] = []
    left = limit
    for _ in range(_MOST_MEMBERS):
        # One after another: gzip files may be joined.
        part, body = _inflate(body, _WINDOWS[encoding], left, limit)
        parts.append(part)
        left -= len(part)
        if not body:
            return b"".join(parts)
    raise BadPush("", f"the body is more than {_MOST_MEMBERS} packed ones; send one", 413)


def _inflate(body: bytes, window: int, left: int, limit: int) -> tuple[bytes, bytes]:
    """One member, of so many bytes at most, and what follows it."""
    packed = zlib.decompressobj(window)
    try:
        part = packed.decompress(body, left + 1)
    except zlib.error:
        raise BadPush("", "the body is not packed as its Content-Encoding says") from None
    if len(part) > left:
        raise BadPush("", f"unpacked, the body is larger than {_said(limit)}", 413)
    if not packed.eof:
        raise BadPush("", "the packed body ends too early")
    return part, packed.unused_data
