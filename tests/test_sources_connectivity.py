from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from tests.serving import serving, speaking
from watchwall.environment import addresses
from widgets import io, online
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.reading import Reading
from widgets.sources import SourceError, sources


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(online, "_last", None)
    yield
    io.stop()


def ask(slug: str, within: int = 20 * SECOND, **options: Any) -> Reading:
    return io.submit(fetch(sources[slug], options, {}, within)).result(30)


def error(slug: str, within: int = 20 * SECOND, **options: Any) -> str:
    with pytest.raises(SourceError) as caught:
        ask(slug, within, **options)
    return str(caught.value)


async def page(request: web.Request) -> web.Response:
    return web.Response(text="all is well")


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1_000):
        pass


def anchor(url: str) -> tuple[str, int]:
    return "127.0.0.1", int(url.rpartition(":")[2])


@contextmanager
def nobody() -> Iterator[tuple[str, int]]:
    """An address that gives no answer at all: its queue is full, and it never takes anybody."""
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        held.listen(0)
        address = held.getsockname()
        others = [socket.socket() for _ in range(8)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(address)
        try:
            yield address
        finally:
            for other in others:
                other.close()


def refusing() -> tuple[str, int]:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        return "127.0.0.1", held.getsockname()[1]


# -- the source itself -------------------------------------------------------------------------


def test_it_is_connected_while_one_of_its_anchors_answers(settings: Settings) -> None:
    with serving(page) as url:
        settings.ANCHORS = [anchor(url), ("no-such-host.invalid", 1)]
        reading = ask("connectivity")

    assert reading.numbers["online"] == 1
    assert reading.numbers["anchors"] == 2
    assert reading.numbers["anchors.up"] == 1
    assert reading.numbers["latency"] > 0
    assert reading.verdicts["online"].message == "1 of 2 anchors answer"
    assert [row["anchor"] for row in reading.rows or ()] == [
        f"127.0.0.1:{anchor(url)[1]}",
        "no-such-host.invalid:1",
    ]


def test_an_anchor_that_refuses_has_answered(settings: Settings) -> None:
    settings.ANCHORS = [refusing()]

    assert ask("connectivity").numbers["online"] == 1


def test_it_is_cut_off_when_none_answers(settings: Settings, monkeypatch: Any) -> None:
    monkeypatch.setattr(online, "PATIENCE", 0.2)
    with nobody() as address:
        settings.ANCHORS = [address]
        reading = ask("connectivity")

    assert reading.numbers["online"] == 0
    assert "latency" not in reading.numbers
    assert reading.verdicts["online"].state == "critical"
    assert reading.verdicts["online"].message.startswith("this monitor is cut off")
    assert reading.rows == [
        {"anchor": f"127.0.0.1:{address[1]}", "answer": "no answer within 0.2 s", "latency": None}
    ]


def test_without_anchors_it_says_how_to_name_some(settings: Settings) -> None:
    settings.ANCHORS = []

    assert error("connectivity").startswith("WATCHWALL_ANCHORS names nobody to ask; set it to")


def test_an_anchor_that_may_not_be_asked_is_an_error(settings: Settings) -> None:
    settings.ANCHORS = [refusing()]
    settings.EGRESS = [ip_network("192.0.2.0/24")]

    assert error("connectivity").startswith("WATCHWALL_ANCHORS: 127.0.0.1 is outside the networks")


# -- what other checks make of it --------------------------------------------------------------

UNHEARD = [
    ("http", {"url": "http://no-such-host.invalid/"}),
    ("check", {"probe": "tcp", "host": "no-such-host.invalid", "port": 1}),
    ("check", {"probe": "ping", "host": "no-such-host.invalid"}),
]


@pytest.mark.parametrize(("slug", "options"), UNHEARD)
def test_while_cut_off_nothing_is_called_down(
    slug: str, options: dict[str, Any], settings: Settings
) -> None:
    settings.ANCHORS = [("no-such-anchor.invalid", 7)]

    said = error(slug, **options)

    assert said.startswith("this monitor is cut off: none of its anchors answers (no-such-anchor")
    assert "cannot be resolved" in said


@pytest.mark.parametrize(("slug", "options"), UNHEARD)
def test_while_an_anchor_answers_it_is_down(
    slug: str, options: dict[str, Any], settings: Settings
) -> None:
    settings.ANCHORS = [refusing(), ("no-such-anchor.invalid", 7)]

    assert ask(slug, **options).numbers["up"] == 0


@pytest.mark.parametrize("slug", ["http", "check"])
def test_a_timeout_is_no_outage_while_cut_off(slug: str, settings: Settings) -> None:
    with speaking(silent) as url:
        options = {"url": url} if slug == "http" else {"probe": "tls", "host": "127.0.0.1"}
        if slug == "check":
            options["port"] = url.rpartition(":")[2]
        settings.ANCHORS = [("no-such-anchor.invalid", 7)]
        said = error(slug, SECOND // 5, **options)
        settings.ANCHORS = [refusing()]
        reading = ask(slug, SECOND // 5, **options)

    assert said.endswith("it gave no answer within 200 ms")
    assert reading.verdicts["up"].message == "no answer within 200 ms"


def test_a_target_that_itself_says_no_is_down_all_the_same(settings: Settings) -> None:
    settings.ANCHORS = [("no-such-anchor.invalid", 7)]
    host, port = refusing()

    assert ask("http", url=f"http://{host}:{port}").numbers["up"] == 0
    assert ask("check", probe="tcp", host=host, port=port).numbers["up"] == 0


def test_many_that_fail_at_once_ask_the_anchors_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANCHORS = [("no-such-anchor.invalid", 7)]
    asked: list[Any] = []
    real = online.ask

    async def count(anchors: Any) -> Any:
        asked.append(anchors)
        return await real(anchors)

    monkeypatch.setattr(online, "ask", count)

    async def many() -> list[bool]:
        return await asyncio.gather(*(online.cut_off() for _ in range(50)))

    assert io.submit(many()).result(20) == [True] * 50
    assert io.submit(online.cut_off()).result(20)
    assert len(asked) == 1


# -- the setting -------------------------------------------------------------------------------


def test_addresses_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_ANCHORS", "router.example:443, [2001:db8::1]:53")

    assert addresses("WATCHWALL_ANCHORS") == [("router.example", 443), ("2001:db8::1", 53)]


@pytest.mark.parametrize("given", ["router", ":1", "a:0", "a:65536", "a:²"])
def test_what_is_no_address_is_refused_by_name(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_ANCHORS", given)

    with pytest.raises(ImproperlyConfigured, match=r"WATCHWALL_ANCHORS: .* it takes host:port"):
        addresses("WATCHWALL_ANCHORS")
