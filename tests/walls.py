"""Dashboards, and screens that show them, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from dashboard.live.outlet import Frame
from dashboard.models import Dashboard, Tile
from widgets.models import Widget

# Long enough for a busy machine; whoever waits goes on at once when it has happened.
DEADLINE = 10.0


def make_board(slug: str = "ops", **fields: Any) -> Dashboard:
    """A dashboard that everybody may see, unless told otherwise."""
    return Dashboard.objects.create(slug=slug, **{"title": slug.title(), "public": True} | fields)


def put(board: Dashboard, feed: str = "f", series: str = "*", **fields: Any) -> Tile:
    """A widget of its own on the dashboard: a number at the top left, unless told otherwise."""
    place = {name: fields.pop(name) for name in ("x", "y", "width", "height") if name in fields}
    number = Widget.objects.count()
    given = {"kind": "stat", "shows": [{"feed": feed, "series": series}]} | fields
    widget = Widget.objects.create(key=f"k{number}", **given)
    where = {"x": 0, "y": 0, "width": 3, "height": 2} | place
    return Tile.objects.create(dashboard=board, widget=widget, **where)


async def eventually(look: Callable[[], Any]) -> None:
    """Go on as soon as it is so; of what tells nobody when it changes."""
    async with asyncio.timeout(DEADLINE):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Screen:
    """The other end of a slot: keeps what it was sent; it can stall.

    While it is `idle` it takes frames at once, and keeps those in `written`.
    """

    def __init__(self) -> None:
        self.idle = False
        self.written: list[str] = []
        self.frames: list[str] = []
        self.code: int | None = None
        self.reading = asyncio.Event()
        self.reading.set()
        self._came = asyncio.Condition()

    def write(self, frame: Frame) -> bool:
        if self.idle:
            self.written.append(frame.text)
        return self.idle

    async def send(self, frame: Frame) -> None:
        await self.reading.wait()
        async with self._came:
            self.frames.append(frame.text)
            self._came.notify_all()

    async def close(self, code: int) -> None:
        await self.reading.wait()
        async with self._came:
            self.code = code
            self._came.notify_all()

    @property
    def fragments(self) -> list[str]:
        return [frame for frame in self.frames if not frame.startswith("{")]

    async def until(self, look: Callable[[Screen], Any]) -> None:
        async with asyncio.timeout(DEADLINE), self._came:
            await self._came.wait_for(lambda: look(self))

    async def sees(self, text: str) -> None:
        """Wait for a frame with this text in it."""
        await self.until(lambda screen: any(text in frame for frame in screen.frames))

    async def is_closed(self) -> int:
        await self.until(lambda screen: screen.code is not None)
        assert self.code is not None
        return self.code
