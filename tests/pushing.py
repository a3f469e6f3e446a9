"""Handing in as senders do, without a socket: straight to the ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import unquote

from asgiref.sync import sync_to_async

from widgets.models import Feed, Series
from widgets.push.application import PushApplication

R = TypeVar("R")


async def ask(work: Callable[[], R]) -> R:
    """Something of the database, in a thread."""
    return await sync_to_async(work)()


def names() -> list[str]:
    return list(Feed.objects.values_list("name", flat=True))


def values() -> dict[str, float | None]:
    return {f"{s.feed.name}/{s.name}": s.value for s in Series.objects.select_related("feed")}


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind: it says that it was asked."""
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"Django"})


@dataclass
class Sender:
    """Sends to an application of its own."""

    application: PushApplication = field(default_factory=lambda: PushApplication(nobody))
    token: str = ""

    async def send(
        self,
        method: str,
        address: str,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        parts: int = 1,
    ) -> Heard:
        """`body`: bytes, text, or what is sent as JSON. `parts`: in how many it arrives."""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
        path, _, query = address.partition("?")
        given = {k.lower(): v for k, v in (headers or {}).items()}
        if self.token and "authorization" not in given:
            given["authorization"] = f"Bearer {self.token}"
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        }
        size = -(-len(body) // parts) or 1
        waiting = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
        incoming = [
            {"type": "http.request", "body": part, "more_body": i < len(waiting) - 1}
            for i, part in enumerate(waiting)
        ]
        heard: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop(0)

        async def answer(message: dict[str, Any]) -> None:
            heard.append(message)

        async with asyncio.timeout(20):
            await self.application(scope, receive, answer)
        return Heard(
            heard[0]["status"],
            {k.decode(): v.decode() for k, v in heard[0]["headers"]},
            b"".join(message["body"] for message in heard[1:]),
        )

    async def post(self, address: str, body: Any = b"", **headers: str) -> Heard:
        return await self.send(
            "POST", address, body, {k.replace("_", "-"): v for k, v in headers.items()}
        )

    async def get(self, address: str, **headers: str) -> Heard:
        return await self.send("GET", address, b"", headers)
