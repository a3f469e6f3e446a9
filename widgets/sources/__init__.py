"""Sources: how readings are obtained. One module is one source; the registry scans for them.

A polled one is a `Source` with `fetch`. A streamed one is a `Streamed` with `listen`: it is called
in a thread of its own with all feeds that share one connection, reads, and hands on what came with
`out.put(batch, ack)`. That blocks while too much waits to be stored, so a source that reads
nothing more until it returns is slowed down as the database is; `ack` is called once, after the
commit, in the writer's thread: note it there and tell the broker in your own.

    def listen(self, feeds, out, stop):
        with connect(feeds[0].options) as client:      # SourceError: said on the tiles, tried again
            out.connected()
            while not stop.is_set():
                batch, mark = client.read(within=1)
                out.put(decode(batch), lambda: done.append(mark))
                client.acknowledge(done)
            out.drain()                                # what was handed on is stored, or given up
            client.acknowledge(done)

Whatever can be delivered twice carries a `position` in its `stream`: it is kept in the same
transaction as the reading, and what is not beyond it is not recorded again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, ClassVar, Literal, Protocol

from widgets.clock import SECOND
from widgets.options import Options
from widgets.reading import Reading
from widgets.registry import Registry

# A place in a stream: an offset, the two numbers of a Redis entry's id. Compared as tuples are.
Position = tuple[int, ...]


class SourceError(Exception):
    """A fetch that failed. The message is a sentence for a person: what, on what, what to do."""


class Source:
    """One way to obtain readings.

    An instance serves every feed of its kind and every thread, so it holds nothing of its own.
    `fetch` is `async def` (runs on the process's I/O loop and must never block it) or a plain
    `def` (runs in a worker thread). Both are cut off at the feed's timeout. It raises
    SourceError, or returns a Reading. `memo` is a JSON object of this feed that outlives the
    process (raw counters, for rates); change it in place.
    """

    slug: ClassVar[str] = ""
    label: ClassVar[str] = ""
    Options: ClassVar[type[Options]] = Options
    mode: ClassVar[Literal["polled", "streamed", "pushed"]] = "polled"
    # A reading of one machine: the feed names its node, and only that machine's consumers claim it.
    local: ClassVar[bool] = False
    interval: ClassVar[int] = 10 * SECOND
    timeout: ClassVar[int] = 5 * SECOND

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading | Awaitable[Reading]:
        raise NotImplementedError

    def cut_off(self, options: dict[str, Any], message: str) -> Reading | Awaitable[Reading] | None:
        """What it means that the timeout came first; `message` says "no answer within 5 s".

        None: the fetch has failed. A check of something else has found it down instead, and
        that is a reading. An `async def` has a few seconds for it on the I/O loop.
        """
        return None


@dataclass(frozen=True, slots=True)
class Listened:
    """A feed that is listened for. `options` are complete, with secrets in them.

    `positions`: how far each of its streams was stored when listening began. `rows`: its last,
    and `at`: when its newest reading was true, µs. `trial`: somebody wants to see what would come.
    Nothing of it is stored, so nothing may be taken from whoever listens for good: another name at
    the broker, and no session that it keeps.
    """

    id: int
    name: str
    options: Mapping[str, Any]
    positions: Mapping[str, Position] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] = ()
    at: int | None = None
    trial: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A reading that a stream brought. None: nothing but that the stream has come so far.

    `feed`: the id of the feed listened for. `name`: the reading is another feed's, of that name,
    which is made if there is none, private; "" if it is the feed's own. `position`, in `stream`:
    where it stood; each one is greater than all that were heard of this stream before, as lists
    compare. None: what is delivered twice is told by its time alone (`reading.at`), or by `id`:
    a message that was heard lately is not recorded again. `stream` names broker and topic, so that
    what the feed listens to after an edit is another.
    """

    feed: int
    reading: Reading | None
    name: str = ""
    stream: str = ""
    position: Position | None = None
    id: str = ""


class Out(Protocol):
    """Where a streamed source hands on what it hears. Any thread may call it."""

    def put(self, batch: Sequence[Heard], ack: Callable[[], None] | None = None) -> bool:
        """Have the batch stored; waits while too much waits. False: it is not taken any more, as
        listening ends.

        `ack` is called after the commit, in the writer's thread, and in the order of the batches;
        it must not wait for anything. It is not called of what could not be committed.
        """

    def room(self, within: float) -> bool:
        """Whether `put` would not wait, now or after so many seconds at most. For a source that
        must go on talking to its broker meanwhile."""

    def drain(self) -> None:
        """Wait until all that was put is stored and acknowledged, or given up as listening ends."""

    def connected(self) -> None:
        """The connection stands: an error that was said of it is no more."""

    def failed(self, feed: int, message: str) -> None:
        """Something was wrong with one feed alone: a message that is not understood, a topic that
        may not be read. It is shown beside the last good reading, until the next."""


class Streamed(Source):
    """A source that is listened to.

    `listen` ends soon after `stop` is set. SourceError, or any end before that: the reason is shown
    on the feeds' tiles, and it is called again after a pause that grows, with jitter.
    """

    mode = "streamed"

    def together(self, options: Mapping[str, Any]) -> Hashable:
        """Feeds for which it is the same share one `listen`; None: a feed has one of its own.

        `options` are complete, with secrets in them.
        """
        return None

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        raise NotImplementedError


sources: Registry[Source] = Registry("source", "widgets.sources", Source)


def source_choices() -> list[tuple[str, str]]:
    """For the model field: asked each time, so that a new source makes no migration."""
    return sources.choices()
