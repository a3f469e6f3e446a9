"""The source `kafka`, on librdkafka's own mock of a cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from pytest_django import Settings

from e2e.servers import Kafka
from e2e.wall import eventually, free_port
from tests.listening import error, listening, reading
from widgets.sources import SourceError, _kafka, kafka

TOPICS = (
    *("heard", "names", "again", "group", "positions", "anew", "latest", "earliest"),
    *("slow", "wrong", "trial", "broken"),
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Kafka]:
    """Each test has a topic of its own, with one partition."""
    server = Kafka(**dict.fromkeys(TOPICS, 1))
    yield server
    server.close()


def produce(cluster: Kafka, topic: str, *bodies: Any, **more: Any) -> None:
    """Back when the broker has them."""
    producer = Producer({"bootstrap.servers": cluster.server, "linger.ms": 0})
    for body in bodies:
        producer.produce(topic, body if isinstance(body, bytes) else json.dumps(body), **more)
    assert producer.flush(20) == 0


def options(cluster: Kafka, topic: str, **more: Any) -> dict[str, Any]:
    own = {"servers": [cluster.server], "topics": [topic], "group": topic, "start": "earliest"}
    return own | more


def place(cluster: Kafka, topic: str) -> str:
    """What the positions of a test's partition are kept under."""
    found = Producer({"bootstrap.servers": cluster.server}).list_topics(timeout=10)
    return f"{found.cluster_id}/{topic}/{topic}/0"


def committed(cluster: Kafka, group: str) -> int:
    asking = Consumer({"bootstrap.servers": cluster.server, "group.id": group})
    try:
        [found] = asking.committed([TopicPartition(group, 0)], timeout=10)
        return found.offset
    finally:
        asking.close()


def test_what_is_written_is_heard(cluster: Kafka) -> None:
    produce(cluster, "heard", {"paid": 3}, 7)

    with listening("kafka", options(cluster, "heard")) as ear:
        assert ear.hears(2) == [{"paid": 3}, {"value": 7}]
        produce(cluster, "heard", 8)
        assert ear.hears(3)[-1] == {"value": 8}

    assert [heard.position for heard in ear.heard] == [(0, 0), (1, 0), (2, 0)]
    assert ear.heard[0].stream == place(cluster, "heard")
    assert reading(ear.heard[0]).at is not None


def test_key_headers_and_lines_become_names(cluster: Kafka) -> None:
    more = {"name": "{key}.{header.host}", "payload": "line protocol"}
    produce(cluster, "names", b"cpu,core=1 idle=9", key="north", headers={"host": b"a"})

    with listening("kafka", options(cluster, "names", **more)) as ear:
        assert ear.hears(1) == [{"north.a.cpu.idle{core=1}": 9}]


def test_what_was_not_stored_is_read_again_and_what_was_is_not(cluster: Kafka) -> None:
    given = options(cluster, "again")
    produce(cluster, "again", 1, 2)
    with listening("kafka", given, stores=False) as ear:
        ear.hears(2)
    with listening("kafka", given) as ear:
        assert ear.hears(2) == [{"value": 1}, {"value": 2}]

    assert committed(cluster, "again") == 2
    with listening("kafka", given) as ear:
        produce(cluster, "again", 3)
        assert ear.hears(1) == [{"value": 3}]


def test_it_begins_where_the_database_says_whatever_the_group_does(cluster: Kafka) -> None:
    produce(cluster, "positions", *range(10))

    with listening(
        "kafka", options(cluster, "positions"), positions={place(cluster, "positions"): (7, 0)}
    ) as ear:
        # The last is read again: it may have had a second reading that was not stored.
        assert ear.hears(3) == [{"value": 7}, {"value": 8}, {"value": 9}]


def test_a_topic_that_was_made_anew_is_said(cluster: Kafka) -> None:
    produce(cluster, "anew", 1)

    with listening(
        "kafka", options(cluster, "anew"), positions={place(cluster, "anew"): (50, 0)}
    ) as ear:
        eventually(lambda: ear.ended, 20, "it has ended")

    assert str(ear.error) == (
        "the topic anew was made anew: it ends at 1, and 50 was read of it; "
        "give the feed another group"
    )


def test_a_new_group_begins_with_what_comes_and_misses_nothing_from_then_on(
    cluster: Kafka,
) -> None:
    given = options(cluster, "latest", start="latest")
    produce(cluster, "latest", 1)
    with listening("kafka", given) as ear:
        eventually(lambda: committed(cluster, "latest") == 1, 20, "it has begun")
    produce(cluster, "latest", 2)

    with listening("kafka", given) as ear:
        assert ear.hears(1) == [{"value": 2}]


def test_while_nothing_can_be_stored_it_fetches_no_more_and_stays_in_its_group(
    cluster: Kafka,
) -> None:
    given = options(cluster, "slow")
    with listening("kafka", given) as ear:
        produce(cluster, "slow", 0)
        ear.hears(1)
        ear.open.clear()
        eventually(lambda: ear.asked > 3, 20, "it asks for room again and again")
        produce(cluster, "slow", *range(1, 3_000))
        asked = ear.asked
        eventually(lambda: ear.asked > asked + 3, 20, "it goes on asking")
        assert len(ear.heard) == 1

        ear.open.set()
        heard = ear.hears(3_000)

    assert [one["value"] for one in heard] == list(range(3_000))


def test_a_message_that_cannot_be_read_is_said_and_passed_over(cluster: Kafka) -> None:
    produce(cluster, "wrong", b"{", 5)

    with listening("kafka", options(cluster, "wrong")) as ear:
        assert ear.hears(1) == [{"value": 5}]
        eventually(lambda: ear.wrong, 20, "it is said")
        eventually(lambda: committed(cluster, "wrong") == 2, 20, "both are done with")

    [said] = ear.wrong
    assert said.startswith("wrong, partition 0, offset 0: line 1, column 2: this is no JSON")


def test_a_trial_leaves_the_group_where_it_is(cluster: Kafka) -> None:
    produce(cluster, "trial", 1)
    with listening("kafka", options(cluster, "trial"), trial=True, stores=False) as ear:
        ear.hears(1)

    assert committed(cluster, "trial") < 0


def test_a_broker_that_is_lost_is_an_error_and_nothing_is_missed(cluster: Kafka) -> None:
    given = options(cluster, "broken")
    produce(cluster, "broken", 1)
    with listening("kafka", given) as ear:
        ear.hears(1)
        cluster.break_off()
        try:
            eventually(lambda: ear.ended, 30, "it has ended")
        finally:
            cluster.mend()
    assert str(ear.error).startswith(f"Kafka at {cluster.server}: ")
    produce(cluster, "broken", 2)

    with listening("kafka", given) as ear:
        eventually(lambda: {"value": 2} in ear.numbers, 20, "what came meanwhile is heard")


def test_nobody_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kafka, "CONNECT", 2.0)
    port = free_port()

    said = error("kafka", {"servers": [f"127.0.0.1:{port}"], "topics": ["x"]})

    assert said == (
        f"Kafka at 127.0.0.1:{port}: Connect to ipv4#127.0.0.1:{port} failed: Connection refused"
    )


def test_a_network_that_is_not_allowed_is_an_error(cluster: Kafka, settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]

    said = error("kafka", options(cluster, "heard"))

    assert said == "127.0.0.1: 127.0.0.1 is outside the networks that WATCHWALL_EGRESS allows"


def test_brokers_that_are_named_later_are_looked_at_too(settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]

    _kafka.allowed(["192.0.2.7"])
    with pytest.raises(SourceError, match=r"^127\.0\.0\.1: "):
        _kafka.allowed(["192.0.2.7", "127.0.0.1"])


def test_a_file_of_authorities_that_cannot_be_read_is_an_error(
    cluster: Kafka, tmp_path: Path
) -> None:
    said = error("kafka", options(cluster, "heard", tls=True, ca=str(tmp_path / "none")))

    assert said.startswith(f"{tmp_path}/none cannot be read as a file of certificates")


def test_options_that_the_library_refuses_are_an_error(
    cluster: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "AHEAD", -1)

    said = error("kafka", options(cluster, "heard"))

    assert said.startswith(f"Kafka at {cluster.server}: ")
    assert "queued.max.messages.kbytes" in said
