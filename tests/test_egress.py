from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from aiohttp import web
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from tests.serving import serving
from watchwall.environment import networks
from widgets import egress, io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.reading import Reading
from widgets.sources import SourceError, sources

OUTSIDE = "is outside the networks that WATCHWALL_EGRESS allows"


async def handle(request: web.Request) -> web.StreamResponse:
    if "to" in request.query:
        raise web.HTTPFound(request.query["to"])
    return web.json_response({"x": 1})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(handle) as address:
        yield address


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    io.stop()


def allow(settings: Settings, *given: str) -> None:
    settings.EGRESS = [ip_network(network) for network in given]


def ask(slug: str, **options: Any) -> Reading:
    return io.submit(fetch(sources[slug], options, {}, 10 * SECOND)).result(20)


def refused(slug: str, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        ask(slug, **options)
    return str(caught.value)


def test_without_networks_everything_may_be_asked(server: str) -> None:
    assert ask("http", url=server).numbers["up"] == 1


@pytest.mark.parametrize("slug", ["http", "json"])
def test_what_is_outside_is_an_error_and_no_target_that_is_down(
    slug: str, server: str, settings: Settings
) -> None:
    allow(settings, "10.0.0.0/8")
    options = {"text": "@"} if slug == "json" else {}

    assert refused(slug, url=server, **options) == f"127.0.0.1: 127.0.0.1 {OUTSIDE}"


def test_a_name_is_looked_at_after_it_is_resolved(server: str, settings: Settings) -> None:
    named = server.replace("127.0.0.1", "localhost")

    allow(settings, "127.0.0.0/8")
    assert ask("http", url=named).numbers["up"] == 1
    allow(settings, "192.0.2.0/24")
    assert refused("http", url=named).startswith("localhost: ")


def test_the_address_that_is_connected_to_is_the_one_that_was_looked_at(
    server: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says something else each time it is asked wins nothing by it."""
    allow(settings, "192.0.2.0/24")
    port = int(server.rpartition(":")[2])
    said = iter(["192.0.2.1", *["127.0.0.1"] * 100])
    asked: list[str] = []

    def look_up(host: str, *_: Any, **__: Any) -> list[Any]:
        # What is an address already is handed back as it is, as the system does.
        asked.append(host if host[0].isdigit() else next(said))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (asked[-1], port))]

    monkeypatch.setattr("widgets.io.socket.getaddrinfo", look_up)
    connected: list[Any] = []

    async def connect(self: Any, sock: Any, address: Any) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", connect)

    assert ask("http", url=f"http://sly.example:{port}").numbers["up"] == 0
    assert connected == ["192.0.2.1"]
    # Under another name, since aiohttp remembers for 10 s what it was told.
    assert refused("http", url=f"http://sly.test:{port}").endswith(f"127.0.0.1 {OUTSIDE}")
    assert connected == ["192.0.2.1"]


def test_every_hop_of_a_redirect_is_looked_at(server: str, settings: Settings) -> None:
    allow(settings, "127.0.0.1")

    said = refused("http", url=f"{server}/?to=http://127.0.0.2:9/")

    assert said == f"127.0.0.2: 127.0.0.2 {OUTSIDE}"


@pytest.mark.parametrize("written", ["0x7f.0.0.1", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"])
def test_no_way_of_writing_an_address_leads_around_it(
    written: str, server: str, settings: Settings
) -> None:
    allow(settings, "192.0.2.0/24", "2001:db8::/32")

    assert OUTSIDE in refused("http", url=server.replace("127.0.0.1", written))


async def test_a_plain_connection_of_the_loop_is_looked_at_too(settings: Settings) -> None:
    allow(settings, "192.0.2.0/24")

    for work in (asyncio.open_connection("127.0.0.1", 9), _datagrams()):
        with pytest.raises(egress.Refused):
            await asyncio.wrap_future(io.submit(work))


async def _datagrams() -> None:
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("address", "among", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("::ffff:10.1.2.3", "::/0", False),
        ("fe80::1%eth0", "fe80::/10", True),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("a name", "0.0.0.0/0", False),
    ],
)
def test_an_address_is_inside_or_not(address: str, among: str, inside: bool) -> None:
    assert egress.is_in(address, [ip_network(among)]) is inside


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_is_the_same_however_it_is_mapped(number: int) -> None:
    plain = ip_address(number)
    network = [ip_network("64.0.0.0/2")]

    assert egress.is_in(str(plain), network) == (number >> 30 == 1)
    assert egress.is_in(f"::ffff:{plain}", network) == (number >> 30 == 1)


def test_networks_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_EGRESS", " 10.0.0.0/8, ::1 ")
    assert networks("WATCHWALL_EGRESS") == [ip_network("10.0.0.0/8"), ip_network("::1")]
    monkeypatch.setenv("WATCHWALL_EGRESS", "")
    assert networks("WATCHWALL_EGRESS") == []


@pytest.mark.parametrize("given", ["10.0.0.1/8", "shop.example", "10.0.0.0/99"])
def test_what_is_no_network_is_refused_by_name(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_EGRESS", given)

    with pytest.raises(ImproperlyConfigured, match=r"WATCHWALL_EGRESS: .* it takes networks"):
        networks("WATCHWALL_EGRESS")
