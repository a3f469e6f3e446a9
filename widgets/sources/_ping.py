"""ICMP echo: RFC 792, and RFC 4443 for IPv6."""

from __future__ import annotations

import asyncio
import secrets
import socket
import struct
import time

from widgets import egress
from widgets.sources import SourceError

# How long an answer is waited for, and how far apart requests are, at least. Seconds.
PATIENCE = 1.0
APART = 0.1
_ECHO = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_PROTOCOL = {socket.AF_INET: socket.IPPROTO_ICMP, socket.AF_INET6: socket.IPPROTO_ICMPV6}
TOKEN = 16


async def ping(family: int, address: tuple[str | int, ...], count: int) -> list[float | None]:
    """Seconds until each of `count` echoes came back; None for one that did not.

    `address` as getaddrinfo gives it. Runs on the I/O loop. OSError where the system or somebody
    on the way says that it cannot be reached, SourceError where pings are not permitted.
    """
    with _socket(family) as sock:
        # The loop's own way to connect, which would look at the address, knows no ICMP.
        egress.check(str(address[0]))
        # Connected, so that the system hands on only what comes from there.
        sock.connect((address[0], 0, *address[2:]))
        found = []
        for number in range(count):
            if number:
                await asyncio.sleep(APART)
            found.append(await _echo(sock, family, number))
    return found


def _socket(family: int) -> socket.socket:
    """One that needs no rights where the system has such, or else one that needs them."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            sock = socket.socket(family, kind, _PROTOCOL[socket.AddressFamily(family)])
        except OSError:
            continue
        sock.setblocking(False)
        return sock
    raise SourceError(
        "this system does not permit Watchwall to ping; on Linux put its group into the sysctl "
        "net.ipv4.ping_group_range, or give it CAP_NET_RAW"
    )


async def _echo(sock: socket.socket, family: int, number: int) -> float | None:
    loop = asyncio.get_running_loop()
    token = secrets.token_bytes(TOKEN)
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            await loop.sock_sendall(sock, request(family, number, token))
            while not is_reply(family, await loop.sock_recv(sock, 1024), token):
                pass  # Another's, or one that comes too late.
    except TimeoutError:
        return None
    return time.perf_counter() - begun


def request(family: int, number: int, token: bytes) -> bytes:
    """An echo request. Its answer is told by the token: systems put in an identifier of theirs."""
    kind = _ECHO[socket.AddressFamily(family)][0]
    bare = struct.pack("!BBHHH", kind, 0, 0, 0, number) + token
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


def is_reply(family: int, packet: bytes, token: bytes) -> bool:
    """Whether this is the answer to the request with the token. Pure; a stranger's bytes."""
    if family == socket.AF_INET and packet[:1] and packet[0] >> 4 == 4:
        # A raw socket, and any on macOS, hands on the header of IPv4 as well.
        packet = packet[(packet[0] & 15) * 4 :]
    answer = _ECHO[socket.AddressFamily(family)][1]
    return packet[:2] == bytes([answer, 0]) and packet[8:] == token


def checksum(packet: bytes) -> int:
    """RFC 1071: the ones' complement of the ones' complement sum of 16-bit words."""
    padded = packet + bytes(len(packet) % 2)
    total: int = sum(word for (word,) in struct.iter_unpack("!H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
