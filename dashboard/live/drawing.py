"""Drawing what has changed, when it is due: at once, and then at most once a frame."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from dashboard.live.board import Key
from dashboard.live.held import Held
from dashboard.live.wall import Wall
from widgets import clock, processes, trouble

LOOK_EVERY = 1.0


class Painter:
    """Hands each fragment that it draws to every socket of its wall. Never waits for one.

    `lack` is told of feeds whose windows a tile would have drawn and were not held.
    """

    def __init__(
        self,
        walls: Mapping[Key, Wall],
        held: Held,
        lack: Callable[[Collection[int]], object],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._walls, self._held, self._lack = walls, held, lack
        self._changed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._said: tuple[str, int] | None = None

    def touch(self, names: Collection[str]) -> None:
        """The feeds with these names changed."""
        for wall in self._walls.values():
            wall.mark(names)
        self.wake()

    def wake(self) -> None:
        """Something may be due."""
        self._changed.set()

    async def run(self) -> None:
        """Draw for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            for wall in [wall for wall in self._walls.values() if wall.ready]:
                self._paint(wall)
                # A process with many boards still answers between two of them.
                await asyncio.sleep(0)

    async def say(self) -> None:
        """Say on every wall whether this process can write to the database, for ever."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            now = clock.now()
            standing = trouble.standing(now)
            found = (standing.said, standing.since) if standing else None
            if found != self._said:
                self._said = found
                for wall in [wall for wall in self._walls.values() if wall.ready]:
                    _hand_out(wall, wall.say(self._held, now))

    def stop(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _paint(self, wall: Wall) -> None:
        parts = wall.paint(self._held, clock.now(), self._loop.time())
        if wall.lacks:
            self._lack(wall.lacks)
            wall.lacks = set()
        _hand_out(wall, parts)
        if (due := wall.due_at) is not None:
            self._paint_at(due)

    def _paint_at(self, moment: float) -> None:
        if self._timer and self._loop.time() < self._timer.when() <= moment:
            return
        if self._timer:
            self._timer.cancel()
        self._timer = self._loop.call_at(moment, self.wake)


def _hand_out(wall: Wall, parts: Mapping[str, str]) -> None:
    if not parts:
        return
    processes.count("frames", len(wall.slots))
    processes.count("fragments", len(parts) * len(wall.slots))
    frame = wall.frame(parts)
    for slot in wall.slots:
        slot.put(parts, frame)
