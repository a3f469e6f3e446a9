"""The hub: the one in each web process that turns changes into fragments for its sockets.

It lives on the server's loop and holds the process's only channel of the layer. It never waits
for a socket, and never asks the database on the loop. It draws each changed tile once, however
many sockets show it. Layers lose messages by design: every 2 s it compares what it holds with
the database and repairs what was missed.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from channels.layers import get_channel_layer
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import close_old_connections, connection

from dashboard.access import may_see
from dashboard.live import held
from dashboard.live.board import Board, Key
from dashboard.live.groups import Groups
from dashboard.live.held import Held
from dashboard.live.outlet import Frame
from dashboard.live.slot import Slot
from dashboard.live.survey import Mark, Survey, look, survey
from dashboard.live.wall import Wall
from widgets import clock, processes, publish
from widgets.select import Spec, pick

logger = logging.getLogger(__name__)

COMPARE_EVERY = 2.0
HEARTBEAT_EVERY = 5.0
# A board whose last viewer left is kept so long (s): a page that reloads finds it warm.
LINGER = 30.0
# A task that failed begins again after this (s).
PAUSE = 1.0

# Close codes, as RFC 6455 leaves them to applications; the page knows them (static/live.js).
SIGN_IN, FORBIDDEN, GONE = 4401, 4403, 4404

P = ParamSpec("P")
R = TypeVar("R")


class Hub:
    """Made by `current()` at the first socket of a process; `stop` ends it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.walls: dict[Key, Wall] = {}
        self.held = Held()
        self._layer = get_channel_layer()
        self._channel = ""
        self._groups = Groups(self._layer)
        self._watched: set[int] = set()
        self._stale: set[int] = set()
        # Feeds that are being loaded, or wait for it.
        self._coming: set[int] = set()
        # The messages that come while feeds are loaded; None while none are.
        self._arriving: list[Mapping[str, Any]] | None = None
        self._loading, self._opening = asyncio.Lock(), asyncio.Lock()
        self._changed, self._reload, self._compare = (asyncio.Event() for _ in range(3))
        self._timer: asyncio.TimerHandle | None = None
        # One thread and one connection: its queries are few, and none may outrun another.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hub")
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        publish.attach(self.loop)
        self._want()
        jobs = (
            self._receive,
            self._groups.run,
            self._paint_for_ever,
            self._reload_for_ever,
            self._compare_for_ever,
            self._beat_for_ever,
        )
        self._tasks = [self.loop.create_task(supervise(job)) for job in jobs]

    async def stop(self) -> None:
        """End every task and the thread; sockets are the server's to close."""
        publish.attach(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._timer:
            self._timer.cancel()
        await self._groups.leave()
        # Looked up in that thread: each has a connection of its own.
        await self.query(lambda: connection.close())
        self._thread.shutdown()
        global _hub
        if _hub is self:
            _hub = None

    async def query(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run something that asks the database, in the hub's own thread."""

        def run() -> R:
            close_old_connections()
            return work(*args, **kwargs)

        return await self.loop.run_in_executor(self._thread, run)

    # Sockets come and go.

    def slots(self) -> list[Slot]:
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
            board, marks = await self.query(look, key)
            if board is None:
                return None
            wall = self.walls[key] = Wall(board)
            wall.left_at = self.loop.time()
            try:
                # In the groups before it reads, so that nothing falls in between.
                ids = {id_ for id_, mark in marks.items() if board.wants(mark.name)}
                self._watched |= ids
                self._want()
                await self._load(ids - self.held.feeds.keys() | self._lacking(board))
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

    # What the layer brings.

    def _want(self) -> None:
        self._groups.want({publish.CATALOGUE, *map(publish.feed_group, self._watched)})

    async def _receive(self) -> None:
        # The same one after a failure: a second would leave the first in every group, unread.
        channel = self._channel = self._channel or await self._layer.new_channel()
        self._groups.opened(channel)
        while True:
            message = await self._layer.receive(channel)
            if message["type"] == "feed.changed":
                self._feed_changed(message)
            else:
                self._compare.set()

    def _feed_changed(self, message: Mapping[str, Any]) -> None:
        if self._arriving is not None:
            self._arriving.append(message)
        feed = self.held.feeds.get(message["feed"])
        if feed is None or message["version"] <= feed.version:
            return
        if self.held.apply(message):
            self._touch({feed.name})
        else:
            self._refresh({feed.id})

    # Loading feeds.

    def _refresh(self, ids: Collection[int]) -> None:
        """Have these feeds loaded again."""
        if ids:
            self._stale |= set(ids)
            self._reload.set()

    async def _reload_for_ever(self) -> None:
        while True:
            while self._stale:
                ids, self._stale = self._stale, set()
                processes.count("reloads", len(ids))
                try:
                    await self._load(ids)
                except BaseException:
                    self._stale |= ids
                    raise
            await self._reload.wait()
            self._reload.clear()

    async def _load(self, ids: Collection[int]) -> None:
        """Load feeds and their windows, and draw what shows them.

        What is committed meanwhile may have been read or not; its messages are applied to what
        was read by the same rule as always.
        """
        if not ids:
            return
        self._coming |= set(ids)
        async with self._loading:
            self._arriving = []
            try:
                loaded = await self.query(held.load, ids, self._specs())
            finally:
                arrived, self._arriving = self._arriving, None
                self._coming -= set(ids)
        for message in arrived:
            feed = loaded.feeds.get(message["feed"])
            if feed and message["version"] > feed.version:
                loaded.apply(message)
        names = self._names(ids)
        for id_ in ids:
            feed, here = loaded.feeds.get(id_), self.held.feeds.get(id_)
            if feed is None:
                self.held.drop(id_)
            elif here and here.version > feed.version:
                # A message was too large to follow on what was read: what is here is newer.
                loaded.drop(id_)
                self._refresh({id_})
        self.held.install(loaded)
        self._touch(names | self._names(ids))

    def _specs(self) -> list[Spec]:
        return [spec for wall in self.walls.values() for spec in wall.board.specs]

    def _names(self, ids: Iterable[int]) -> set[str]:
        return {self.held.feeds[id_].name for id_ in ids if id_ in self.held.feeds}

    # Drawing.

    def _touch(self, names: Collection[str]) -> None:
        for wall in self.walls.values():
            wall.mark(names)
        self._changed.set()

    async def _paint_for_ever(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for wall in [wall for wall in self.walls.values() if wall.ready]:
                self._paint(wall)
                # A process with many boards still answers between two of them.
                await asyncio.sleep(0)

    def _paint(self, wall: Wall) -> None:
        parts = wall.paint(self.held, clock.now(), self.loop.time())
        if wall.lacks:
            self._refresh(wall.lacks)
            wall.lacks = set()
        if parts:
            processes.count("fragments", len(parts) * len(wall.slots))
            frame = Frame("".join(parts.values()))
            for slot in wall.slots:
                slot.put(parts, frame)
        if (due := wall.due_at) is not None:
            self._paint_at(due)

    def _paint_at(self, moment: float) -> None:
        if self._timer and self.loop.time() < self._timer.when() <= moment:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_at(moment, self._changed.set)

    # Comparing.

    async def _compare_for_ever(self) -> None:
        while True:
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes just then.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMPARE_EVERY):
                    await self._compare.wait()
            self._compare.clear()
            walls = {key: wall for key, wall in self.walls.items() if wall.ready}
            prints = {key: wall.board.fingerprint for key, wall in walls.items()}
            slots = self.slots()
            processes.gauge("sockets", len(slots))
            # How many sockets cannot keep up with what happens.
            processes.gauge("sockets.behind", sum(slot.behind for slot in slots))
            sessions = {slot.session for slot in slots if slot.session}
            found = await self.query(survey, prints, sessions)
            for key, wall in walls.items():
                self._follow_board(key, wall, found)
            self._follow_feeds(found.feeds)
            self._changed.set()

    def _follow_board(self, key: Key, wall: Wall, found: Survey) -> None:
        """Take in what was edited; close whoever may no longer see it; forget the unwatched."""
        if key not in found.there:
            for slot in wall.slots:
                slot.close(GONE)
            self.walls.pop(key, None)
            return
        if board := found.changed.get(key):
            wall.change(board)
        for slot in wall.slots:
            viewer = found.viewers.get(slot.session or "", AnonymousUser())
            # One that came after the survey began is not in it; the next one has it.
            if (not slot.session or slot.session in found.viewers) and not may_see(
                viewer, wall.board
            ):
                slot.close(FORBIDDEN if viewer.is_authenticated else SIGN_IN)
        if wall.left_at is not None and wall.left_at + LINGER < self.loop.time():
            self.walls.pop(key, None)

    def _follow_feeds(self, marks: Mapping[int, Mark]) -> None:
        """Watch the feeds that boards want now, and load those that are not as held."""
        boards = [wall.board for wall in self.walls.values()]
        wanted = {id_ for id_, m in marks.items() if any(b.wants(m.name) for b in boards)}
        unwanted = self.held.feeds.keys() - wanted
        self._touch(self._names(unwanted))
        for id_ in unwanted:
            self.held.drop(id_)
        self._watched = wanted
        self._want()
        missed = {
            id_
            for id_ in wanted & self.held.feeds.keys()
            if marks[id_].version > self.held.feeds[id_].version
        }
        edited = {
            id_
            for id_ in wanted
            if id_ not in self.held.feeds or marks[id_].revision != self.held.feeds[id_].revision
        }
        processes.count("repairs", len(missed))
        self._refresh((missed | edited) - self._coming)

    # Signs of life.

    async def _beat_for_ever(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_EVERY)
            frame = heartbeat()
            for slot in self.slots():
                slot.beat(frame)


def heartbeat() -> Frame:
    """What tells a page that the hub is alive, the server's time (ms), and its build."""
    said = {"type": "heartbeat", "now": clock.now() // 1000, "build": settings.BUILD}
    return Frame(json.dumps(said))


async def supervise(job: Callable[[], Awaitable[None]]) -> None:
    """Run a job that should never end, again and again."""
    while True:
        try:
            await job()
        # Broad: whatever went wrong, a hub that stands still is a wall that lies.
        except Exception:
            logger.exception("The hub's %s failed; it begins again", job.__name__)
        await asyncio.sleep(PAUSE)


_hub: Hub | None = None


def current() -> Hub:
    """The hub of this process, started when the first socket asks. On the server's loop only."""
    global _hub
    if _hub is None or _hub.loop is not asyncio.get_running_loop():
        _hub = Hub()
        _hub.start()
    return _hub


def slots() -> list[Slot]:
    """The slots of this process; none before the first socket came."""
    return _hub.slots() if _hub else []
