from __future__ import annotations

import asyncio
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from e2e.servers import Redis
from e2e.wall import free_port
from tests.counterparts import listens, running
from tests.serving import authority, speaking
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources.redis import Gathered, RedisOptions, take_info, unit


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    server = Redis().start()
    client = server.client()
    client.rpush("jobs", 1, 2, 3)
    client.set("word", "watch")
    client.sadd("a set", "x")
    client.zadd("sorted", {"x": 1})
    client.hset("hash", "a", "b")
    for number in range(5):
        client.xadd("orders", {"n": number})
    client.xgroup_create("orders", "billing", id="0")
    client.xreadgroup("billing", "me", {"orders": ">"}, count=2)
    yield server
    client.close()
    server.close()


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def ask(server: Redis | str, **options: Any) -> Reading:
    url = server if isinstance(server, str) else server.url
    given = {"url": url, **options}
    return io.submit(fetch(sources["redis"], given, {}, 20 * SECOND)).result(30)


def error(server: Redis | str, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        ask(server, **options)
    return str(caught.value)


def test_it_tells_of_itself(server: Redis) -> None:
    reading = ask(server, info=["used_memory", "db0.keys", "redis_version", "uptime_*"])

    assert reading.numbers["used_memory"] > 100_000
    assert reading.numbers["db0.keys"] == 6
    assert reading.units["used_memory"] == "B"
    assert reading.units["uptime_in_seconds"] == "s"
    assert [row["field"] for row in reading.rows or ()] == ["redis_version"]
    assert reading.notes == []


def test_what_it_does_not_tell_is_said(server: Redis) -> None:
    assert ask(server, info=["used_memori"]).notes == ["INFO has no field used_memori"]


def test_keys_of_every_type_have_a_length_and_missing_ones_have_none(server: Redis) -> None:
    keys = ["jobs", "word", "a set", "sorted", "hash", "orders", "gone"]
    reading = ask(server, info=[], keys=keys)

    assert reading.numbers == {
        "length.jobs": 3, "length.word": 5, "length.a set": 1, "length.sorted": 1,
        "length.hash": 1, "length.orders": 5, "length.gone": 0,
    }  # fmt: skip


def test_a_group_of_a_stream_has_lag_and_pending(server: Redis) -> None:
    reading = ask(server, info=[], groups=["orders/billing"])

    assert reading.numbers == {"lag.orders/billing": 3, "pending.orders/billing": 2}


def test_a_stream_or_a_group_that_is_not_there_is_said(server: Redis) -> None:
    reading = ask(server, info=[], groups=["orders/bill", "none/x"])

    assert reading.numbers == {}
    assert reading.notes == [
        "the stream orders has no group bill; there is billing",
        "there is no stream none",
    ]


def test_a_key_that_is_no_stream_is_an_error(server: Redis) -> None:
    assert "WRONGTYPE" in error(server, info=[], groups=["jobs/x"])


def test_a_database_of_another_number_is_another(server: Redis) -> None:
    url = server.url.replace("/0", "/3")

    assert ask(url, info=[], keys=["jobs"]).numbers == {"length.jobs": 0}
    assert "DB index is out of range" in error(server.url.replace("/0", "/999"))


def test_a_password_is_needed_and_not_shown(server: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_REDIS", "opensesame")
    client = server.client()
    client.acl_setuser("wall", enabled=True, passwords=["+opensesame"], commands=["+@all"])
    client.close()
    login = {"user": "wall", "password": "${env:WATCHWALL_SECRET_REDIS}"}

    assert ask(server, **login).numbers["used_memory"] > 0
    said = error(server, user="nobody", password="${env:WATCHWALL_SECRET_REDIS}")
    assert "invalid username-password pair" in said
    assert "opensesame" not in said


def test_over_tls_the_certificate_must_be_valid(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    port, pem = free_port(), str(tmp_path / "server.pem")
    command = ["redis-server", "--port", "0", "--tls-port", str(port), "--tls-cert-file", pem,
               "--tls-key-file", pem, "--tls-ca-cert-file", str(trusted.pem),
               "--tls-auth-clients", "no", "--save", "", "--dir", str(tmp_path)]  # fmt: skip
    url = f"rediss://127.0.0.1:{port}/0"
    with running(command, tmp_path / "log.txt", lambda: listens(port)):
        assert ask(url, ca=str(trusted.pem)).numbers["used_memory"] > 0
        assert ask(url, verify=False).numbers["used_memory"] > 0
        assert "certificate is not valid" in error(url)


def test_a_network_that_is_not_allowed_is_an_error(server: Redis, settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]

    assert error(server).endswith("127.0.0.1 is outside the networks that WATCHWALL_EGRESS allows")


def test_nobody_there_is_an_error_at_once() -> None:
    assert error(f"redis://127.0.0.1:{free_port()}").endswith(": connection refused")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*-9\r\n",
        b"$99999999999\r\n",
        b":1\r\n" * 9,
        b"\xff\xff\r\n",
        b"",
    ],
)
def test_what_is_no_redis_is_an_error(said: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(said)
        await writer.drain()

    with speaking(answer) as url:
        assert error(url.replace("http", "redis")).startswith("Redis at 127.0.0.1:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "http://h"}, "options.url: 'http://h' is no address; write redis://host:6379/0"),
        ({"url": "redis://h:99999"}, "options.url: 'redis://h:99999' is no address"),
        ({"url": "redis://h/x"}, "options.url: 'redis://h/x' is no address"),
        ({"url": "redis://:secret@h"}, "options.url: write the user and the password as options"),
        ({"groups": ["orders"]}, "options.groups: 'orders' is no group; write stream/group"),
        ({"user": "x"}, "options: a user is given without a password"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(RedisOptions, {"url": "redis://h", **options})

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("used_memory_rss", "B"),
        ("mem_fragmentation_ratio", ""),
        ("instantaneous_ops_per_sec", "/s"),
        ("uptime_in_seconds", "s"),
        ("connected_clients", ""),
    ],
)
def test_units_are_in_the_names(name: str, said: str) -> None:
    assert unit(name) == said


values = (
    st.integers() | st.floats() | st.text() | st.dictionaries(st.text(), st.integers() | st.text())
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), values))
def test_any_info_is_a_reading_or_an_error_of_the_source(info: dict[str, Any]) -> None:
    got = Gathered()
    take_info(got, info, ["*"])
    try:
        clean(Reading(numbers=got.numbers, units=got.units, rows=got.rows))
    except BadReading:
        return  # A sentence; nothing else may be raised.
