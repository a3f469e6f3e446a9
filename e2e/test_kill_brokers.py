"""Ten thousand numbered messages, while listener, broker and database die on the way."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from e2e.cluster import Cluster
from e2e.killing import Killing, Victim, exact, stored
from e2e.servers import Kafka, Mosquitto
from e2e.wall import eventually

pytestmark = pytest.mark.slow

TOTAL = 10_000
CHUNK = 50
# How many a sender sends anew after its broker died: a Mosquitto answers a moment before it writes.
AGAIN = 500
FEED = """
from widgets.models import Feed
Feed.objects.create(name={name!r}, source={source!r}, options={options!r})
"""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, webs=0, hueys=0, listeners=1) as cluster:
        yield cluster


def listen(cluster: Cluster, name: str, source: str, **options: object) -> None:
    cluster.python(FEED.format(name=name, source=source, options=options))


def killing(cluster: Cluster, broker: Victim) -> Killing:
    [listener] = cluster.listeners
    return Killing(
        TOTAL,
        {
            "listener": Victim(lambda: listener.end(signal.SIGKILL), listener.start),
            "broker": broker,
            "database": Victim(lambda: cluster.postgres.end("immediate"), cluster.postgres.start),
        },
    )


@contextmanager
def sending(plan: Killing, send: Callable[[int, int], None]) -> Iterator[None]:
    """Sends all numbers, a chunk at a time: `send(first, end)`."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            sent = 0
            while sent < TOTAL:
                end = min(sent + CHUNK, plan.allowed(sent))
                send(sent, end)
                sent = end
                time.sleep(0.02)
        # Broad: whatever it was, the test is to tell.
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()
    assert errors == []


class Publisher:
    """Publishes numbers with QoS 1, known by their time or by their id in turn."""

    def __init__(self, broker: Mosquitto) -> None:
        self.begun = time.time_ns() // 1_000
        # What the broker has answered, in that order: what it may have forgotten when it died.
        self.sent: list[int] = []
        self.again = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self._answered: set[int] = set()
        self.client.on_publish = self._answer
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def send(self, first: int, end: int) -> None:
        numbers = list(range(first, end))
        self.publish(numbers)
        self.sent += numbers
        if self.again.is_set():
            self.again.clear()
            self.publish(self.sent[-AGAIN:])

    def publish(self, numbers: list[int]) -> bool:
        # What is published while the broker is away is sent when it is back; asking its answer
        # whether it was published would raise.
        mids = {self.client.publish(*self._message(number), qos=1).mid for number in numbers}
        eventually(lambda: mids <= self._answered, 60, "the broker has answered for all")
        self._answered -= mids
        return True

    def _answer(self, client: Client, data: object, mid: int, *_: object) -> None:
        self._answered.add(mid)

    def _message(self, n: int) -> tuple[str, str]:
        if n % 2:
            return "killed/id", json.dumps({"id": f"no. {n}", "value": n})
        return "killed/time", json.dumps({"time": self.begun + n * 1_000, "value": n})

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_of_ten_thousand_messages_of_mqtt_each_is_there_once(cluster: Cluster) -> None:
    broker = Mosquitto().start()
    publisher = Publisher(broker)

    def revive() -> None:
        broker.start()
        publisher.again.set()

    try:
        for key, more in (("time", {"precision": "us"}), ("id", {"id": "id"})):
            listen(
                cluster, f"killed.{key}", "mqtt", url=broker.url, topics=[f"killed/{key}"], **more
            )
        # Subscribed: only from then on the broker keeps what comes.
        eventually(lambda: publisher.publish([0, 1]) and stored(cluster.query, "killed.") == 2, 60)
        plan = killing(cluster, Victim(lambda: broker.end(signal.SIGKILL), revive))
        with sending(plan, publisher.send):
            plan.run(lambda: stored(cluster.query, "killed."), within=90)
        exact(cluster.query, "killed.", TOTAL)
    finally:
        publisher.close()
        broker.close()


def test_of_ten_thousand_messages_of_kafka_each_is_there_once(cluster: Cluster) -> None:
    # The mock keeps all in its memory, so its connections die and it does not.
    kafka = Kafka(killed=4)
    producer = Producer({"bootstrap.servers": kafka.server, "linger.ms": 0, "log_level": 0})

    def send(first: int, end: int) -> None:
        for n in range(first, end):
            producer.produce("killed", json.dumps({"n": n}), partition=n % 4)
        assert producer.flush(60) == 0

    try:
        listen(
            cluster, "killed.kafka", "kafka",
            servers=[kafka.server], topics=["killed"], start="earliest",
        )  # fmt: skip
        plan = killing(cluster, Victim(kafka.break_off, kafka.mend))
        with sending(plan, send):
            plan.run(lambda: stored(cluster.query, "killed."), within=90)
        exact(cluster.query, "killed.", TOTAL)
    finally:
        kafka.close()
