"""`/healthz`, `/readyz` and `/metrics`, for machines that watch this one; nobody signs in.

They stand in front of Django: no session, no middleware that could hang with the database, and
no name to be called by. A probe calls us by an address, and nothing in the answers is made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare

from widgets import health, metrics

TEXT = "text/plain; charset=utf-8"
REFUSED = b"Ask from this machine, or with the token of WATCHWALL_METRICS_TOKEN.\n"
FORWARDED = {b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    kind: str = TEXT
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def healthz(scope: Any) -> Answer:
    """Alive, as long as the loop turns; whatever else is broken, a restart would not mend it."""
    return Answer(200, b"alive\n")


async def readyz(scope: Any) -> Answer:
    """Ready, or 503 and a sentence for each thing that is not."""
    problems = await health.problems()
    return Answer(
        503 if problems else 200, "".join(f"{s}\n" for s in problems or ["ready"]).encode()
    )


async def figures(scope: Any) -> Answer:
    """The figures of every process, for this machine or with the token."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    if not may_read(headers, scope.get("client")):
        return Answer(401, REFUSED, headers=((b"www-authenticate", b"Bearer"),))
    body, kind = await metrics.scrape(headers.get(b"accept", ""))
    return Answer(200, body, kind)


def may_read(headers: Mapping[bytes, str], client: Sequence[Any] | None) -> bool:
    """Whether who sent these headers is of this machine, or has the token."""
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if settings.METRICS_TOKEN and scheme.lower() == "bearer":
        return constant_time_compare(token.strip(), settings.METRICS_TOKEN)
    # Behind a proxy everybody comes from this machine; one that nobody told us of often says so.
    if settings.USE_X_FORWARDED_HOST or FORWARDED & headers.keys():
        return False
    # A page of anybody's can make a browser here ask for a name of theirs that leads to us.
    host = split_domain_port(headers.get(b"host", ""))[0]
    named_so = host == "localhost" or _is_local(host)
    return client is not None and _is_local(client[0]) and named_so


def _is_local(address: str) -> bool:
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


PROBES: dict[str, Callable[[Any], Awaitable[Answer]]] = {
    "/healthz": healthz,
    "/readyz": readyz,
    "/metrics": figures,
}


class Probes:
    """Answers the addresses of `PROBES` itself and leaves the others to the application."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        probe = PROBES.get(scope["path"])
        if probe is None:
            await self.application(scope, receive, send)
            return
        if scope["method"] not in {"GET", "HEAD"}:
            answer = Answer(405, b"Ask with GET.\n", headers=((b"allow", b"GET, HEAD"),))
        else:
            answer = await probe(scope)
        await _send(answer, send, head=scope["method"] == "HEAD")


async def _send(answer: Answer, send: Any, *, head: bool) -> None:
    headers = [
        (b"content-type", answer.kind.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
