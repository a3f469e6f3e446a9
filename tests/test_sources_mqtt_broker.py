"""The source `mqtt`, on a Mosquitto of its own."""

from __future__ import annotations

import asyncio
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import paho.mqtt.publish
import pytest
from pytest_django import Settings

from e2e.servers import Mosquitto
from e2e.wall import eventually, free_port
from tests.listening import error, listening
from tests.serving import authority, speaking
from widgets.sources import _mqtt


@pytest.fixture(scope="module")
def shared() -> Iterator[Mosquitto]:
    """A broker; each test has topics of its own."""
    server = Mosquitto().start()
    yield server
    server.close()


@pytest.fixture
def own() -> Iterator[Mosquitto]:
    """A broker to be broken."""
    server = Mosquitto().start()
    yield server
    server.close()


def publish(server: Mosquitto, *messages: tuple[str, Any], **more: Any) -> None:
    """Topic and payload of each, with QoS 1; back when the broker has them."""
    given = [{"topic": topic, "payload": str(body), "qos": 1, **more} for topic, body in messages]
    paho.mqtt.publish.multiple(given, "127.0.0.1", server.port)  # type: ignore[arg-type]


def options(server: Mosquitto, *topics: str, **more: Any) -> dict[str, Any]:
    own = {"url": server.url, "topics": list(topics), "client": topics[0][:20]}
    return own | more


def test_what_is_published_is_heard(shared: Mosquitto) -> None:
    with listening("mqtt", options(shared, "heard/+/co2", name="{2}")) as ear:
        ear.connects()
        publish(shared, ("heard/cellar/co2", 700), ("heard/cellar/other", 1), ("heard/b/co2", 5))

        assert ear.hears(2) == [{"cellar": 700}, {"b": 5}]


def test_what_was_not_stored_is_delivered_again_and_what_was_is_not(shared: Mosquitto) -> None:
    given = options(shared, "again")
    with listening("mqtt", given, stores=False) as ear:
        ear.connects()
        publish(shared, ("again", 1), ("again", 2))
        ear.hears(2)

    with listening("mqtt", given) as ear:
        assert ear.hears(2) == [{"again": 1}, {"again": 2}]
    with listening("mqtt", given) as ear:
        ear.connects()
        publish(shared, ("again", 3))

        assert ear.hears(1) == [{"again": 3}]


def test_what_is_published_while_nobody_listens_is_kept_by_the_broker(shared: Mosquitto) -> None:
    given = options(shared, "meanwhile")
    with listening("mqtt", given) as ear:
        ear.connects()
    publish(shared, *(("meanwhile", i) for i in range(100)))

    with listening("mqtt", given) as ear:
        assert [one["meanwhile"] for one in ear.hears(100)] == list(range(100))


def test_a_trial_takes_nothing_from_whoever_listens(shared: Mosquitto) -> None:
    given = options(shared, "trial")
    with listening("mqtt", given) as ear:
        ear.connects()
    with listening("mqtt", given, trial=True, stores=False) as trial:
        trial.connects()
        publish(shared, ("trial", 1))
        trial.hears(1)

    with listening("mqtt", given) as ear:
        assert ear.hears(1) == [{"trial": 1}]


def test_a_message_that_cannot_be_read_is_said_and_not_delivered_again(shared: Mosquitto) -> None:
    given = options(shared, "wrong")
    with listening("mqtt", given) as ear:
        ear.connects()
        publish(shared, ("wrong", "ON"), ("wrong", 7))

        assert ear.hears(1) == [{"wrong": 7}]
        eventually(lambda: ear.wrong, 20, "it is said")
        assert ear.wrong == ["wrong: line 1, column 1: this is no JSON: Expecting value"]
    with listening("mqtt", given) as ear:
        ear.connects()
        publish(shared, ("wrong", 8))

        assert ear.hears(1) == [{"wrong": 8}]
        assert ear.wrong == []


def test_what_the_broker_keeps_of_a_topic_is_not_shown_as_new(shared: Mosquitto) -> None:
    publish(shared, ("kept", 1), retain=True)

    with listening("mqtt", options(shared, "kept")) as ear:
        ear.connects()
        publish(shared, ("kept", 2))
        assert ear.hears(1) == [{"kept": 2}]
    with listening("mqtt", options(shared, "kept", client="kept-2", retained=True)) as ear:
        assert ear.hears(1) == [{"kept": 1}]


def test_while_nothing_can_be_stored_the_broker_waits(shared: Mosquitto) -> None:
    given = options(shared, "slow")
    with listening("mqtt", given) as ear:
        ear.connects()
        ear.open.clear()
        publish(shared, *(("slow", i) for i in range(500)))
        assert ear.heard == []

        ear.open.set()
        heard = ear.hears(500)

    assert [one["slow"] for one in heard] == list(range(500))


def test_it_listens_also_where_a_thousand_sockets_are_open(shared: Mosquitto) -> None:
    # select() knows no descriptor above 1,023, and the library uses it.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    try:
        with ExitStack() as files:
            for _ in range(1_100):
                files.enter_context(Path("/dev/null").open())
            with listening("mqtt", options(shared, "many")) as ear:
                ear.connects()
                # By another process, since the library here would wait for ever.
                to = ["-h", "127.0.0.1", "-p", str(shared.port), "-t", "many", "-m", "1"]
                subprocess.run(["mosquitto_pub", *to], check=True, timeout=20)
                assert ear.hears(1) == [{"many": 1}]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_broker_that_dies_is_an_error(own: Mosquitto) -> None:
    with listening("mqtt", options(own, "x")) as ear:
        ear.connects()
        own.end(signal.SIGKILL)
        eventually(lambda: ear.ended, 20, "it has ended")

    assert str(ear.error) == f"the broker at 127.0.0.1:{own.port}: the connection was lost"


def test_nobody_there_is_an_error_at_once() -> None:
    port = free_port()
    said = error("mqtt", {"url": f"mqtt://127.0.0.1:{port}", "topics": ["x"]})

    assert said == f"the broker at 127.0.0.1:{port}: connection refused"


def test_a_network_that_is_not_allowed_is_an_error(shared: Mosquitto, settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]

    said = error("mqtt", options(shared, "x"))

    assert said.endswith(": 127.0.0.1 is outside the networks that WATCHWALL_EGRESS allows")


def test_user_and_password_are_needed(tmp_path: Path) -> None:
    users = tmp_path / "users"
    command = ["mosquitto_passwd", "-b", "-c", str(users), "wall", "opensesame"]
    subprocess.run(command, check=True, timeout=20, capture_output=True)
    rights = tmp_path / "rights"
    rights.write_text("user wall\ntopic read allowed/#\n")
    server = Mosquitto(
        "allow_anonymous false", f"password_file {users}", f"acl_file {rights}"
    ).start()
    try:
        login = {"user": "wall", "password": "opensesame"}
        with listening("mqtt", options(server, "allowed/#", **login)) as ear:
            ear.connects()

        said = error("mqtt", options(server, "x", user="wall", password="another"))
        assert said == f"the broker at 127.0.0.1:{server.port} refuses: not authorized"
    finally:
        server.close()


def test_over_tls_the_certificate_must_be_valid(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    pem = tmp_path / "server.pem"
    server = Mosquitto(
        "allow_anonymous true", f"cafile {trusted.pem}", f"certfile {pem}", f"keyfile {pem}"
    ).start()
    given = options(server, "x", url=server.url.replace("mqtt", "mqtts"))
    try:
        for trusting in ({"ca": str(trusted.pem)}, {"verify": False}):
            with listening("mqtt", given | trusting) as ear:
                ear.connects()
        assert "the certificate is not valid: " in error("mqtt", given)
        missing = error("mqtt", given | {"ca": str(tmp_path / "none")})
        assert missing.startswith(f"{tmp_path}/none cannot be read as a file of certificates")
        assert error("mqtt", options(server, "x")).startswith("the broker at 127.0.0.1:")
    finally:
        server.close()


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x20\x02\x00\x05",  # Not authorized.
        b"\x20\x00",
        b"\x90\x03\x00\x01\x80",
        b"\x30\xff\xff\xff\xff\xff",
        b"\x32\x02\x00\x09",
        b"\xf0\x00",
        b"",
    ],
)
def test_what_is_no_broker_is_an_error(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        await writer.drain()

    with speaking(answer) as url:
        assert error("mqtt", {"url": url.replace("http", "mqtt"), "topics": ["x"]}).startswith(
            "the broker at 127.0.0.1:"
        )


def test_one_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_mqtt, "CONNECT", 0.2)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass

    with speaking(answer) as url:
        said = error("mqtt", {"url": url.replace("http", "mqtt"), "topics": ["x"]})

    assert said.endswith(": no answer within 0.2 s")
