from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON
from tests.listening import reading
from widgets.clock import SECOND
from widgets.options import BadOptions, read
from widgets.sources import Heard, Listened, SourceError
from widgets.sources._brokers import known_as, meaning
from widgets.sources.mqtt import MqttOptions, Reader, is_filter, where


def reader(**options: Any) -> Reader:
    given = read(MqttOptions, {"url": "mqtt://h", "topics": ["home/#"], **options})
    return Reader(7, given, meaning(given))


def hear(reader: Reader, topic: str, payload: Any, *, kept: bool = False) -> list[Heard]:
    heard, wrong = reader.read(topic, json.dumps(payload).encode(), kept, NOON)
    assert wrong == ""
    return heard


def test_series_are_called_as_their_topic_is() -> None:
    [heard] = hear(reader(), "home/cellar/co2", 700)

    assert reading(heard).numbers == {"home/cellar/co2": 700}
    assert reading(heard).at is None
    assert (heard.feed, heard.name, heard.position) == (7, "", None)


def test_levels_become_names_of_series_and_of_feeds() -> None:
    [heard] = hear(reader(name="{3}", feed="rooms.{2}"), "home/cellar/air", {"co2": 700})

    assert reading(heard).numbers == {"air.co2": 700}
    assert heard.name == "rooms.cellar"


def test_a_topic_with_too_few_levels_is_said() -> None:
    heard, wrong = reader(name="{3}").read("home/lamp", b"1", False, NOON)

    assert heard == []
    assert wrong == "home/lamp: the message has no 3, which the option name asks for"


def test_what_cannot_be_read_is_said_with_its_topic() -> None:
    heard, wrong = reader().read("home/lamp", b"ON", False, NOON)

    assert heard == []
    assert wrong == "home/lamp: line 1, column 1: this is no JSON: Expecting value"


def test_a_time_and_an_id_come_from_the_payload() -> None:
    [heard] = hear(reader(id="n", time="t"), "home/lamp", {"n": 5, "t": NOON / SECOND - 1, "v": 2})

    assert heard.id == "5 0"
    assert reading(heard).at == NOON - SECOND
    assert reading(heard).numbers == {"home/lamp.v": 2}


def test_what_the_broker_kept_counts_only_with_a_time_of_its_own() -> None:
    # Nobody knows how old it is, and it would be shown as live.
    assert hear(reader(), "home/lamp", 1, kept=True) == []
    assert len(hear(reader(), "home/lamp", {"time": NOON / SECOND, "v": 1}, kept=True)) == 1
    assert len(hear(reader(retained=True), "home/lamp", 1, kept=True)) == 1


@pytest.mark.parametrize(
    ("topics", "topic", "wanted"),
    [
        (["home/+/co2"], "home/cellar/co2", True),
        (["home/+/co2"], "home/cellar/temperature", False),
        (["a", "home/#"], "home", True),
        (["$share/walls/home/+"], "home/lamp", True),
        (["$share/walls/home/+"], "garden/lamp", False),
        (["#"], "$SYS/load", False),
    ],
)
def test_topics_that_were_wanted_once_and_are_no_longer_say_nothing(
    topics: list[str], topic: str, wanted: bool
) -> None:
    heard, wrong = reader(topics=topics).read(topic, b"1", False, NOON)

    assert bool(heard) == wanted
    assert wrong == ""


def test_it_remembers_no_more_topics_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("widgets.sources.mqtt.MOST_TOPICS", 3)
    one = reader()

    for i in range(10):
        hear(one, f"home/{i}", 1)

    assert len(one._names) <= 3


@pytest.mark.parametrize("topic", ["a", "a/b", "+", "#", "a/+/b", "a/#", "/", "a//b", "$share/g/a"])
def test_a_filter_that_can_be_subscribed_to(topic: str) -> None:
    assert is_filter(topic)


@pytest.mark.parametrize("topic", ["", "a#", "#/a", "a/#/b", "a+", "a/b+/c", "\0", "a" * 65_536])
def test_a_filter_that_cannot(topic: str) -> None:
    assert not is_filter(topic)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("mqtt://h", ("h", 1883, False)),
        ("mqtts://h", ("h", 8883, True)),
        ("mqtt://h:99/", ("h", 99, False)),
        ("mqtts://[::1]:99", ("::1", 99, True)),
    ],
)
def test_an_address_is_host_port_and_whether_by_tls(url: str, found: tuple[str, int, bool]) -> None:
    assert where(url) == found


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://h"}, "options.url: 'http://h' is no address; write mqtt://host:1883"),
        ({"url": "mqtt://h:99999"}, "options.url: 'mqtt://h:99999' is no address"),
        ({"url": "mqtt://h/home"}, "options.url: 'mqtt://h/home' is no address"),
        ({"url": "mqtt://a:secret@h"}, "options.url: write the user and the password as options"),
        ({"topics": []}, "options.topics: at least one is expected"),
        ({"topics": ["a/b#"]}, "options.topics: 'a/b#' is no topic; + stands for a whole level"),
        ({"name": "{level}"}, "options.name: there is no {level}; write it like {1}.{3}"),
        ({"feed": "{0}"}, "options.feed: there is no {0}; write it like {1}.{3}"),
        ({"user": "x"}, "options: user and password belong together"),
        ({"precision": "min"}, "options.precision: "),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(MqttOptions, {"url": "mqtt://h", "topics": ["#"], **options})

    assert str(caught.value).startswith(said)


def test_each_feed_of_each_wall_is_known_by_a_name_of_its_own(settings: Any) -> None:
    feed, other = Listened(1, "a", {}), Listened(2, "b", {})
    first = known_as(feed)

    assert known_as(feed) == first != known_as(other)
    assert len(first) <= 23
    settings.SECRET_KEY = "another wall"
    assert known_as(feed) != first


def test_who_tries_takes_nothing_from_who_listens() -> None:
    trial = Listened(1, "a", {}, trial=True)

    assert len({known_as(trial), known_as(trial), known_as(Listened(1, "a", {}))}) == 3


@given(st.text(max_size=50))
def test_any_address_is_taken_apart_or_refused(given: str) -> None:
    try:
        host, port, _ = where(given)
    except SourceError:
        return
    assert host
    assert 0 < port < 65_536


@given(st.text(alphabet="a/+#$\0é", max_size=12), st.binary(max_size=20), st.booleans())
def test_any_message_is_heard_or_a_sentence(topic: str, payload: bytes, kept: bool) -> None:
    heard, wrong = reader(topics=["#"], name="{1}.{2}").read(topic, payload, kept, NOON)

    assert len(wrong) < 1_000
    assert not kept or all(reading(one).at for one in heard)
