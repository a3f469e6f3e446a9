"""Where this process may connect to: the networks that WATCHWALL_EGRESS names.

The I/O loop asks for every address that it is about to connect to, so a name is resolved once and
what was checked is what is connected to; so is every hop of a redirect, and whatever library
opens the connection. Only what runs outside the loop asks by itself: a source that is a plain
`def` and opens connections. Two such are exempt, since the operator names in the environment
where they go: `sql`, and the programs of `plugin`. The system's own name servers are, too.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from django.conf import settings

Network = IPv4Network | IPv6Network


class Refused(OSError):
    """An address outside the networks. `reason` names the address.

    Its text is the same for every address: where a name has several, asyncio and aiohttp give one
    error only if all of them say the same.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return "refused by WATCHWALL_EGRESS"


def check(address: str) -> None:
    """Raise Refused unless the address (never a name) is in an allowed network; none: all are."""
    networks: Sequence[Network] = settings.EGRESS
    if networks and not is_in(address, networks):
        raise Refused(f"{address} is outside the networks that WATCHWALL_EGRESS allows")


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Whether one of the networks holds the address. Pure."""
    try:
        found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        # The system connects to ::ffff:10.0.0.1 by IPv4.
        found = found.ipv4_mapped
    return any(found in network for network in networks)


def check_socket(sock: socket.socket, address: object) -> None:
    """`check` for what a socket is about to be connected to; one that leads nowhere may."""
    if sock.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
        check(str(address[0]))


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """As `socket.create_connection`, with each address looked at: for what runs outside the loop.

    `timeout` in s, for each address. OSError is the last address's; Refused is one.
    """
    failed = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        sock = socket.socket(family, kind, protocol)
        try:
            check_socket(sock, address)
            sock.settimeout(timeout)
            sock.connect(address)
        except OSError as error:
            sock.close()
            failed = error
        else:
            return sock
    raise failed
