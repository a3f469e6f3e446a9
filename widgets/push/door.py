"""What was decoded goes to its feeds, if its token may, and is committed before it is answered."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import ParamSpec, TypeVar

from django.db import close_old_connections, connection

from widgets import directory, publish, record
from widgets.change import Arrival, Outcome
from widgets.directory import Directory, Known, names_of, without
from widgets.formats import BadPush, Push, Reload, Result
from widgets.push.tokens import Grant
from widgets.reading import Reading

P = ParamSpec("P")
R = TypeVar("R")

# What is said of a body in which much is wrong.
MOST_SAID = 20
# Arrivals handed to the writer at a time: one body must not fill its queue.
AT_ONCE = 1_000


class Threads:
    """Two threads that ask the database: one looks, and one writes, which may have to wait."""

    def __init__(self) -> None:
        self._look = ThreadPoolExecutor(1, "push-look")
        self._write = ThreadPoolExecutor(1, "push-write")

    async def look(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(self._look, lambda: work(*args, **kwargs))

    async def write(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._run(self._write, lambda: work(*args, **kwargs))

    async def _run(self, thread: ThreadPoolExecutor, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(thread, _with_connection, work)

    def stop(self) -> None:
        """Close the connections and end the threads, after what they have begun."""
        for thread in (self._look, self._write):
            # Looked up in that thread: each has a connection of its own.
            thread.submit(lambda: connection.close()).result()
            thread.shutdown()


def _with_connection(work: Callable[[], R]) -> R:
    close_old_connections()
    try:
        return work()
    finally:
        # Where connections are pooled it goes back; where they are kept it stays.
        close_old_connections()


@dataclass(slots=True)
class Tally:
    """What of one body was taken and what was not."""

    taken: int = 0
    refused: list[BadPush] = field(default_factory=list)
    more: int = 0
    version: int = 0
    reloads: list[Reload] = field(default_factory=list)

    def refuse(self, bad: BadPush) -> None:
        if len(self.refused) < MOST_SAID:
            self.refused.append(bad)
        else:
            self.more += 1

    def result(self) -> Result:
        if not self.refused:
            return Result(taken=self.taken, version=self.version)
        first = self.refused[0]
        others = len(self.refused) - 1 + self.more
        message = f"{first}; {others:,} more like it" if others else str(first)
        if self.taken:
            message = f"{self.taken:,} taken, {others + 1:,} refused: {message}"
        status = 400 if self.taken else first.status
        return Result(status, self.taken, self.refused, self.more, message, self.version)


def gathered(items: Iterable[Push | BadPush | Reload], tally: Tally) -> list[Push]:
    """What a decoder yields: the pushes; the rest goes to the tally. It may be run anywhere."""
    pushes = []
    try:
        for item in items:
            if isinstance(item, Push):
                pushes.append(item)
            elif isinstance(item, Reload):
                tally.reloads.append(item)
            else:
                tally.refuse(item)
    except BadPush as bad:
        # Of a body that is no good as a whole nothing is taken, and nothing else is said.
        tally.refused, tally.more = [bad], 0
        return []
    return pushes


class Door:
    """Hands pushes in. One in a process, on the server's loop."""

    def __init__(self, feeds: Directory, threads: Threads) -> None:
        self.feeds = feeds
        self.threads = threads

    async def deliver(self, pushes: Sequence[Push], tally: Tally, grant: Grant, now: int) -> None:
        """Record what the token may; the tally says what became of it. `now`: its arrival, µs.

        NotRecorded: the database would not take it, or too much waits.
        """
        for one in tally.reloads:
            if _allowed(one.dashboard, "the dashboard ", "", grant, tally):
                publish.publish_reload(one.dashboard, now)
        mine = [push for push in pushes if _allowed(push.feed, "", push.place, grant, tally)]
        gone = await self._deliver(mine, tally, grant, now)
        if gone:
            # Deleted since they were remembered: made again, if the token may.
            self.feeds.forget()
            for push in await self._deliver(gone, tally, grant, now):
                tally.refuse(BadPush(push.place, f'the feed "{push.feed}" was deleted', 404))

    async def _deliver(
        self, pushes: Sequence[Push], tally: Tally, grant: Grant, now: int
    ) -> list[Push]:
        """Those whose feed was deleted meanwhile."""
        await self._find({push.feed for push in pushes}, grant)
        found = [(push, known) for push in pushes if (known := self._known(push, grant, tally))]
        fitting = await self._fit(found, tally, grant)
        gone = []
        for start in range(0, len(fitting), AT_ONCE):
            some = fitting[start : start + AT_ONCE]
            arrivals = [
                Arrival(known.id, now, push.reading, fold=push.fold) for push, known in some
            ]
            outcomes = await done(record.offer(arrivals))
            for (push, _), outcome in zip(some, outcomes, strict=True):
                if outcome.status == "gone":
                    gone.append(push)
                elif outcome.kept:
                    tally.taken += size(push.reading)
                    tally.version = max(tally.version, outcome.version)
                else:
                    tally.refuse(BadPush(push.place, outcome.message))
        return gone

    async def _find(self, names: set[str], grant: Grant) -> None:
        """See that the feeds are remembered, and made where they are not there."""
        unknown = {name for name in names if self.feeds.get(name) is None}
        if not unknown:
            return
        missing = await self.threads.look(self.feeds.load, unknown)
        if missing and grant.may_create:
            await self.threads.write(directory.make, missing, grant.maker)
            await self.threads.look(self.feeds.load, missing)

    def _known(self, push: Push, grant: Grant, tally: Tally) -> Known | None:
        known = self.feeds.get(push.feed)
        if known is not None and not known.refuses:
            return known
        if known is not None:
            bad = BadPush(push.place, known.refuses, 403)
        elif grant.may_create:
            most = directory.MOST_FEEDS
            bad = BadPush(
                push.place,
                f'there is no feed "{push.feed}", and the token "{grant.name}" has made '
                f"{most:,}, which is the most it may",
                403,
            )
        else:
            bad = BadPush(
                push.place,
                f'there is no feed "{push.feed}", and the token "{grant.name}" may not make one',
                404,
            )
        tally.refuse(bad)
        return None

    async def _fit(
        self, found: Sequence[tuple[Push, Known]], tally: Tally, grant: Grant
    ) -> list[tuple[Push, Known]]:
        """Without the series that there is no room for."""
        if not any(names_of(push.reading) - known.series for push, known in found):
            return list(found)
        room = await self.threads.look(directory.room_for_series, grant.maker)
        fitting = []
        for push, known in found:
            new = sorted(names_of(push.reading) - known.series)
            left, why = directory.refusal_of_series(known, room, grant.maker)
            taken, refused = new[:left], new[left:]
            known.series.update(taken)
            room -= len(taken)
            reading = push.reading
            if refused:
                for name in refused:
                    tally.refuse(BadPush(push.place, f"{why}; {name[:80]} is not taken", 403))
                reading = without(reading, set(refused))
                if not names_of(reading) and reading.rows is None and reading.text is None:
                    continue
            fitting.append((replace(push, reading=reading), known))
        return fitting


def _allowed(name: str, what: str, place: str, grant: Grant, tally: Tally) -> bool:
    if grant.covers(name):
        return True
    said = f'the token "{grant.name}" is for {grant.said} and not for {what}"{name[:80]}"'
    tally.refuse(BadPush(place, said, 403))
    return False


def size(reading: Reading) -> int:
    """How many numbers; a reading without any counts as one."""
    return len(reading.numbers) + len(reading.history) + len(reading.lost) or max(
        len(reading.marks), 1
    )


async def done(answers: Sequence[Future[Outcome]]) -> list[Outcome]:
    """The outcomes when all are there; NotRecorded if any of them is."""
    if not answers:
        return []
    loop = asyncio.get_running_loop()
    event = asyncio.Event()
    left = len(answers)
    lock = threading.Lock()

    def count(_: Future[Outcome]) -> None:
        # In the writer's thread, or here if it was quicker. The loop is woken once, not for each.
        nonlocal left
        with lock:
            left -= 1
            last = not left
        if last:
            loop.call_soon_threadsafe(event.set)

    for answer in answers:
        answer.add_done_callback(count)
    await event.wait()
    return [answer.result() for answer in answers]
