"""A stream that a test holds in its hands, and what is needed to listen to it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django import forms

from e2e.wall import eventually
from widgets import record
from widgets.models import FeedState, Sample
from widgets.options import Options
from widgets.reading import Reading
from widgets.sources import Heard, Listened, Out, SourceError, Streamed
from widgets.streams.intake import Intake, Outlet
from widgets.streams.supervisor import Supervisor


class FakeOptions(Options):
    """Which broker, and what from it."""

    broker = forms.CharField(initial="here", help_text="Its name.")
    topic = forms.CharField(initial="t", help_text="Its topic.")


class Broker:
    """What the test puts in is heard by whoever listens; `acked` is what was acknowledged."""

    def __init__(self) -> None:
        self.sent: queue.Queue[tuple[Heard, ...] | Exception] = queue.Queue()
        self.acked: list[tuple[Heard, ...]] = []
        self.listening: list[list[Listened]] = []
        self.ended = 0
        self.refuses: str = ""

    def send(self, *heard: Heard) -> None:
        self.sent.put(heard)

    def fail(self, error: Exception) -> None:
        self.sent.put(error)


class Fake(Streamed):
    """A source on the brokers of this process."""

    slug = "fake"
    label = "Fake"
    Options = FakeOptions
    brokers: Mapping[str, Broker] = {}

    def together(self, options: Mapping[str, Any]) -> Hashable:
        return str(options["broker"])

    def listen(self, feeds: Sequence[Listened], out: Out, stop: threading.Event) -> None:
        broker = self.brokers[feeds[0].options["broker"]]
        broker.listening.append(list(feeds))
        try:
            if broker.refuses:
                raise SourceError(broker.refuses)
            out.connected()
            while not stop.is_set():
                self._hear(broker, out)
            out.drain()
        finally:
            broker.ended += 1

    def _hear(self, broker: Broker, out: Out) -> None:
        try:
            sent = broker.sent.get(timeout=0.02)
        except queue.Empty:
            return
        if isinstance(sent, Exception):
            raise sent
        out.put(sent, lambda: broker.acked.append(sent))


def number(value: float, feed: int, position: int | None = None, **heard: Any) -> Heard:
    """A number of the series `n`, in the stream `s`, as it stood there."""
    at = heard.pop("at", None)
    return Heard(
        feed, Reading({"n": value}, at=at, complete=False), stream="s",
        position=None if position is None else (position,), **heard,
    )  # fmt: skip


def values(name: str = "f") -> list[float]:
    """All that is stored of the feed, in order of time."""
    found = Sample.objects.filter(series__feed__name=name).order_by("ts")
    return list(found.values_list("value", flat=True))


def error(name: str = "f") -> str:
    return FeedState.objects.get(feed__name=name).error


@contextmanager
def intake() -> Iterator[Intake]:
    """One that runs."""
    one = Intake()
    one.start()
    try:
        yield one
    finally:
        one.stop()
        record.stop()


@contextmanager
def supervisor() -> Iterator[Supervisor]:
    """One that runs."""
    one = Supervisor()
    one.start()
    try:
        yield one
    finally:
        one.stop()
        record.stop()


def drained(intake: Intake, feed: int, *batches: Sequence[Heard], name: str = "f") -> Outlet:
    """Hand in batches as the stream of a feed, and wait until they are stored."""
    outlet = Outlet(intake, {feed: name})
    for batch in batches:
        assert outlet.put(batch)
    outlet.drain()
    return outlet


__all__ = [
    "Broker", "Fake", "drained", "error", "eventually", "intake", "number", "supervisor", "values",
]  # fmt: skip
