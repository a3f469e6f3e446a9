"""Messages of an MQTT broker, as they are published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from paho.mqtt.client import MQTTMessage, topic_matches_sub

from widgets import clock
from widgets.options import BoolField, ListField, excerpt
from widgets.sources import Heard, Listened, Out, SourceError, Streamed
from widgets.sources._brokers import (
    BrokerOptions,
    check_naming,
    known_as,
    meaning,
    names,
)
from widgets.sources._mqtt import Broker, Connection
from widgets.sources._naming import NoName
from widgets.sources._payload import Meaning, decode
from widgets.sources._sessions import context

EXAMPLE = "{1}.{3}, with {1} for the first level of the topic, or {topic}"
SHARED = "$share/"
# How many topics a session remembers the names for.
MOST_TOPICS = 10_000
# So many messages every broker has on their way to us at once.
IN_FLIGHT = 10
# s
STOPS_WITHIN = 0.5


def is_place(place: str) -> bool:
    return place == "topic" or (place.isdecimal() and place.isascii() and place[0] != "0")


class MqttOptions(BrokerOptions):
    """Which broker, which topics, and what their messages mean."""

    field_order = ["url", "topics", "payload", "name", "feed"]

    url = forms.CharField(
        max_length=1000,
        help_text="The address: mqtt://host:1883, or mqtts://host:8883 for TLS.",
    )
    topics = ListField(
        help_text="What to subscribe to: home/+/temperature, home/#. + is one level, # all others."
    )
    payload = forms.ChoiceField(
        initial="json",
        choices=[(one, one) for one in ("json", "number", "text")],
        help_text="What a message holds: json (a number, an object or a list, as pushes have it), "
        "number, or text.",
    )
    name = forms.CharField(
        required=False, initial="{topic}", max_length=200,
        help_text="What series are called: {1}.{3} are the first and the third level of the topic.",
    )  # fmt: skip
    feed = forms.CharField(
        required=False, max_length=200,
        help_text="Whose readings they are, by the same places: home.{2}. Empty: this feed's.",
    )  # fmt: skip
    id = forms.CharField(
        required=False, max_length=100,
        help_text="The field of a JSON object that tells a message from all others. What is "
        "delivered twice is known by it, or by its time.",
    )  # fmt: skip
    retained = BoolField(
        initial=False,
        help_text="Whether what the broker kept from before counts as new. Otherwise it is taken "
        "only if it says when it is true.",
    )
    client = forms.CharField(
        required=False, max_length=100,
        help_text="The client id, by which the broker knows what is still to be delivered; "
        "made by Watchwall if empty.",
    )  # fmt: skip

    def clean_url(self) -> str:
        given = str(self.cleaned_data["url"])
        if "${env:" not in given:
            try:
                where(given)
            except SourceError as error:
                raise ValidationError(str(error)) from None
        return given

    def clean_topics(self) -> list[str]:
        given: list[str] = self.cleaned_data["topics"]
        for topic in given:
            if not is_filter(topic):
                raise ValidationError(
                    f"{topic[:60]!r} is no topic; + stands for a whole level and # for the rest"
                )
        return given

    def clean_name(self) -> str:
        return check_naming(self.cleaned_data["name"], is_place, EXAMPLE)

    def clean_feed(self) -> str:
        return check_naming(self.cleaned_data["feed"], is_place, EXAMPLE)


def where(given: str) -> tuple[str, int, bool]:
    """Host, port, and whether by TLS; or a SourceError that says what is wrong with the address."""
    try:
        parts = urlsplit(given)
        known = parts.scheme in {"mqtt", "mqtts"} and parts.hostname and parts.port != 0
        known = known and not (parts.path.strip("/") or parts.query or parts.fragment)
    except ValueError:
        known = False
    if not known:
        raise SourceError(f"{excerpt(given, 100)!r} is no address; write mqtt://host:1883")
    if parts.username is not None or parts.password is not None:
        raise SourceError("write the user and the password as options, not in the address")
    tls = parts.scheme == "mqtts"
    return parts.hostname or "", parts.port or (8883 if tls else 1883), tls


def is_filter(topic: str) -> bool:
    """Whether it can be subscribed to: MQTT 3.1.1, 4.7."""
    *before, last = topic.split("/")
    return (
        0 < len(topic.encode(errors="replace")) <= 65_535
        and "\0" not in topic
        and all(level == "+" or not set(level) & set("+#") for level in before)
        and (last in {"+", "#"} or not set(last) & set("+#"))
    )


@dataclass(slots=True)
class Reader:
    """Makes of each message what it says. Pure, but for what it remembers of topics."""

    feed: int
    options: Mapping[str, Any]
    meaning: Meaning
    _names: dict[str, tuple[str, str] | None] = field(default_factory=dict)

    def read(self, topic: str, payload: bytes, kept: bool, now: int) -> tuple[list[Heard], str]:
        """What it says, and what is wrong with it ("" if nothing). `kept`: retained from before.
        `now` in µs.

        A message of a topic that is not among the options' says nothing: the broker remembers what
        was subscribed to before they were changed.
        """
        try:
            names = self._named(topic)
        except NoName as error:
            return [], f"{topic[:100]}: {error}"
        if names is None:
            return [], ""
        feed, name = names
        message = decode(payload, name, self.meaning, now)
        heard = [
            Heard(self.feed, reading, name=feed, id=f"{message.id} {i}" if message.id else "")
            for i, reading in enumerate(message.readings)
            # How old something is that was kept nobody knows, and it would be shown as live.
            if reading.at is not None or not kept or self.options["retained"]
        ]
        return heard, f"{topic[:100]}: {message.wrong}" if message.wrong else ""

    def _named(self, topic: str) -> tuple[str, str] | None:
        """What feed and series are called; None: nobody asked for this topic. Or NoName."""
        if topic not in self._names:
            if len(self._names) >= MOST_TOPICS:
                self._names.clear()
            self._names[topic] = self._find(topic) if self._is_wanted(topic) else None
        return self._names[topic]

    def _find(self, topic: str) -> tuple[str, str]:
        parts = {"topic": topic}
        parts |= {str(i): level for i, level in enumerate(topic.split("/"), 1)}
        return names(self.options["feed"])(parts), names(self.options["name"])(parts)

    def _is_wanted(self, topic: str) -> bool:
        return any(topic_matches_sub(unshared(one), topic) for one in self.options["topics"])


def unshared(topic: str) -> str:
    """Of `$share/group/topic`, which a group of clients share, the topic."""
    return topic.split("/", 2)[2] if topic.startswith(SHARED) and topic.count("/") > 1 else topic


class Mqtt(Streamed):
    """Series are named by their topics, and below that by the fields of a JSON object.

    Subscribes with QoS 1 in a session that the broker keeps, and acknowledges what is stored. So
    nothing that was published is lost while nobody listens, within what the broker keeps. MQTT
    3.1.1, since every broker speaks it. A message that cannot be read is passed over, and said.
    """

    slug = "mqtt"
    label = "MQTT"
    Options = MqttOptions

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        [feed] = feeds
        session = Session(feed, out)
        try:
            session.run(stop)
        finally:
            session.connection.close()


class Session:
    """One connection of one feed, and what came over it."""

    def __init__(self, feed: Listened, out: Out) -> None:
        self.feed = feed
        self.out = out
        self.reader = Reader(feed.id, feed.options, meaning(feed.options))
        self.connection = Connection(
            _broker(feed), feed.options["topics"], self._take, lasting=not feed.trial
        )
        self._heard: list[Heard] = []
        self._messages: list[int] = []
        self._handed_on = 0
        self._wrong = ""

    def run(self, stop: Event) -> None:
        self.connection.open()
        while not stop.is_set() and not self.connection.subscribed:
            self.connection.turn(STOPS_WITHIN)
        self.out.connected()
        while not stop.is_set() and self._hand_on():
            self._turn()
        # What came last and was not handed on is delivered again.
        self.out.drain()
        self.connection.acknowledge()

    def _turn(self) -> None:
        if self._handed_on - self.connection.acknowledged < IN_FLIGHT:
            self.connection.turn(STOPS_WITHIN)
            return
        self.connection.turn(0)
        if not self._messages:
            # The broker says nothing more before it hears that these are stored: others that
            # could be stored with them need not be waited for.
            self.out.drain()

    def _take(self, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = ""  # Not allowed by MQTT, and nothing that anybody asked for.
        heard, wrong = self.reader.read(topic, bytes(message.payload), message.retain, clock.now())
        self._heard += heard
        self._wrong = wrong or self._wrong
        if message.qos:
            self._messages.append(message.mid)

    def _hand_on(self) -> bool:
        """Have stored what came; it is acknowledged after that. False: it is not taken any more."""
        heard, self._heard = self._heard, []
        messages, self._messages = self._messages, []
        self._handed_on += len(messages)
        wrong, self._wrong = self._wrong, ""
        taken = not messages and not heard
        taken = taken or self.out.put(heard, partial(self.connection.stored, messages))
        if wrong:
            self.out.failed(self.feed.id, wrong)
        return taken


def _broker(feed: Listened) -> Broker:
    options = feed.options
    host, port, tls = where(options["url"])
    client = "" if feed.trial else options["client"]
    return Broker(
        host, port, client or known_as(feed),
        options["user"], options["password"], context(options) if tls else None,
    )  # fmt: skip
