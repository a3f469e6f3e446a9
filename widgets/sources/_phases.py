"""How long each part of a request took, and what certificate the other side showed."""

from __future__ import annotations

import ssl
import time
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
from cryptography import x509

from widgets.clock import DAY, SECOND

now = time.perf_counter


@dataclass(slots=True)
class Phases:
    """Seconds spent in each part, summed over redirects; None for a part that there was not.

    `dns` is 0 for a plain address, and for a name known from the last 10 s.
    """

    dns: float = 0.0
    connect: float = 0.0
    tls: float | None = None
    first_byte: float = 0.0
    body: float = 0.0
    peer: ssl.SSLObject | None = None
    # The moment at which the part under way began.
    _mark: float = 0.0

    def begin(self) -> None:
        self._mark = now()

    def lap(self) -> float:
        """Seconds since the last part began; the next begins now."""
        last, self._mark = self._mark, now()
        return self._mark - last


_current: ContextVar[Phases | None] = ContextVar("phases", default=None)


def watch(phases: Phases) -> None:
    """Time the requests of the task that calls this."""
    _current.set(phases)
    phases.begin()


class WatchedContext(ssl.SSLContext):
    """A client's TLS context that notes when a handshake begins, and with whom.

    aiohttp counts TLS as part of connecting and has let go of the connection, and with it of
    the certificate, when a short answer is at hand. asyncio calls `wrap_bio` as a handshake
    begins, in the context of the task that connects.
    """

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        peer = super().wrap_bio(*args, **kwargs)
        if phases := _current.get():
            phases.connect += phases.lap()
            phases.peer = peer
        return peer


def trace() -> aiohttp.TraceConfig:
    """aiohttp's tracing, filling in the Phases that the task watches with."""

    async def dns_end(*_: object) -> None:
        if phases := _current.get():
            phases.dns += phases.lap()

    async def connected(*_: object) -> None:
        if phases := _current.get():
            if phases.peer is None:
                phases.connect += phases.lap()
            else:
                phases.tls = (phases.tls or 0.0) + phases.lap()

    async def redirected(*_: object) -> None:
        if phases := _current.get():
            phases.first_byte += phases.lap()
            phases.peer = None

    config = aiohttp.TraceConfig()
    config.on_dns_resolvehost_end.append(dns_end)
    config.on_connection_create_end.append(connected)
    config.on_request_redirect.append(redirected)
    return config


def days_left(peer: ssl.SSLObject, now: int) -> float | None:
    """Days until the certificate that the other side showed ends; negative when it has ended.

    None where none was shown. `now` in µs. The parsed form that Python offers is empty for a
    certificate that is not verified, so the binary one is read.
    """
    shown = peer.getpeercert(binary_form=True)
    if shown is None:
        return None
    try:
        end = x509.load_der_x509_certificate(shown).not_valid_after_utc
    except ValueError:
        return None
    return (end.timestamp() * SECOND - now) / DAY
