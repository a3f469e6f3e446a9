"""One question to a name server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.reversename

from widgets import egress
from widgets.sources import SourceError

RECORDS = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")
# A packet may be lost on the way: after so long the next server is asked, or the same again.
PATIENCE = 1.5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: `code` such as NOERROR, records as text with seconds to live."""

    code: str
    records: Sequence[tuple[str, int]]
    latency: float


def question(name: str, record: str) -> dns.message.Message:
    """The question as it is sent, or ValueError; for PTR the name may be an address."""
    try:
        if record == "PTR" and name.replace(":", "").replace(".", "").isalnum():
            try:
                return dns.message.make_query(dns.reversename.from_address(name), record)
            except dns.exception.SyntaxError:
                pass  # A name after all.
        return dns.message.make_query(dns.name.from_text(name), record)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{name!r} is no name: {error}") from None


def servers() -> list[str]:
    """The system's own name servers; reads a file."""
    try:
        return [str(address) for address in dns.resolver.Resolver().nameservers]
    except dns.resolver.NoResolverConfiguration:
        raise SourceError(
            "this system names no name server; say which to ask with the option server"
        ) from None


async def ask(
    asked: dns.message.Message, addresses: Sequence[str], port: int, trusted: bool
) -> Answer:
    """The answer, by UDP, or by TCP where it is long; asks again until it is cancelled.

    `trusted`: the servers are the system's own, which WATCHWALL_EGRESS need not name. Raises
    Refused for others, OSError, and ValueError for what is no answer.
    """
    if not trusted:
        for address in addresses:
            # UDP here is not connected, so the loop does not look.
            egress.check(address)
    for address in cycle(addresses):
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                found, _ = await dns.asyncquery.udp_with_fallback(
                    asked, address, port=port, ignore_unexpected=True
                )
        except (TimeoutError, dns.exception.Timeout):
            continue
        except dns.exception.DNSException as error:
            raise ValueError(f"the answer is no DNS: {error or type(error).__name__}") from None
        return _read(asked, found, time.perf_counter() - begun)
    raise SourceError("no name server is named")


def _read(asked: dns.message.Message, found: dns.message.Message, latency: float) -> Answer:
    """Records of the type asked for, wherever aliases have led."""
    kind = asked.question[0].rdtype
    records = [
        (record.to_text(), rrset.ttl)
        for rrset in found.answer
        if rrset.rdtype == kind
        for record in rrset
    ]
    return Answer(dns.rcode.to_text(found.rcode()), sorted(records), latency)
