from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests import counterparts
from tests.serving import authority, serving, speaking
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import Reading
from widgets.sources import SourceError, sources
from widgets.sources._dns import Answer
from widgets.sources._ping import checksum, is_reply, request
from widgets.sources.check import CheckOptions, looked_up, pinged


@pytest.fixture(scope="module")
def dns() -> Iterator[int]:
    with counterparts.name_server() as port:
        yield port


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def check(
    probe: str, host: str = "127.0.0.1", *, within: int = 20 * SECOND, **more: Any
) -> Reading:
    options = {"probe": probe, "host": host, **more}
    return io.submit(fetch(sources["check"], options, {}, within)).result(30)


def reason(reading: Reading) -> str:
    """Why it is down; the test fails if it is up."""
    assert reading.numbers["up"] == 0
    assert not reading.complete
    return reading.verdicts["up"].message


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def free_port() -> int:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1_000):
        pass


async def page(request: web.Request) -> web.Response:
    return web.Response(text="all is well")


# -- TCP ---------------------------------------------------------------------------------------


def test_a_port_that_takes_connections_is_up_with_its_latency() -> None:
    with speaking(silent) as url:
        reading = check("tcp", "localhost", port=port_of(url))

    assert reading.numbers["up"] == 1
    parts = reading.numbers["latency.dns"] + reading.numbers["latency.connect"]
    assert reading.numbers["latency"] == parts > 0
    assert reading.units["latency"] == "s"
    assert reading.verdicts["up"].message == "connected"


def test_a_port_that_refuses_is_down() -> None:
    assert reason(check("tcp", port=free_port())) == "connection refused"


def test_a_name_that_cannot_be_resolved_is_down() -> None:
    said = reason(check("tcp", "no-such-host.invalid", port=1))

    assert said.startswith("the name no-such-host.invalid cannot be resolved (")


def test_a_network_that_is_not_allowed_is_an_error(settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]
    said = "127.0.0.1 is outside the networks that WATCHWALL_EGRESS allows"

    for probe in ("tcp", "tls", "ping"):
        with pytest.raises(SourceError, match=said):
            check(probe, port=9)
    with pytest.raises(SourceError, match=said):
        check("dns", "shop.test", server="127.0.0.1")


# -- TLS ---------------------------------------------------------------------------------------


def test_a_valid_certificate_has_its_days(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with serving(page, trusted.server) as url:
        reading = check("tls", port=port_of(url), ca=str(trusted.pem))

    assert reading.numbers["up"] == 1
    assert 29 < reading.numbers["certificate.days"] < 30
    assert reading.units["certificate.days"] == "d"
    assert reading.numbers["latency.tls"] > 0
    assert reading.verdicts["up"].message == "TLSv1.3"


def test_a_certificate_that_has_ended_is_down_and_its_days_are_negative(tmp_path: Path) -> None:
    trusted = authority(tmp_path, days=-3)
    with serving(page, trusted.server) as url:
        reading = check("tls", port=port_of(url), ca=str(trusted.pem))

    assert reason(reading) == "the certificate is not valid: certificate has expired"
    assert -4 < reading.numbers["certificate.days"] < -3


def test_a_certificate_for_another_name_or_by_nobody_known_is_down(tmp_path: Path) -> None:
    trusted = authority(tmp_path)
    with serving(page, trusted.server) as url:
        other = check("tls", port=port_of(url), ca=str(trusted.pem), name="shop.test")
        unknown = check("tls", port=port_of(url))
        unverified = check("tls", port=port_of(url), verify=False)

    assert "Hostname mismatch" in reason(other)
    assert "certificate is not valid" in reason(unknown)
    assert unverified.numbers["up"] == 1
    assert unverified.numbers["certificate.days"] > 29


def test_what_speaks_no_tls_is_down() -> None:
    with serving(page) as url:
        assert reason(check("tls", port=port_of(url))).startswith("no TLS connection")


def test_a_server_that_never_shakes_hands_is_down_after_the_timeout() -> None:
    with speaking(silent) as url:
        reading = check("tls", port=port_of(url), within=SECOND // 2)

    assert reason(reading) == "no answer within 500 ms"


# -- DNS ---------------------------------------------------------------------------------------


def ask(dns: int, name: str, record: str = "A", **more: Any) -> Reading:
    return check("dns", name, server="127.0.0.1", port=dns, record=record, **more)


def test_a_name_gives_its_records(dns: int) -> None:
    reading = ask(dns, "shop.test")

    assert reading.numbers["up"] == 1
    assert reading.numbers["answers"] == 2
    assert reading.numbers["ttl"] == 300
    assert reading.numbers["latency"] > 0
    assert reading.rows == [
        {"record": "A", "answer": "192.0.2.7", "ttl": 300},
        {"record": "A", "answer": "192.0.2.8", "ttl": 300},
    ]
    assert reading.verdicts["up"].message == "192.0.2.7, 192.0.2.8"


@pytest.mark.parametrize(
    ("name", "record", "said"),
    [
        ("www.test", "A", "192.0.2.7, 192.0.2.8"),
        ("www.test", "CNAME", "shop.test."),
        ("test", "MX", "10 mail.test."),
        ("test", "TXT", '"v=1 all"'),
        ("192.0.2.7", "PTR", "shop.test."),
        ("7.2.0.192.in-addr.arpa", "PTR", "shop.test."),
    ],
)
def test_records_of_each_type(dns: int, name: str, record: str, said: str) -> None:
    assert ask(dns, name, record).verdicts["up"].message == said


def test_an_answer_too_long_for_a_packet_comes_by_tcp(dns: int) -> None:
    assert ask(dns, "long.test", "TXT").numbers["answers"] == 30


@pytest.mark.parametrize(
    ("name", "record", "said"),
    [
        ("no.test", "A", "there is no such name (NXDOMAIN)"),
        ("shop.test", "MX", "shop.test has no record of type MX"),
        ("shop.example", "A", "the name server refuses (REFUSED)"),
    ],
)
def test_what_a_name_server_says_instead_is_down(
    dns: int, name: str, record: str, said: str
) -> None:
    assert reason(ask(dns, name, record)) == said


def test_an_answer_must_be_the_expected_one(dns: int) -> None:
    assert ask(dns, "shop.test", expect=["192.0.2.8"]).numbers["up"] == 1
    assert ask(dns, "www.test", "CNAME", expect=["Shop.Test"]).numbers["up"] == 1
    said = reason(ask(dns, "shop.test", expect=["192.0.2.9"]))
    assert said == "192.0.2.9 was expected, not 192.0.2.7, 192.0.2.8"


def test_a_name_server_that_says_nothing_is_down_after_the_timeout() -> None:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as deaf:
        deaf.bind(("127.0.0.1", 0))
        reading = ask(deaf.getsockname()[1], "shop.test", within=SECOND // 2)

    assert reason(reading) == "no answer within 500 ms"


@given(st.lists(st.tuples(st.text(), st.integers(0, 2**31)), max_size=5), st.text(min_size=1))
def test_any_records_are_a_reading(records: list[tuple[str, int]], expected: str) -> None:
    reading = looked_up(Answer("NOERROR", records, 0.1), "a.test", "TXT", [expected])

    assert reading.numbers["up"] in {0, 1}


# -- ping --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_host_that_answers_pings_is_up(host: str) -> None:
    reading = check("ping", host, count=2)

    assert reading.numbers["up"] == 1
    assert reading.numbers["loss"] == 0
    assert 0 < reading.numbers["latency"] <= reading.numbers["latency.max"] < 1
    assert reading.units == {"latency": "s", "latency.max": "s", "loss": "%"}
    assert reading.verdicts["up"].message == "2 of 2 pings were answered"


def test_where_pings_are_not_permitted_it_is_said_how_they_would_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = socket.socket

    def refuse(family: int = -1, kind: int = -1, protocol: int = -1, fileno: Any = None) -> Any:
        if protocol == socket.IPPROTO_ICMP:
            raise PermissionError(1, "Operation not permitted")
        return real(family, kind, protocol, fileno)

    monkeypatch.setattr("widgets.sources._ping.socket.socket", refuse)

    with pytest.raises(SourceError, match=r"net\.ipv4\.ping_group_range, or give it CAP_NET_RAW"):
        check("ping")


def test_some_answers_of_many_are_a_loss_and_none_is_down() -> None:
    reading = pinged([0.1, None, 0.3, None])

    assert reading is not None
    assert reading.numbers["loss"] == 50
    assert reading.numbers["latency"] == pytest.approx(0.2)
    assert pinged([None, None]) is None


def test_an_echo_is_as_the_standard_says() -> None:
    packet = request(socket.AF_INET, 1, b"t" * 16)

    assert packet[:2] == bytes([8, 0])
    # Over a packet that carries its checksum, the sum is nothing.
    assert checksum(packet) == 0


@pytest.mark.parametrize(
    ("family", "packet", "is_one"),
    [
        (socket.AF_INET, b"\0\0ccnnss" + b"t" * 16, True),
        (socket.AF_INET, b"\x45" + bytes(19) + b"\0\0ccnnss" + b"t" * 16, True),
        (socket.AF_INET, b"\x46" + bytes(23) + b"\0\0ccnnss" + b"t" * 16, True),
        (socket.AF_INET6, b"\x81\0ccnnss" + b"t" * 16, True),
        # The request itself, which a raw socket to one's own machine hears too.
        (socket.AF_INET, b"\x08\0ccnnss" + b"t" * 16, False),
        (socket.AF_INET, b"\0\0ccnnss" + b"u" * 16, False),
        (socket.AF_INET, b"", False),
    ],
)
def test_a_reply_is_told_by_its_token(family: int, packet: bytes, is_one: bool) -> None:
    assert is_reply(family, packet, b"t" * 16) is is_one


@given(st.binary(max_size=80), st.sampled_from([socket.AF_INET, socket.AF_INET6]))
def test_any_packet_without_the_token_is_no_reply(packet: bytes, family: int) -> None:
    assert not is_reply(family, packet, b"t" * 16) or packet.endswith(b"t" * 16)


# -- options -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"probe": "tcp", "host": "a"}, "options: tcp needs a port"),
        ({"probe": "udp", "host": "a"}, "options.probe"),
        ({"probe": "tcp", "host": "a", "port": 0}, "options.port"),
        ({"probe": "dns", "host": "a..b"}, "options: 'a..b' is no name"),
        ({"probe": "dns", "host": "a" * 64}, "options: "),
        ({"probe": "ping"}, "options.host"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(CheckOptions, options)

    assert str(caught.value).startswith(said)


@given(st.text(min_size=1, max_size=80), st.sampled_from(["A", "PTR"]))
def test_any_name_is_taken_or_refused(name: str, record: str) -> None:
    try:
        read(CheckOptions, {"probe": "dns", "host": name, "record": record})
    except BadOptions:
        return  # A sentence; nothing else may be raised.
