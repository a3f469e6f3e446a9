"""Server-sent events: the second way to a page, where a proxy breaks its WebSocket.

The same checks, slots and frames as a socket's. What the page says it has painted comes by POST.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from django.core.signing import BadSignature, Signer

from dashboard.live import admission, hub
from dashboard.live.admission import Seat
from dashboard.live.codes import FINAL
from dashboard.live.outlet import Frame, Send

Receive = Callable[[], Awaitable[dict[str, Any]]]

# An answer is some thirty bytes; nobody needs more.
MOST_RECEIVED = 200
HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    # Else nginx keeps back what it has until a buffer is full.
    (b"x-accel-buffering", b"no"),
]
signer = Signer(salt="dashboard.live.events")


class EventsOutlet:
    """An open answer to a GET. Every server takes its parts through `send`, and waits there."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def open(self, token: str) -> None:
        """Begin; the page gives the token back with what it has painted."""
        await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        # Spread, so that after a restart not all come back in the same moment.
        retry = random.randint(300, 1500)  # noqa: S311
        await self._part(f"retry: {retry}\nid: {token}\n\n".encode())

    def write(self, frame: Frame) -> bool:
        return False

    async def send(self, frame: Frame) -> None:
        await self._part(frame.events)

    async def close(self, code: int) -> None:
        """The page comes back by itself, unless it is told that it need not."""
        last = f"event: end\ndata: {code}\n\n" if code in FINAL else ""
        await self._part(last.encode(), more=False)

    async def _part(self, body: bytes, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


async def stream(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Everything there is to see, and then what changes, until one of both goes."""
    outlet = EventsOutlet(send)
    seat = await admission.enter(scope, outlet, "events")
    if not isinstance(seat, Seat):
        await outlet.open("")
        await asyncio.sleep(admission.REFUSAL_DELAY)
        await outlet.close(seat)
        return
    ends = [asyncio.ensure_future(_send_all(seat, outlet)), asyncio.ensure_future(_gone(receive))]
    try:
        done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        seat.leave()
        for end in ends:
            end.cancel()
    await asyncio.wait(ends)
    for end in done:
        end.result()


async def _send_all(seat: Seat, outlet: EventsOutlet) -> None:
    await outlet.open(signer.sign(seat.hub.places.place_of(seat.slot)))
    await seat.slot.run()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def answer(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """What a page has painted. The token says whose page; only the server can have given it."""
    headers = {name.lower(): value for name, value in scope["headers"]}
    text = await _text(receive)
    try:
        place = signer.unsign(headers.get(b"last-event-id", b"").decode("latin-1"))
    except BadSignature:
        return await respond(send, 403)
    if text is None:
        return await respond(send, 413)
    try:
        # Whichever process was asked, the page's own is told.
        await hub.current().places.painted(place, text)
    # Broad: each layer has errors of its own, and the page answers again within seconds.
    except Exception:  # noqa: BLE001
        return await respond(send, 503)
    return await respond(send, 204)


async def _text(receive: Receive) -> str | None:
    """The body; None for one that is too large."""
    body = b""
    while len(body) <= MOST_RECEIVED:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    return body.decode("latin-1") if len(body) <= MOST_RECEIVED else None


async def respond(send: Send, status: int) -> None:
    await send({"type": "http.response.start", "status": status, "headers": HEADERS[1:3]})
    await send({"type": "http.response.body", "body": b""})


async def events(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The ASGI application of the address. A HEAD asks whether events would come through."""
    if scope["method"] == "GET":
        await stream(scope, receive, send)
    elif scope["method"] == "POST":
        await answer(scope, receive, send)
    else:
        await respond(send, 200 if scope["method"] == "HEAD" else 405)
