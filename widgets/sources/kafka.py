"""Messages of Kafka, and of what speaks its protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any, cast

from confluent_kafka import Message
from django import forms
from django.core.exceptions import ValidationError

from widgets import clock
from widgets.options import BoolField, ListField
from widgets.sources import Heard, Listened, Out, Streamed
from widgets.sources._brokers import BrokerOptions, check_naming, known_as, meaning, names
from widgets.sources._kafka import Consumer, said, split
from widgets.sources._naming import Naming, NoName
from widgets.sources._payload import Meaning, decode
from widgets.sources._sessions import context

EXAMPLE = "{key}, {topic}, {partition} or {header.host}"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
# How much the library fetches ahead at most, kB.
AHEAD = 16_384
_STEPS = [step for step in range(1, 1_001) if 1_000 % step == 0]
# s
STOPS_WITHIN = 0.5


def is_place(place: str) -> bool:
    return place in {"key", "topic", "partition"} or (
        place.startswith("header.") and place != "header."
    )


class KafkaOptions(BrokerOptions):
    """Which brokers, which topics, and what their messages mean."""

    field_order = ["servers", "topics", "group", "start", "payload", "name", "feed"]

    servers = ListField(help_text="Brokers to begin with, one or several: kafka.example:9092.")
    topics = ListField(help_text="Topics, or a pattern of them that begins with ^.")
    group = forms.CharField(
        required=False, max_length=200,
        help_text="The group that remembers what was read; made by Watchwall if empty. With "
        "another one, reading begins anew.",
    )  # fmt: skip
    start = forms.ChoiceField(
        initial="latest",
        choices=[(one, one) for one in ("latest", "earliest")],
        help_text="Where a new group begins: latest, with what comes, or earliest, with all "
        "that is there.",
    )
    payload = forms.ChoiceField(
        initial="json",
        choices=[(one, one) for one in ("json", "number", "text", "line protocol")],
        help_text="What a message holds: json (a number, an object or a list, as pushes have it), "
        "number, text or line protocol.",
    )
    name = forms.CharField(
        required=False, max_length=200,
        help_text="What stands before the names of series: {key}, {topic}, {partition} or "
        "{header.host}.",
    )  # fmt: skip
    feed = forms.CharField(
        required=False, max_length=200,
        help_text="Whose readings they are, by the same places: shop.{key}. Empty: this feed's.",
    )  # fmt: skip
    tls = BoolField(initial=False, help_text="Whether the brokers speak TLS.")
    mechanism = forms.ChoiceField(
        initial="SCRAM-SHA-512",
        choices=[(one, one) for one in MECHANISMS],
        help_text="How user and password are shown: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.",
    )

    def clean_servers(self) -> list[str]:
        given: list[str] = self.cleaned_data["servers"]
        for server in given:
            try:
                split(server)
            except ValueError as error:
                raise ValidationError(str(error)) from None
        return given

    def clean_name(self) -> str:
        return check_naming(self.cleaned_data["name"], is_place, EXAMPLE)

    def clean_feed(self) -> str:
        return check_naming(self.cleaned_data["feed"], is_place, EXAMPLE)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as Kafka keeps it. `at`: when it was written, ms; None if nobody knows."""

    topic: str
    partition: int
    offset: int
    at: int | None = None
    key: bytes | None = None
    value: bytes = b""
    headers: Sequence[tuple[str, bytes | str | None]] = ()

    @property
    def place(self) -> str:
        """As errors name it."""
        return f"{self.topic[:100]}, partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes of each message what it says. Pure."""

    feed: int
    # Cluster and group: what its streams are called by.
    origin: str
    meaning: Meaning
    name: Naming
    owner: Naming
    # How many partitions each topic has.
    partitions: Mapping[str, int]

    def read(self, message: Kept, now: int) -> tuple[list[Heard], str]:
        """What it says, or only where it stood, and what is wrong with it ("" if nothing). `now`
        in µs."""
        where = stream(self.origin, message.topic, message.partition)
        nothing = Heard(self.feed, None, stream=where, position=(message.offset, 0))
        parts = _parts(message)
        try:
            name, owner = self.name(parts), self.owner(parts)
        except NoName as error:
            return [nothing], f"{message.place}: {error}"
        at = moment(message, self.partitions.get(message.topic, 1))
        found = decode(message.value, name, self.meaning, now, at)
        heard = [
            Heard(self.feed, reading, name=owner, stream=where, position=(message.offset, i))
            for i, reading in enumerate(found.readings)
        ]
        return heard or [nothing], f"{message.place}: {found.wrong}" if found.wrong else ""


def stream(origin: str, topic: str, partition: int) -> str:
    """What its positions are kept under. Another group begins anew, and so does another cluster."""
    return f"{origin}/{topic}/{partition}"


def moment(message: Kept, partitions: int) -> int | None:
    """When it was written, µs.

    Kafka says so by the ms. The last digits tell those of one ms apart, since of two numbers at one
    moment a series would keep the first: each partition has µs of its own, and goes through them
    by its offsets, so that a message has the same moment whenever it is read.
    """
    if message.at is None:
        return None
    # That it divides 1,000 keeps the partitions apart also where the offsets begin again.
    step = next((step for step in _STEPS if step >= partitions), 1_000)
    return message.at * 1_000 + (message.offset * step + message.partition) % 1_000


def _parts(message: Kept) -> dict[str, str]:
    parts = {"topic": message.topic, "partition": str(message.partition)}
    if message.key is not None:
        parts["key"] = message.key.decode(errors="replace")
    for name, value in message.headers:
        if value is not None:
            text = value if isinstance(value, str) else value.decode(errors="replace")
            parts[f"header.{name}"] = text
    return parts


class Kafka(Streamed):
    """Series are called as in the payload, below what `name` makes of key, headers and topic.

    The time of a message is the reading's, if its payload has none. Offsets are kept in the
    transaction of the readings and committed to the group after it; listening begins where the
    database says. While much waits to be stored, the partitions are paused. A message that cannot
    be read is passed over, and said.
    """

    slug = "kafka"
    label = "Kafka"
    Options = KafkaOptions

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        [feed] = feeds
        session = Session(feed, out)
        try:
            session.run(stop)
        finally:
            session.consumer.close()


class Session:
    """One consumer of one feed, and what came to it."""

    def __init__(self, feed: Listened, out: Out) -> None:
        options = feed.options
        if options["tls"] and options["ca"]:
            context(options)  # The library would not say which file it cannot read.
        self.feed = feed
        self.out = out
        self.group = ("" if feed.trial else options["group"]) or known_as(feed)
        # The last message is read again: of several readings in it, the last may be missing.
        self._reached = {name: position[0] for name, position in feed.positions.items()}
        self.consumer = Consumer(
            configuration(options, self.group), options["topics"],
            lambda topic, part: self._reached.get(stream(self.reader.origin, topic, part)),
            latest=options["start"] == "latest",
        )  # fmt: skip

    def run(self, stop: Event) -> None:
        self.consumer.open()
        options, origin = self.feed.options, f"{self.consumer.cluster}/{self.group}"
        self.reader = Reader(
            self.feed.id, origin, meaning(options), names(options["name"]), names(options["feed"]),
            self.consumer.partitions,
        )  # fmt: skip
        self.out.connected()
        while not stop.is_set() and self._hand_on(self.consumer.read(STOPS_WITHIN)):
            self.consumer.commit()
            self._wait_for_room(stop)
        self.out.drain()
        self.consumer.commit(wait=True)

    def _wait_for_room(self, stop: Event) -> None:
        """While much waits to be stored, fetch nothing and go on talking to the group."""
        while not stop.is_set() and not self.out.room(0.2):
            self.consumer.pause()
            self._hand_on(self.consumer.read(0.0))
            self.consumer.commit()
        self.consumer.resume()

    def _hand_on(self, messages: Sequence[Message]) -> bool:
        """Have stored what came; it is committed after that. False: it is not taken any more."""
        heard: list[Heard] = []
        reached: dict[tuple[str, int], int] = {}
        wrong = ""
        now = clock.now()
        for message in messages:
            if (error := message.error()) is not None:
                wrong = said(error)
                continue
            kept = _kept(message)
            found, problem = self.reader.read(kept, now)
            heard += found
            wrong = problem or wrong
            reached[kept.topic, kept.partition] = kept.offset + 1
        taken = not reached or self.out.put(heard, partial(self.consumer.stored, reached))
        for (topic, part), offset in reached.items():
            self._reached[stream(self.reader.origin, topic, part)] = offset
        if wrong:
            self.out.failed(self.feed.id, wrong)
        return taken


def _kept(message: Message) -> Kept:
    kind, at = message.timestamp()
    # A list of pairs in all that is received.
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return Kept(
        message.topic() or "", message.partition() or 0, message.offset() or 0,
        at if kind else None, message.key(), message.value() or b"",
        headers,
    )  # fmt: skip


def configuration(options: Mapping[str, Any], group: str) -> dict[str, Any]:
    """What the options mean to the library. Pure."""
    given: dict[str, Any] = {
        "bootstrap.servers": ",".join(options["servers"]),
        "group.id": group,
        "client.id": "watchwall",
        # What is stored is told by us, and nothing else.
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        # Where a new group begins is decided before: this is for what is no longer there.
        "auto.offset.reset": "earliest",
        # A listener that was killed is missed this long by its group.
        "session.timeout.ms": 6_000,
        "heartbeat.interval.ms": 1_500,
        "queued.max.messages.kbytes": AHEAD,
        "reconnect.backoff.max.ms": 5_000,
        # It writes to stderr, and complains to us as well.
        "log_level": 0,
    }
    if options["tls"]:
        given["enable.ssl.certificate.verification"] = options["verify"]
        if options["ca"]:
            given["ssl.ca.location"] = options["ca"]
    if options["user"]:
        given["sasl.mechanism"] = options["mechanism"]
        given["sasl.username"] = options["user"]
        given["sasl.password"] = options["password"]
    protocol = "SSL" if options["tls"] else "PLAINTEXT"
    given["security.protocol"] = f"SASL_{protocol}" if options["user"] else protocol
    return given
