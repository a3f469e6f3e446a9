"""What a body of a few bytes an item becomes: refused, within a bounded memory and time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from e2e.wall import ROOT

MIB = 1_048_576
MOST = 1_000 * MIB  # of address space on top of what the process has
SIZE = 16 * MIB  # the limit of a body
# Decodes each body in a fork that gets no more memory than that, and prints what is said of it.
DECODE = f"""
import os, resource, sys
import django
django.setup()
from widgets.formats import Request, formats
from widgets.push.door import Tally, gathered
while head := sys.stdin.buffer.readline().decode().split():
    slug, kind, length = head
    body = sys.stdin.buffer.read(int(length))
    if child := os.fork():
        if os.waitpid(child, 0)[1]:
            print("it died", flush=True)
        continue
    held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + {MOST},) * 2)
    request = Request("POST", "/x", 1_780_315_230_000_000, {{"name": "x", "id": "x"}}, {{}},
                      {{"content-type": kind}}, "x")
    tally = Tally()
    taken = gathered(formats[slug].decode(body, request), tally)
    print(len(taken), tally.result().message, flush=True)
    os._exit(0)
"""


@pytest.fixture(scope="module")
def decoder() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", DECODE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "watchwall.settings", "PYTHONPATH": "site"},
    )  # fmt: skip
    with process:
        yield process
        process.kill()


def field(number: int, body: bytes) -> bytes:
    """A field of protobuf that holds a message."""
    length, found = len(body), bytearray([number << 3 | 2])
    while length > 127:
        found.append(length & 127 | 128)
        length >>= 7
    return bytes(found) + bytes([length]) + body


def filled(before: bytes, item: bytes, after: bytes) -> bytes:
    """As many items between the two as a body may have."""
    return before + item * ((SIZE - len(before) - len(after)) // len(item)) + after


EMPTY = b"\x0a\0" * (SIZE // 2 - 20)
BOMBS = {
    "objects": ("json", b"[" + filled(b"", b"{},", b"{}]"), "more than 1,000,000 objects"),
    "numbers": ("json", filled(b"[", b"1,", b"1]"), "more than 100,000 items in one body"),
    "points": ("smashing", filled(b'{"points":[', b"{},", b"{}]}"), "more than 1,000,000 objects"),
    "alerts": ("alertmanager", filled(b'{"alerts":[', b"0,", b"0]}"), "2,000 is the most"),
    "series": ("prometheus", EMPTY, "more than 100,000 items"),
    "labels": ("prometheus", field(1, EMPTY), "64 is the most"),
    "metrics": ("otlp", field(1, field(2, EMPTY.replace(b"\x0a", b"\x12"))), "100,000 items"),
    "attributes": ("otlp", field(1, field(1, EMPTY)), "64 is the most"),
    "lines": ("influx", filled(b"", b"m v=1\n", b""), "more than 100,000 numbers"),
    "fields": ("influx", filled(b"m ", b"v=1,", b"v=1"), "more than 2,000 fields"),
    "resources": ("otlp+json", filled(b'{"resourceMetrics":[', b"{},", b"{}]}"), "1,000,000"),
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_body_of_nothing_but_items_is_refused_within_its_memory(
    decoder: subprocess.Popen[bytes], name: str
) -> None:
    slug, body, said = BOMBS[name]
    slug, _, kind = slug.partition("+")
    assert decoder.stdin and decoder.stdout  # noqa: PT018

    decoder.stdin.write(f"{slug} application/{kind or 'x'} {len(body)}\n".encode() + body)
    decoder.stdin.flush()
    answer = decoder.stdout.readline().decode()

    assert answer.startswith("0 ")
    assert said in answer
