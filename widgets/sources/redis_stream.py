"""Entries of a Redis stream, read as one of a group."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any

from django import forms
from redis import Redis as Client
from redis.exceptions import ResponseError

from widgets import clock
from widgets.clock import SECOND
from widgets.options import DurationField
from widgets.sources import Heard, Listened, Out, Streamed
from widgets.sources._entries import BadEntry, after, moment_of, read_entry
from widgets.sources._newest import Newest, with_rows
from widgets.sources._redis import ServerOptions, Where, blocking, said, where

AT_ONCE = 500
# How long Redis waits for entries before it answers that there are none, ms.
BLOCK = 250
# An answer that takes longer than so, s, does not come.
TIMEOUT = 10.0
# Those of its own that the wall takes over lie apart: they come in no order.
TAKEN_OVER = "{}-taken-over"


class RedisStreamOptions(ServerOptions):
    """Which stream, as whom, and what its entries mean."""

    stream = forms.CharField(max_length=500, help_text="The key of the stream.")
    group = forms.CharField(
        initial="watchwall",
        max_length=200,
        help_text="The group to read as, made if there is none. Each group gets every entry.",
    )
    consumer = forms.CharField(
        initial="watchwall",
        max_length=200,
        help_text="The name within the group: two walls that share a group need one each.",
    )
    start = forms.ChoiceField(
        initial="end",
        choices=[("end", "end"), ("beginning", "beginning")],
        help_text="Where a group that is made begins: end, with what comes from now on, or "
        "beginning, with what the stream still holds.",
    )
    payload = forms.CharField(
        required=False,
        max_length=200,
        help_text="The field that holds JSON, as it may be pushed. Empty: every field of an entry "
        "that is a number is a series.",
    )
    time = forms.CharField(
        required=False,
        max_length=200,
        help_text="The field that says when it is true, in seconds or as ISO 8601. Empty: the id "
        "of the entry, which begins with a time.",
    )
    rows = forms.IntegerField(
        initial=0, min_value=0, max_value=100,
        help_text="How many of the newest entries are rows for a table.",
    )  # fmt: skip
    take_over = DurationField(
        initial="1 min",
        least=5 * SECOND,
        help_text="Entries that another consumer of the group has held so long without an "
        "acknowledgement are taken over from it.",
    )


class RedisStream(Streamed):
    """Series: the fields of an entry that are numbers, or what JSON in one field says.

    Entries are read as a consumer of a group and acknowledged (XACK) once they are stored; what
    was read and not acknowledged comes first after a restart, and what consumers that are gone
    have left is taken over (XAUTOCLAIM). An entry is stored once: how far the stream was stored is
    kept with its readings; an entry that was another consumer's is known by its time.
    Format: Redis, "Redis Streams".
    """

    slug = "redis-stream"
    label = "Redis stream"
    Options = RedisStreamOptions

    def together(self, options: Mapping[str, Any]) -> Hashable:
        shared = ("url", "user", "password", "ca", "verify", "group", "consumer", "take_over")
        return tuple(options[name] for name in shared)

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        options = feeds[0].options
        at = where(options["url"])
        with blocking(at, options, TIMEOUT) as client:
            reader = Reader(at, client, feeds, out)
            if feeds[0].trial:
                reader.look(stop)
            else:
                reader.run(stop)


@dataclass(slots=True)
class Reader:
    """The state of one connection. All of it runs in one thread but for `_stored`."""

    at: Where
    client: Client[Any]
    feeds: Sequence[Listened]
    out: Out
    streams: dict[str, list[Listened]] = field(default_factory=dict)
    newest: dict[int, Newest] = field(default_factory=dict)
    # The moments of the last entries.
    last: dict[int, int] = field(default_factory=dict)
    # What is stored and not yet acknowledged, by stream; appended by the thread that stores.
    done: deque[tuple[str, list[str]]] = field(default_factory=deque)
    on_its_way: int = 0
    looked: float = 0.0

    @property
    def group(self) -> str:
        return str(self.feeds[0].options["group"])

    @property
    def consumer(self) -> str:
        return str(self.feeds[0].options["consumer"])

    @property
    def taker(self) -> str:
        return TAKEN_OVER.format(self.consumer)

    def ask(self, command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with said(self.at):
            return command(*args, **kwargs)

    def __post_init__(self) -> None:
        for feed in self.feeds:
            self.streams.setdefault(feed.options["stream"], []).append(feed)
            self.newest[feed.id] = Newest(feed, feed.options["rows"])
            self.last[feed.id] = feed.at or 0

    def run(self, stop: Event) -> None:
        """Read and acknowledge until the end."""
        self.begin()
        self.out.connected()
        for consumer in (self.consumer, self.taker):
            self.read_own(consumer, stop)
        while not stop.is_set():
            self.acknowledge()
            self.take_over()
            self.read_new()
        self.out.drain()
        self.acknowledge()

    def begin(self) -> None:
        """See that every stream has the group."""
        for stream, [feed, *_] in self.streams.items():
            first = "0" if feed.options["start"] == "beginning" else "$"
            self.ask(self._make_group, stream, first)

    def _make_group(self, stream: str, first: str) -> None:
        try:
            self.client.xgroup_create(stream, self.group, id=first, mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def look(self, stop: Event) -> None:
        """Read as nobody of the group, from which nothing is taken that way."""
        [(stream, [feed])] = self.streams.items()
        last = "0"
        if feed.options["start"] == "end":
            newest = self.ask(self.client.xrevrange, stream, count=1)
            last = newest[0][0] if newest else last
        self.out.connected()
        while not stop.is_set():
            for _, entries in self.ask(
                self.client.xread, {stream: last}, count=AT_ONCE, block=BLOCK
            ):
                self.hand_on(stream, entries, in_order=False)
                last = entries[-1][0]

    # -- reading -----------------------------------------------------------------------------

    def read_own(self, consumer: str, stop: Event) -> None:
        """What was read under this name before, and not acknowledged: the listener died."""
        for stream in self.streams:
            last = "0"
            while not stop.is_set():
                found = self._read(consumer, {stream: last}, None)
                entries = found[0][1] if found else []
                if not entries:
                    break
                last = entries[-1][0]
                self.hand_on(stream, entries, in_order=consumer == self.consumer)

    def read_new(self) -> None:
        wanted = dict.fromkeys(self.streams, ">")
        for stream, entries in self._read(self.consumer, wanted, BLOCK):
            self.hand_on(stream, entries, in_order=True)

    def _read(self, consumer: str, streams: dict[str, str], block: int | None) -> Any:
        return self.ask(
            self.client.xreadgroup, self.group, consumer, streams, count=AT_ONCE, block=block
        )

    def take_over(self) -> None:
        """What consumers that are gone hold. While something of our own is on its way, nothing is:
        that is held for long, too, when the database is away."""
        idle = self.feeds[0].options["take_over"]
        if self.on_its_way or time.monotonic() < self.looked + idle / SECOND / 4:
            return
        self.looked = time.monotonic()
        for stream in self.streams:
            following: Any = "0-0"
            while True:
                following, entries, *_ = self.ask(
                    self.client.xautoclaim, stream, self.group, self.taker, idle // 1_000,
                    following, count=AT_ONCE,
                )  # fmt: skip
                if entries:
                    self.hand_on(stream, entries, in_order=False)
                if following == "0-0":
                    break

    # -- handing on --------------------------------------------------------------------------

    def hand_on(self, stream: str, entries: Sequence[Any], in_order: bool) -> None:
        """Entries that were deleted before they were read have no fields, and are done with."""
        batch: list[Heard] = []
        for feed in self.streams[stream]:
            heard = []
            for id_, fields in entries:
                if fields:
                    heard += self._heard(feed, id_, fields, in_order)
            batch += with_rows(heard, self.newest[feed.id])
        ids = [id_ for id_, _ in entries]
        self.on_its_way += len(ids)
        self.out.put(batch, partial(self._stored, stream, ids))

    def _heard(
        self, feed: Listened, id_: str, fields: Mapping[str, str], in_order: bool
    ) -> list[Heard]:
        first, _, second = id_.partition("-")
        place = int(first), int(second)
        stream = feed.options["stream"]
        now = clock.now()
        at = moment_of(place, now)
        if at is not None and in_order:
            at = self.last[feed.id] = after(at, self.last[feed.id])
        try:
            readings = read_entry(fields, feed.options, at, now)
        except BadEntry as bad:
            self.out.failed(feed.id, f"the entry {id_} of {stream}: {bad}")
            return []
        if feed.options["rows"]:
            # As its last reading is, by which all of it is stored.
            position = (*place, len(readings) - 1) if in_order else None
            self.newest[feed.id].add(dict(fields), self._named(stream), position)
        named = self._named(stream)
        return [
            Heard(feed.id, reading, stream=named, position=(*place, i) if in_order else None)
            for i, reading in enumerate(readings)
        ]

    def _named(self, stream: str) -> str:
        """The stream, as no other is called: the group has a place of its own in it."""
        at = self.at
        return f"{at.host}:{at.port}/{at.database} {self.group} {stream}"

    def _stored(self, stream: str, ids: list[str]) -> None:
        self.done.append((stream, ids))

    def acknowledge(self) -> None:
        by_stream: defaultdict[str, list[str]] = defaultdict(list)
        while self.done:
            stream, ids = self.done.popleft()
            by_stream[stream] += ids
        for stream, ids in by_stream.items():
            self.ask(self.client.xack, stream, self.group, *ids)
            self.on_its_way -= len(ids)
