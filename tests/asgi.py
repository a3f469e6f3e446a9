"""Requests to the ASGI application itself, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec, TypeVar

from asgiref.testing import ApplicationCommunicator
from django.db import connection

from watchwall.asgi import application

P = ParamSpec("P")
T = TypeVar("T")


class Reply:
    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status, self.headers, self.text = status, headers, text


async def ask(
    path: str,
    method: str = "GET",
    client: str = "127.0.0.1",
    within: float = 10,
    **headers: str,
) -> Reply:
    """Ask as a server would hand it on; `x_forwarded_for` is the header X-Forwarded-For."""
    sent = {"host": "127.0.0.1:8000", **{k.replace("_", "-"): v for k, v in headers.items()}}
    scope = {
        "type": "http", "http_version": "1.1", "method": method, "scheme": "http", "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in sent.items()],
        "client": (client, 50_000), "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    communicator: Any = ApplicationCommunicator
    server = communicator(application, scope)
    await server.send_input({"type": "http.request", "body": b"", "more_body": False})
    start = await server.receive_output(within)
    body, more = b"", True
    while more:
        part = await server.receive_output(within)
        body, more = body + part.get("body", b""), part.get("more_body", False)
    await server.wait(within)
    found = {name.decode().lower(): text.decode() for name, text in start["headers"]}
    return Reply(start["status"], found, body.decode())


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what asks the database, as Django wants it from a loop; the thread keeps nothing open."""

    def run() -> T:
        try:
            return work(*args, **kwargs)
        finally:
            connection.close()

    return await asyncio.to_thread(run)
