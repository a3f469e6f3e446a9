"""One consumer of Kafka, kept by the thread that listens."""

from __future__ import annotations

import re
import socket
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer as Client
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition
from django.conf import settings

from widgets import egress
from widgets.sources import SourceError
from widgets.sources._http import system_words

# s
CONNECT = 10.0
MOST_AT_ONCE = 500
# Partition by topic and number, to an offset.
Offsets = Mapping[tuple[str, int], int]
# The next offset of a topic's partition, as the database has it; None if it has none.
Reached = Callable[[str, int], int | None]
# Which of its connections it speaks of: `127.0.0.1:9092/bootstrap: `.
_WHO = re.compile(r"^\S+/(bootstrap|\d+): ")
_WRONG = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError._FATAL}


class Consumer:
    """From being opened to its end; there is another one after that.

    Every method belongs to one thread, except `stored`. The library connects in threads of its own,
    and again and again; what it complains of is raised by `read` once no broker answers any more.
    Raises SourceError.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any],
        topics: Sequence[str],
        reached: Reached,
        *,
        latest: bool,
    ) -> None:
        self.name = f"Kafka at {configuration['bootstrap.servers']}"
        self._topics = topics
        self._reached = reached
        self._latest = latest
        # By its own name for itself, once it is open.
        self.cluster = ""
        # How many each topic has, once they are assigned.
        self.partitions: dict[str, int] = {}
        self._complaint: KafkaError | None = None
        self._last = ""
        self._paused = False
        self._stored: deque[Offsets] = deque()
        allowed(host for host, _ in map(split, configuration["bootstrap.servers"].split(",")))
        try:
            self._client = Client({**configuration, "error_cb": self._complain})
        except KafkaException as error:
            raise SourceError(f"{self.name}: {said(error.args[0])}") from None

    def open(self) -> None:
        """See that somebody answers, and begin."""
        found = self._ask(CONNECT)
        # It connects by itself to those that were named to it, from here on.
        allowed(broker.host for broker in found.brokers.values())
        self.cluster = found.cluster_id or ""
        self._client.subscribe(list(self._topics), on_assign=self._assigned)

    def read(self, within: float) -> list[Message]:
        """What came, waiting for the first of it for so many seconds at most."""
        try:
            first = self._client.poll(within)
            self._look()
            # Waiting until there are so many would hold up those that are there.
            return [first, *self._client.consume(MOST_AT_ONCE, 0)] if first is not None else []
        except KafkaException as error:
            raise SourceError(f"{self.name}: {said(error.args[0])}") from None

    def pause(self) -> None:
        """Fetch nothing for now. `read` must go on, or the group believes that nobody is there."""
        if not self._paused:
            self._client.pause(self._client.assignment())
            self._paused = True

    def resume(self) -> None:
        if self._paused:
            self._client.resume(self._client.assignment())
            self._paused = False

    def stored(self, offsets: Offsets) -> None:
        """Up to these is in the database. For the writer's thread: it only notes them."""
        self._stored.append(offsets)

    def commit(self, *, wait: bool = False) -> None:
        """Tell the group what is stored. What is not told is known from the database, too."""
        reached: dict[tuple[str, int], int] = {}
        while self._stored:
            reached |= self._stored.popleft()
        if not reached:
            return
        marks = [TopicPartition(topic, part, offset) for (topic, part), offset in reached.items()]
        try:
            if wait:
                self._client.commit(offsets=marks, asynchronous=False)
            else:
                self._client.commit(offsets=marks, asynchronous=True)
        except KafkaException as error:
            if wait:
                return  # It ends, and begins where the database says.
            raise SourceError(f"{self.name}: {said(error.args[0])}") from None

    def close(self) -> None:
        self._client.close()

    def _ask(self, within: float) -> Any:
        """What is there, as any of the brokers has it."""
        try:
            return self._client.list_topics(timeout=within)
        except KafkaException as error:
            # It says that nobody answered; why is what it complains of, and only here.
            self._complaint = None
            self._client.poll(0)
            raise SourceError(f"{self.name}: {self._last or said(error.args[0])}") from None

    def _complain(self, error: KafkaError) -> None:
        """Called from within `poll` and the like."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN or error.code() in _WRONG:
            self._complaint = error
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._last = said(error)

    def _look(self) -> None:
        """Raise what was complained of, if it still holds."""
        error, self._complaint = self._complaint, None
        if error is None:
            return
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            # Also said of a connection that was idle for long and is opened anew at once.
            self._ask(CONNECT)
            return
        raise SourceError(f"{self.name}: {said(error)}")

    def _assigned(self, client: Client, partitions: list[TopicPartition]) -> None:
        """Begin where the database says, or else the group, or else where a new one does."""
        begun = []
        for partition in partitions:
            known = self.partitions.get(partition.topic, 0)
            self.partitions[partition.topic] = max(known, partition.partition + 1)
            first, following = client.get_watermark_offsets(partition, timeout=CONNECT)
            offset = self._reached(partition.topic, partition.partition)
            if offset is None:
                [told] = client.committed([partition], timeout=CONNECT)
                offset = told.offset
            if offset < 0:
                offset = following if self._latest else first
                begun.append(TopicPartition(partition.topic, partition.partition, offset))
            elif offset > following:
                raise SourceError(
                    f"the topic {partition.topic} was made anew: it ends at {following}, and "
                    f"{offset} was read of it; give the feed another group"
                )
            partition.offset = offset
        client.assign(partitions)
        if begun:
            # From now on nothing is missed, also if this one ends before anything is stored.
            client.commit(offsets=begun, asynchronous=False)
        if self._paused:
            client.pause(partitions)


def split(server: str) -> tuple[str, str]:
    """`host:port` or `[address]:port` as two; ValueError if it is neither."""
    host, sign, port = server.strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not sign or not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f"{server[:60]!r} is no address; write host:9092")
    return host, port


def allowed(hosts: Iterable[str]) -> None:
    """SourceError if one of them is outside what WATCHWALL_EGRESS allows.

    The library resolves names itself, after this.
    """
    if not settings.EGRESS:
        return
    for host in hosts:
        try:
            for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM):
                egress.check(str(found[4][0]))
        except egress.Refused as error:
            raise SourceError(f"{host}: {error.reason}") from None
        except OSError as error:
            raise SourceError(f"{host}: {system_words(error)}") from None


def said(error: KafkaError) -> str:
    """The library's words, without what only it needs."""
    words = _WHO.sub("", " ".join(error.str().split()))
    return words.partition(" (after ")[0] or error.name()
