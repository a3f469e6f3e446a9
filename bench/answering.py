"""A web server with one small answer, for feeds to ask."""

from __future__ import annotations

import asyncio
import threading
import time

from aiohttp import web

from e2e.wall import eventually, free_port, listens


def answering(delay: float = 0) -> int:
    """Start it in a thread of its own; the port. Each answer, `a` and `b`, takes `delay` s."""
    port = free_port()

    async def page(_: web.Request) -> web.Response:
        await asyncio.sleep(delay)
        return web.json_response({"a": time.time() % 60, "b": time.time() % 7})

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/", page)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=500).start()
        await asyncio.Event().wait()

    threading.Thread(target=asyncio.run, args=[run()], daemon=True).start()
    eventually(lambda: listens(port), 10, "the web server listens")
    return port


def asking(port: int) -> dict[str, object]:
    """The options of a json feed that asks it."""
    return {"url": f"http://127.0.0.1:{port}/", "numbers": {"a": "a", "b": "b"}}
