"""A source of streams listens in a thread, to what a test's own `Ear` does with it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from e2e.wall import eventually
from widgets.options import read
from widgets.reading import Reading
from widgets.sources import Heard, Listened, Position, SourceError, Streamed, sources

FEED = 7


@dataclass
class Ear:
    """Takes in what is heard, and stores it at once unless told otherwise.

    `stores`: whether what is put is acknowledged. `open`: whether there is room; without, `put`
    waits.
    """

    stores: bool = True
    heard: list[Heard] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    connections: int = 0
    # How often room was asked for.
    asked: int = 0
    error: SourceError | None = None
    ended: bool = False
    open: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.open.set()

    def put(self, batch: Sequence[Heard], ack: Callable[[], None] | None = None) -> bool:
        while not self.open.wait(0.05):
            if self.stop.is_set():
                return False
        self.heard += batch
        if self.stores and ack is not None:
            ack()
        return True

    def room(self, within: float) -> bool:
        self.asked += 1
        return self.open.wait(within)

    def drain(self) -> None:
        """Nothing waits."""

    def connected(self) -> None:
        self.connections += 1

    def failed(self, feed: int, message: str) -> None:
        assert feed == FEED
        self.wrong.append(message)

    @property
    def numbers(self) -> list[Mapping[str, float]]:
        return [heard.reading.numbers for heard in self.heard if heard.reading is not None]

    def hears(self, count: int, within: float = 20) -> list[Mapping[str, float]]:
        """The numbers, once there are so many readings."""
        eventually(lambda: len(self.numbers) >= count or self.error, within, f"{count} are heard")
        assert self.error is None, self.error
        return self.numbers

    def connects(self) -> None:
        eventually(lambda: self.connections or self.error, 20, "it is connected")
        assert self.error is None, self.error


def reading(heard: Heard) -> Reading:
    """What was heard, which was something."""
    assert heard.reading is not None
    return heard.reading


@contextmanager
def listening(
    slug: str,
    given: Mapping[str, Any],
    *,
    stores: bool = True,
    positions: Mapping[str, Position] | None = None,
    trial: bool = False,
) -> Iterator[Ear]:
    """The source listens within the block, and must end soon after it."""
    source = sources[slug]
    assert isinstance(source, Streamed)
    ear = Ear(stores)
    feed = Listened(FEED, "f", read(source.Options, given), positions or {}, trial=trial)

    def run() -> None:
        try:
            source.listen([feed], ear, ear.stop)
        except SourceError as error:
            ear.error = error
        finally:
            ear.ended = True

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield ear
    finally:
        ear.stop.set()
        thread.join(30)
        assert not thread.is_alive()


def error(slug: str, given: Mapping[str, Any]) -> str:
    """What it ends with, by itself."""
    with listening(slug, given) as ear:
        eventually(lambda: ear.ended, 30, "it has ended")
    assert ear.error is not None, "it ended without an error"
    return str(ear.error)
