"""The hub: the one in each web process that turns changes into fragments for its sockets.

It lives on the server's loop and holds the process's only channel of the layer. It never waits
for a socket, and never asks the database on the loop. It draws each changed tile once, however
many sockets show it. Layers lose messages by design: every 2 s it compares what it holds with
the database and repairs what was missed.
"""

from __future__ import annotations

import asyncio
import json

from channels.layers import get_channel_layer
from django.conf import settings

from dashboard.live.audience import Teller
from dashboard.live.board import Board, Key
from dashboard.live.comparing import Comparer
from dashboard.live.desk import Desk
from dashboard.live.drawing import Painter
from dashboard.live.groups import Groups
from dashboard.live.held import Held
from dashboard.live.jobs import supervise
from dashboard.live.loading import Loader
from dashboard.live.outlet import Frame
from dashboard.live.places import Places
from dashboard.live.slot import Slot
from dashboard.live.survey import look
from dashboard.live.thread import DatabaseThread
from dashboard.live.wall import Wall
from dashboard.live.watching import Watcher
from widgets import clock, publish
from widgets.select import Spec, pick

HEARTBEAT_EVERY = 5.0


class Hub:
    """Made by `current()` at the first socket of a process; `stop` ends it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.walls: dict[Key, Wall] = {}
        self.held = Held()
        self._layer = get_channel_layer()
        self._channel = ""
        self.places = Places(self._layer)
        self._asking = DatabaseThread("hub")
        self.query = self._asking.query
        # Another: while somebody else holds SQLite's write lock, pages still come and are drawn.
        self._telling = DatabaseThread("hub-telling")
        self.desk = Desk(self.query)
        self._opening = asyncio.Lock()
        self.groups = Groups(self._layer)
        self.painter = Painter(self.walls, self.held, lambda ids: self.loader.refresh(ids))
        self.loader = Loader(self.held, self.query, self._specs, self.painter.touch)
        self.comparer = Comparer(
            self.walls, self.held, self.groups, self.loader, self.painter, self.query,
            self.places.group,
        )  # fmt: skip
        self.teller = Teller(self.walls, self._telling.query)
        self.watcher = Watcher(self.walls, self.held, self._telling.query, self.painter.touch)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        publish.attach(self.loop)
        jobs = {
            "receiving": self._receive,
            "joining of groups": self.groups.run,
            "drawing": self.painter.run,
            "loading": self.loader.run,
            "comparing": self.comparer.run,
            "heartbeat": self.beat,
            "saying of trouble": self.painter.say,
            "telling": self.teller.run,
            "watching": self.watcher.run,
        }
        self._tasks = [self.loop.create_task(supervise(*job)) for job in jobs.items()]

    async def stop(self) -> None:
        """End every task and the thread; sockets are the server's to close."""
        publish.attach(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.painter.stop()
        await self.groups.leave()
        await self._asking.stop()
        await self._telling.stop()
        global _hub
        if _hub is self:
            _hub = None

    def slots(self) -> list[Slot]:
        """Of every socket of this process."""
        return [slot for wall in self.walls.values() for slot in wall.slots]

    async def join(self, key: Key, slot: Slot) -> bool:
        """Give the socket everything, and from now on what changes; False: no such board."""
        wall = self.walls.get(key)
        if wall is None or not wall.ready:
            wall = await self._open(key)
        if wall is None:
            return False
        wall.slots.add(slot)
        wall.left_at = None
        self.watcher.wake()
        slot.beat(heartbeat())
        slot.put(*wall.everything())
        return True

    def leave(self, key: Key, slot: Slot) -> None:
        if wall := self.walls.get(key):
            wall.slots.discard(slot)
            if not wall.slots:
                wall.left_at = self.loop.time()

    async def _open(self, key: Key) -> Wall | None:
        """The wall of a board, loaded once however many ask at the same time."""
        async with self._opening:
            if (there := self.walls.get(key)) and there.ready:
                return there
            board, names = await self.query(look, key)
            if board is None:
                return None
            wall = self.walls[key] = Wall(board)
            wall.left_at = self.loop.time()
            try:
                # In the groups before it reads, so that nothing falls in between.
                ids = self.comparer.watch(board, names)
                await self.loader.load(ids - self.held.feeds.keys() | self._lacking(board))
            except BaseException:
                del self.walls[key]
                raise
            wall.paint(self.held, clock.now(), self.loop.time())
            wall.ready = True
            return wall

    def _lacking(self, board: Board) -> set[int]:
        """Feeds that are held, but not with every window this board draws."""
        found: set[int] = set()
        for spec in board.specs:
            found |= self.held.lacks(spec, pick(spec, self.held.of(spec)))
        return found

    def _specs(self) -> list[Spec]:
        return [spec for wall in self.walls.values() for spec in wall.board.specs]

    async def _receive(self) -> None:
        # The same one after a failure: a second would leave the first in every group, unread.
        channel = self._channel = self._channel or await self._layer.new_channel()
        self.groups.opened(channel)
        while True:
            message = await self._layer.receive(channel)
            if message["type"] == "feed.changed":
                self.loader.feed_changed(message)
            elif message["type"] == "screen.painted":
                self.places.receive(message)
            elif message["type"] == "pages.reload":
                self._reload(message["dashboard"], message["mark"])
            else:
                self.comparer.wake()

    def _reload(self, slug: str, mark: int) -> None:
        """Tell pages of another build: they load themselves anew, once for each."""
        frame = heartbeat(f"{settings.BUILD}+{mark}")
        for wall in self.walls.values():
            if slug in {"*", wall.board.slug}:
                for slot in wall.slots:
                    slot.beat(frame)

    async def beat(self) -> None:
        """Send a sign of life to every socket, for ever."""
        while True:
            await asyncio.sleep(HEARTBEAT_EVERY)
            frame = heartbeat()
            for slot in self.slots():
                slot.beat(frame)


def heartbeat(build: str = "") -> Frame:
    """What tells a page that the hub is alive, the server's time (ms), and its build."""
    said = {"type": "heartbeat", "now": clock.now() // 1000, "build": build or settings.BUILD}
    return Frame(json.dumps(said))


_hub: Hub | None = None


def current() -> Hub:
    """The hub of this process, started when the first socket asks. On the server's loop only."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
        _hub.start()
    return _hub


def slots() -> list[Slot]:
    """Of every socket of this process; none before the first came."""
    return _hub.slots() if _hub else []
