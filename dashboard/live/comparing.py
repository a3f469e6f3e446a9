"""Comparing what is held with the database, every 2 s: whatever was missed is repaired."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress

from django.contrib.auth.models import AnonymousUser

from dashboard.access import may_see
from dashboard.live import audience
from dashboard.live.board import Board, Key
from dashboard.live.codes import FORBIDDEN, GONE, SIGN_IN
from dashboard.live.drawing import Painter
from dashboard.live.groups import Groups
from dashboard.live.held import Held
from dashboard.live.loading import Loader
from dashboard.live.survey import Survey, Surveyor
from dashboard.live.thread import Query
from dashboard.live.wall import Wall
from widgets import clock, processes, publish

COMPARE_EVERY = 2.0
# A board whose last viewer left is kept so long (s): a page that reloads finds it warm.
LINGER = 30.0


class Comparer:
    """Decides which feeds are watched: those that boards want by name, also when new."""

    def __init__(
        self,
        walls: dict[Key, Wall],
        held: Held,
        groups: Groups,
        loader: Loader,
        painter: Painter,
        query: Query,
        own_group: str,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._walls, self._held, self._groups = walls, held, groups
        self._loader, self._painter, self._query = loader, painter, query
        self._always = {publish.CATALOGUE, own_group}
        self._surveyor = Surveyor()
        self._names: Mapping[int, str] = {}
        self._watched: set[int] = set()
        # The boards as they were when it was last decided what to watch.
        self._boards: dict[Key, Board] = {}
        self._wake = asyncio.Event()
        self._watch(set())

    def wake(self) -> None:
        """Compare now: something was made, edited or removed."""
        self._wake.set()

    def watch(self, board: Board, names: Mapping[int, str]) -> set[int]:
        """Watch what this board wants as well; the ids of its feeds."""
        self._names, self._boards = names, {}
        wanted = {id_ for id_, name in names.items() if board.wants(name)}
        self._watch(self._watched | wanted)
        return wanted

    def _watch(self, ids: set[int]) -> None:
        self._watched = ids
        self._groups.want({*self._always, *map(publish.feed_group, ids)})

    async def run(self) -> None:
        """Compare for ever."""
        while True:
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes just then.
            with suppress(TimeoutError):
                async with asyncio.timeout(COMPARE_EVERY):
                    await self._wake.wait()
            self._wake.clear()
            await self._compare()

    async def _compare(self) -> None:
        walls = {key: wall for key, wall in self._walls.items() if wall.ready}
        prints = {key: wall.board.fingerprint for key, wall in walls.items()}
        slots = [slot for wall in self._walls.values() for slot in wall.slots]
        audience.gauge(slots, clock.now())
        sessions = {slot.session for slot in slots if slot.session}
        found = await self._query(self._surveyor.survey, prints, self._watched, sessions)
        for key, wall in walls.items():
            self._follow_board(key, wall, found)
        self._follow_feeds(found)
        if self._held.is_full():
            self._loader.fit()
        self._painter.wake()

    def _follow_board(self, key: Key, wall: Wall, found: Survey) -> None:
        """Take in what was edited; close whoever may no longer see it; forget the unwatched."""
        if key not in found.there:
            for slot in wall.slots:
                slot.close(GONE)
            self._walls.pop(key, None)
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
        if wall.left_at is not None and wall.left_at + LINGER < self._loop.time():
            self._walls.pop(key, None)

    def _follow_feeds(self, found: Survey) -> None:
        """Watch the feeds that boards want now, and load those that are not as held."""
        self._decide(found.names)
        there = found.feeds.keys() & self._held.feeds.keys() & self._watched
        missed = {id_ for id_ in there if found.feeds[id_].version > self._held.feeds[id_].version}
        edited = {
            id_ for id_ in there if found.feeds[id_].revision != self._held.feeds[id_].revision
        }
        processes.count("repairs", len(missed))
        unheld = self._watched - self._held.feeds.keys()
        self._loader.refresh((missed | edited | unheld) - self._loader.coming)

    def _decide(self, names: Mapping[int, str] | None) -> None:
        """Match names and patterns anew where either has changed; drop what nobody wants."""
        boards = {key: wall.board for key, wall in self._walls.items()}
        if names is not None or boards != self._boards:
            self._names = self._names if names is None else names
            if boards != self._boards:
                self._loader.readmit()
            self._boards = boards
            self._watch({id_ for id_, name in self._names.items() if _wants(boards.values(), name)})
        unwanted = self._held.feeds.keys() - self._watched
        self._painter.touch(self._loader.names(unwanted))
        for id_ in unwanted:
            self._held.drop(id_)


def _wants(boards: Collection[Board], name: str) -> bool:
    return any(board.wants(name) for board in boards)
