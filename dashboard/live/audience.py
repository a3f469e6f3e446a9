"""Who watches through this process and what each screen shows, told every 5 s for staff to read."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypedDict

from django.db import DatabaseError

from dashboard.live.board import Board, Key
from dashboard.live.slot import Slot
from dashboard.live.thread import Query
from dashboard.live.wall import Wall
from dashboard.models import Audience
from widgets import clock, processes
from widgets.clock import SECOND
from widgets.turns import writing

logger = logging.getLogger(__name__)

# So many of a process are told one by one, the furthest behind first: thousands of rows every 5 s
# would cost the database more than all that they watch.
MOST = 200


class Told(TypedDict):
    """One connection, as it is stored. Moments and spans in µs; `heard`: when its page last said
    what it has painted; `behind`: for how long it has not painted what it was handed."""

    user: str
    address: str
    browser: str
    way: str
    since: int
    slug: str
    title: str
    tile: int | None
    heard: int | None
    behind: int
    versions_behind: int


@dataclass(slots=True)
class Teller:
    """Runs on the hub's loop; `query` writes in a thread that nothing else waits for."""

    walls: Mapping[Key, Wall]
    query: Query
    # Whether what was last written says that nobody is here.
    _empty: bool = False

    async def run(self) -> None:
        """Tell for ever; the database may be away."""
        while True:
            await asyncio.sleep(processes.BEAT / SECOND)
            try:
                await self.tell()
            except DatabaseError as error:
                logger.warning("Who watches could not be written: %s", error)

    async def tell(self) -> None:
        """Write who is here; once more when the last has gone, and then nothing."""
        now = clock.now()
        count = sum(len(wall.slots) for wall in self.walls.values())
        if count or not self._empty:
            await self.query(write, count, furthest_behind(self.walls.values(), now), now)
            self._empty = not count


def furthest_behind(walls: Iterable[Wall], now: int, most: int = MOST) -> list[Told]:
    """The connections of these walls that are furthest behind, those first."""
    everybody = ((slot, wall.board) for wall in walls for slot in wall.slots)
    found = heapq.nlargest(most, everybody, key=lambda one: one[0].receipt.behind(now))
    return [told(slot, board, now) for slot, board in found]


def told(slot: Slot, board: Board, now: int) -> Told:
    who, receipt = slot.visitor, slot.receipt
    return Told(
        user=who.user,
        address=who.address,
        browser=who.browser,
        way=who.way,
        since=who.since,
        slug=board.slug,
        title=board.tiles[0].title if board.key.tile else board.title,
        tile=board.key.tile,
        heard=receipt.heard_at,
        behind=receipt.behind(now),
        versions_behind=receipt.versions_behind,
    )


def write(count: int, rows: list[Told], now: int) -> None:
    """Put this process's row in the place of its last, and forget those of the long gone."""
    row = Audience(process=processes.key(), seen=now, count=count, rows=rows)
    fields = ["seen", "count", "rows"]
    with writing():
        Audience.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["process"], update_fields=fields
        )
        Audience.objects.filter(seen__lt=now - processes.FORGOTTEN).delete()


def gauge(slots: Collection[Slot], now: int) -> None:
    """Keep the figures of all the sockets of this process for its row."""
    processes.gauge("sockets", len(slots))
    processes.gauge("sockets.events", sum(slot.visitor.way == "events" for slot in slots))
    # How many sockets cannot keep up with what happens.
    processes.gauge("sockets.behind", sum(slot.waits for slot in slots))
    processes.gauge("stalest", max((slot.receipt.behind(now) for slot in slots), default=0))
