"""Is it there: a TCP port, a name, a certificate, a host that answers pings."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets import clock, io
from widgets.egress import Refused
from widgets.options import BoolField, ListField, Options, excerpt
from widgets.reading import Reading, Verdict
from widgets.sources import Source, SourceError, _dns
from widgets.sources._dns import RECORDS, Answer
from widgets.sources._down import down, unheard
from widgets.sources._http import system_words
from widgets.sources._phases import days_left
from widgets.sources._ping import ping
from widgets.sources._sessions import trusting

PROBES = ("tcp", "tls", "dns", "ping")
PORTS = {"tls": 443, "dns": 53}


class CheckOptions(Options):
    """What to ask, and of whom."""

    probe = forms.ChoiceField(
        choices=[(probe, probe) for probe in PROBES],
        initial="tcp",
        help_text="What to try: a TCP connection, a TLS handshake, a look-up in DNS, or pings.",
    )
    host = forms.CharField(
        max_length=253, help_text="The name or address to reach; for dns the name to look up."
    )
    port = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=65535,
        help_text="The port; 443 for tls and 53 for dns where none is given.",
    )
    record = forms.ChoiceField(
        choices=[(record, record) for record in RECORDS],
        initial="A",
        help_text="dns: the type of record.",
    )
    server = forms.CharField(
        required=False,
        max_length=253,
        help_text="dns: the name server to ask; the system's own where none is given.",
    )
    expect = ListField(
        required=False, help_text="dns: what must be among the answers, such as 192.0.2.7."
    )
    ca = forms.CharField(
        required=False,
        help_text="tls: a PEM file on the server with the authorities to trust.",
    )
    verify = BoolField(initial=True, help_text="tls: whether the certificate must be valid.")
    name = forms.CharField(
        required=False,
        max_length=253,
        help_text="tls: the name that the certificate must have, where it is not the host's.",
    )
    count = forms.IntegerField(
        initial=3, min_value=1, max_value=20, help_text="ping: how many echoes to ask for."
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        host = given.get("host", "")
        if given.get("probe") == "tcp" and not given.get("port") and "port" in given:
            raise ValidationError("tcp needs a port")
        if given.get("probe") == "dns" and host and "${env:" not in host:
            try:
                _dns.question(host, given.get("record", "A"))
            except ValueError as error:
                raise ValidationError(str(error)) from None
        return given


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection, and the seconds that the look-up and the connecting took."""

    sock: socket.socket
    dns: float
    connect: float


class Check(Source):
    """Series: `up` (1 or 0) and `latency` (s), and with

    tcp `latency.dns` and `latency.connect`; tls those, `latency.tls`, and `certificate.days` left
    (d), also of a certificate that is not valid; dns `answers` and the shortest `ttl` (s), and
    the answers as rows; ping `latency.max` (s) and `loss` (%), `latency` being the mean.

    A target that is down is a reading with `up` at 0 and the reason, unless the monitor itself is
    cut off (see `connectivity`). HTTP is checked by the source `http`.
    """

    slug = "check"
    label = "TCP, TLS, DNS or ping"
    Options = CheckOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        probe = {"tcp": _tcp, "tls": _tls, "dns": _look_up, "ping": _pinged}[options["probe"]]
        try:
            return await probe(options)
        except Refused as error:
            raise SourceError(f"{options['host']}: {error.reason}") from None
        except TimeoutError as error:
            # The system's own patience: the feed's own ends elsewhere.
            return await unheard(str(error) or "no answer")
        except OSError as error:
            said = system_words(error)
            return down(said) if isinstance(error, ConnectionError) else await unheard(said)

    async def cut_off(self, options: dict[str, Any], message: str) -> Reading:
        return await unheard(message)


async def _addresses(host: str, kind: int = socket.SOCK_STREAM, port: int = 0) -> Sequence[Any]:
    try:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=kind)
    except UnicodeError:
        raise SourceError(f"{excerpt(host, 100)!r} is no name of a host") from None
    except socket.gaierror as error:
        raise OSError(f"the name {host} cannot be resolved ({system_words(error)})") from None


async def _reach(host: str, port: int) -> Reached:
    """The first address of the host that takes a connection; the caller closes it."""
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    found = await _addresses(host, port=port)
    resolved = time.perf_counter()
    errors: list[OSError] = []
    for family, kind, protocol, _, address in found:
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            errors.append(error)
            sock.close()
        except BaseException:
            sock.close()
            raise
        else:
            return Reached(sock, resolved - begun, time.perf_counter() - resolved)
    # Of an address that may not be asked nothing is known.
    raise next((error for error in errors if not isinstance(error, Refused)), errors[0])


def _up(message: str, units: dict[str, str] | None = None, **more: Any) -> Reading:
    """A reading of a target that is up. `_` in names of series stands for a dot."""
    numbers = {name.replace("_", "."): value for name, value in more.items()}
    seconds = {name: "s" for name in numbers if name.startswith("latency")}
    return Reading(
        numbers={"up": 1.0, **numbers},
        units=seconds | (units or {}),
        verdicts={"up": Verdict("ok", message)},
    )


async def _tcp(options: dict[str, Any]) -> Reading:
    reached = await _reach(options["host"], options["port"])
    reached.sock.close()
    latency = reached.dns + reached.connect
    return _up(
        "connected", latency=latency, latency_dns=reached.dns, latency_connect=reached.connect
    )


async def _tls(options: dict[str, Any]) -> Reading:
    try:
        reached, seconds, peer = await _handshake(options)
    except ssl.SSLCertVerificationError as error:
        return await _not_valid(options, error)
    except ssl.SSLError as error:
        return down(f"no TLS connection: {str(error.reason or error).replace('_', ' ').lower()}")
    numbers = {"latency_dns": reached.dns, "latency_connect": reached.connect}
    numbers |= {"latency_tls": seconds, "latency": reached.dns + reached.connect + seconds}
    if (days := days_left(peer, clock.now())) is not None:
        numbers["certificate_days"] = days
    return _up(str(peer.version()), {"certificate.days": "d"}, **numbers)


async def _handshake(options: dict[str, Any]) -> tuple[Reached, float, ssl.SSLObject]:
    """The connection, how long the handshake took (s), and who answered."""
    _, context = await trusting(options)
    reached = await _reach(options["host"], options["port"] or PORTS["tls"])
    begun = time.perf_counter()
    try:
        _, writer = await asyncio.open_connection(
            sock=reached.sock,
            ssl=context,
            server_hostname=options["name"] or options["host"],
        )
    except BaseException:
        reached.sock.close()
        raise
    seconds = time.perf_counter() - begun
    peer: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return reached, seconds, peer


async def _not_valid(options: dict[str, Any], error: ssl.SSLCertVerificationError) -> Reading:
    """Down, with the days that its certificate has left: minus three say more than a word."""
    reading = down(f"the certificate is not valid: {error.verify_message}")
    _, _, peer = await _handshake({**options, "verify": False})
    days = days_left(peer, clock.now())
    numbers = {**reading.numbers} | ({} if days is None else {"certificate.days": days})
    return Reading(
        numbers=numbers,
        units={"certificate.days": "d"},
        verdicts=reading.verdicts,
        complete=False,
    )


async def _look_up(options: dict[str, Any]) -> Reading:
    port = options["port"] or PORTS["dns"]
    if options["server"]:
        found = await _addresses(options["server"], socket.SOCK_DGRAM)
        servers = [str(one[4][0]) for one in found]
    else:
        servers = await io.in_thread(_dns.servers)
    try:
        asked = _dns.question(options["host"], options["record"])
        answer = await _dns.ask(asked, servers, port, trusted=not options["server"])
    except ValueError as error:
        return down(str(error))
    return looked_up(answer, options["host"], options["record"], options["expect"])


def looked_up(answer: Answer, name: str, record: str, expected: Sequence[str]) -> Reading:
    """The reading of an answer from DNS. Pure."""
    if answer.code != "NOERROR":
        words = {"NXDOMAIN": "there is no such name", "REFUSED": "the name server refuses"}
        return down(f"{words.get(answer.code, 'the name server failed')} ({answer.code})")
    texts = [text for text, _ in answer.records]
    if not texts:
        return down(f"{name} has no record of type {record}")
    plain = {_plain(text) for text in texts}
    if missing := [one for one in expected if _plain(one) not in plain]:
        return down(f"{missing[0]} was expected, not {excerpt(', '.join(texts), 200)}")
    ttl = min(ttl for _, ttl in answer.records)
    reading = _up(
        excerpt(", ".join(texts), 200),
        {"ttl": "s"},
        latency=answer.latency,
        answers=len(texts),
        ttl=ttl,
    )
    rows = [{"record": record, "answer": text, "ttl": ttl} for text, ttl in answer.records]
    return Reading(
        numbers=reading.numbers, units=reading.units, verdicts=reading.verdicts, rows=rows
    )


def _plain(answer: str) -> str:
    """Without what makes no difference: capitals, the last dot, the quotes of a text."""
    return answer.strip().lower().rstrip(".").strip('"')


async def _pinged(options: dict[str, Any]) -> Reading:
    [(family, _, _, _, address), *_] = await _addresses(options["host"], socket.SOCK_DGRAM)
    return pinged(await ping(family, address, options["count"])) or await unheard(
        f"none of {options['count']} pings was answered"
    )


def pinged(found: Sequence[float | None]) -> Reading | None:
    """The reading of how long echoes took; None if none came back. Pure."""
    back = [one for one in found if one is not None]
    if not back:
        return None
    return _up(
        f"{len(back)} of {len(found)} pings were answered",
        {"loss": "%"},
        latency=sum(back) / len(back),
        latency_max=max(back),
        loss=100 * (len(found) - len(back)) / len(found),
    )
