"""HTTP sessions, one for each way of believing certificates."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp.resolver import ThreadedResolver

from widgets import io
from widgets.sources import SourceError
from widgets.sources._phases import WatchedContext, trace

# The feed's own timeout is the only one; aiohttp's would cut a patient feed off.
_PATIENT = aiohttp.ClientTimeout(total=None, sock_connect=None)


@dataclass(frozen=True, slots=True)
class Tls:
    """Which certificates are believed, and which protocols offered (ALPN).

    `changed`: when the file with the authorities was, in ns.
    """

    ca: str
    verify: bool
    changed: int
    speaks: tuple[str, ...]

    def context(self) -> ssl.SSLContext:
        """Reads files: not for the loop's thread."""
        context = WatchedContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.speaks:
            context.set_alpn_protocols(list(self.speaks))
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.ca:
            context.load_verify_locations(self.ca)
        else:
            context.load_default_certs()
        return context


_contexts: dict[Tls, ssl.SSLContext] = {}
_loading: dict[Tls, asyncio.Future[ssl.SSLContext]] = {}


async def _context(tls: Tls) -> ssl.SSLContext:
    """The context, loaded once: the system's authorities take 100 ms of processor time."""
    if tls not in _contexts:
        if tls not in _loading:
            _loading[tls] = asyncio.ensure_future(io.in_thread(tls.context))
            _loading[tls].add_done_callback(lambda _: _loading.pop(tls))
        # Whoever asked first may be cut off; the others still wait for it.
        _contexts[tls] = await asyncio.shield(_loading[tls])
    return _contexts[tls]


async def trusting(
    options: Mapping[str, Any], speaks: tuple[str, ...] = ()
) -> tuple[Tls, ssl.SSLContext]:
    """The context for what the options `ca` and `verify` say. Runs on the I/O loop."""
    ca = str(options["ca"]) if options["verify"] else ""
    tls = Tls(ca, options["verify"], _changed(ca) if ca else 0, speaks)
    try:
        return tls, await _context(tls)
    except OSError as error:  # An ssl.SSLError is one.
        raise _unreadable(ca, error) from None


def _unreadable(ca: str, error: OSError) -> SourceError:
    return SourceError(
        f"{ca} cannot be read as a file of certificates in PEM: "
        f"{error.strerror or error}; correct the option ca"
    )


def context(options: Mapping[str, Any]) -> ssl.SSLContext:
    """The same, made anew, for a thread that waits for it: 100 ms of processor time."""
    ca = str(options["ca"]) if options["verify"] else ""
    try:
        return Tls(ca, options["verify"], 0, ()).context()
    except OSError as error:
        raise _unreadable(ca, error) from None


async def session(options: Mapping[str, Any], fresh: bool) -> aiohttp.ClientSession:
    """The session that all requests with the same `ca` and `verify` share.

    `fresh`: it opens a new connection for each request. Runs on the I/O loop.
    """
    tls, context = await trusting(options, ("http/1.1",))
    return await io.session((tls, fresh), lambda: _new_session(context, fresh))


def _changed(ca: str) -> int:
    try:
        return Path(ca).stat().st_mtime_ns
    except OSError as error:
        raise SourceError(f"the file {ca} of option ca: {error.strerror}") from None


def _new_session(context: ssl.SSLContext, fresh: bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            ssl=context,
            resolver=ThreadedResolver(),
            # Without limits: a hundred targets that hang must not hold up the hundred-and-first.
            limit=0,
            limit_per_host=0,
            force_close=fresh,
        ),
        # Two feeds must not log each other in.
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=_PATIENT,
        trace_configs=[trace()],
    )
