"""A small application on either of our servers, which sends what a test tells it to.

`python -m e2e.speaker daphne 8123`. A socket takes JSON: `say` a text, so many `times` (`how`:
write at once, or send), `fill` to be written to until it has to wait, `crowd` to be sent 54 kB
forty times a second as a hub would, each with its number and its moment (µs, monotonic), `leave`
to be closed. `/told` is what each socket told, by its path; `/stream` never ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from importlib import import_module
from typing import Any

sys.path.insert(0, "site")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")

import django

django.setup()

from dashboard.live.outlet import Frame, SocketOutlet
from dashboard.live.slot import Slot

LARGE = 54_000
told: list[Any] = []
crowd: set[Slot] = set()
ticker: list[asyncio.Task[None]] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        await speak(scope, receive, send)
    elif scope["path"] == "/stream":
        await stream(send)
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(told).encode()})


async def stream(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x" * LARGE, "more_body": True})
        await asyncio.sleep(0)


async def speak(scope: dict[str, Any], receive: Any, send: Any) -> None:
    def tell(what: str, value: Any) -> None:
        told.append([scope["path"], what, value])

    outlet = SocketOutlet(send, scope)
    slot = Slot(outlet)
    await receive()
    tell("before accept", outlet.write(Frame("too early")))
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        do = json.loads(message["text"])
        if "say" in do:
            frame = Frame(do["say"] * do.get("times", 1))
            if do.get("how") == "send":
                await outlet.send(frame)
            else:
                tell("write", outlet.write(frame))
        elif "fill" in do:
            tell("filled", await fill(outlet))
        elif "crowd" in do:
            join(slot)
        else:
            await outlet.close(do["leave"])
            tell("after close", outlet.write(Frame("too late")))
    tell("gone", message.get("code"))
    tell("after the end", outlet.write(Frame("too late")))
    crowd.discard(slot)


async def fill(outlet: SocketOutlet) -> int:
    """Write numbered frames until the transport has to wait, and then two more; how many."""
    number = 0
    while outlet.write(Frame(f"{number}:" + "x" * LARGE)):
        number += 1
    await outlet.send(Frame(f"{number}:" + "x" * LARGE))
    await outlet.send(Frame(f"{number + 1}:last"))
    return number + 2


def join(slot: Slot) -> None:
    crowd.add(slot)
    ticker.append(asyncio.ensure_future(slot.run()))
    if len(ticker) == 1:
        ticker.append(asyncio.ensure_future(tick()))


async def tick() -> None:
    number = 0
    while True:
        number += 1
        text = f"{number}:{time.monotonic_ns() // 1000}:" + "x" * LARGE
        frame = Frame(text)
        for slot in crowd:
            slot.put({"w1": text}, frame)
        await asyncio.sleep(1 / 40)


if __name__ == "__main__":
    server = import_module(f"watchwall.servers.{sys.argv[1]}")
    nothing = lambda: None  # noqa: E731
    server.serve(application, "127.0.0.1", int(sys.argv[2]), nothing, nothing, spread=0)
