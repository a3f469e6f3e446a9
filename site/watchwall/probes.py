"""`/healthz` and `/readyz`, for machines that watch this one; nobody has to be signed in.

They stand in front of Django: no session, no middleware that could hang with the database, and
no name to be called by. A probe calls us by an address, and nothing in the answers is made from it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from widgets import health

TEXT = "text/plain; charset=utf-8"


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


PROBES: dict[str, Callable[[Any], Awaitable[Answer]]] = {"/healthz": healthz, "/readyz": readyz}


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
