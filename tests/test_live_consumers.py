"""Who gets a socket, and what it costs."""

from __future__ import annotations

import json
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.test import Client

from dashboard.live import admission
from dashboard.live.consumers import WallConsumer
from dashboard.live.drain import drain
from dashboard.live.hub import Hub
from dashboard.models import Dashboard, Tile
from tests.feeds import arrive, make_feed
from tests.walls import eventually, make_board, put
from watchwall.asgi import application
from widgets import clock, lifecycle
from widgets.clock import HOUR
from widgets.models import Feed


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "REFUSAL_DELAY", 0.0)


def setting(**board: Any) -> tuple[Dashboard, Tile, Feed]:
    feed = make_feed()
    arrive(feed, {"a": 1}, at=clock.now())
    made = make_board(**board)
    return made, put(made), feed


def cookie(who: str) -> str:
    """The session of a member of the cast; a stranger has none."""
    if who == "stranger":
        return ""
    client = Client()
    client.force_login(User.objects.create_user(who, is_superuser=who == "owner"))
    return f"sessionid={client.session.session_key}"


async def knock(
    hub: Hub, path: str, who: str = "stranger", origin: str = "http://localhost"
) -> Any:
    headers = [(b"origin", origin.encode()), (b"host", b"localhost")]
    headers.append((b"cookie", (await hub.query(cookie, who)).encode()))
    socket = WebsocketCommunicator(application, path, headers=headers)
    accepted, _ = await socket.connect(timeout=10)
    return socket if accepted else None


async def answer(hub: Hub, path: str, who: str = "stranger") -> int | str:
    """The code it is closed with, or `open`."""
    socket = await knock(hub, path, who)
    assert socket, "every socket is accepted first: a refused handshake is retried for ever"
    message = await socket.receive_output(timeout=10)
    if message["type"] == "websocket.close":
        return int(message["code"])
    await socket.disconnect()
    return "open"


@pytest.mark.parametrize(
    ("public", "who", "expected"),
    [
        (True, "stranger", "open"),
        (True, "viewer", "open"),
        (True, "owner", "open"),
        (False, "stranger", 4401),
        (False, "viewer", "open"),
        (False, "owner", "open"),
    ],
)
async def test_a_socket_opens_for_whoever_may_see_the_page(
    hub: Hub, public: bool, who: str, expected: int | str
) -> None:
    await hub.query(setting, public=public)

    assert await answer(hub, "/ws/d/ops/", who) == expected


async def test_what_is_not_there_is_gone(hub: Hub) -> None:
    _, tile, _ = await hub.query(setting)
    elsewhere = await hub.query(lambda: put(make_board("other")))

    assert await answer(hub, "/ws/d/nope/") == 4404
    assert await answer(hub, f"/ws/d/ops/?tile={elsewhere.pk}") == 4404
    assert await answer(hub, f"/ws/d/ops/?tile={tile.pk}") == "open"


async def test_another_site_gets_no_socket(hub: Hub) -> None:
    await hub.query(setting)

    assert await knock(hub, "/ws/d/ops/", origin="http://evil.example") is None


async def test_a_socket_gets_heartbeat_everything_and_then_what_changes(hub: Hub) -> None:
    _, tile, feed = await hub.query(setting)
    socket = await knock(hub, "/ws/d/ops/")

    beat = json.loads(await socket.receive_from(timeout=10))
    everything = await socket.receive_from(timeout=10)
    await hub.query(arrive, feed, {"a": 2.5}, clock.now())
    change = await socket.receive_from(timeout=10)

    assert set(beat) == {"type", "now", "build"}
    assert everything.startswith('<hx-partial id="wall"><main id="wall"')
    assert change.startswith(f'<hx-partial id="w{tile.pk}"><article id="w{tile.pk}"')
    assert "2.5" in change
    await socket.disconnect()


async def test_no_socket_has_a_channel_of_the_layer(hub: Hub) -> None:
    await hub.query(setting)
    sockets = [await knock(hub, "/ws/d/ops/") for _ in range(3)]
    layer = get_channel_layer()
    await eventually(lambda: layer.groups)

    channels = {channel for members in layer.groups.values() for channel in members}

    assert get_channel_layer(WallConsumer.channel_layer_alias) is None
    assert len(channels) == 1
    for socket in sockets:
        await socket.disconnect()


async def test_a_socket_that_goes_is_forgotten(hub: Hub) -> None:
    await hub.query(setting)
    socket = await knock(hub, "/ws/d/ops/")
    (wall,) = hub.walls.values()
    assert len(wall.slots) == 1

    await socket.disconnect()

    assert not wall.slots
    assert wall.left_at is not None


async def test_a_strangers_socket_crosses_no_thread_but_the_hubs(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.query(setting)
    crossed = Mock(side_effect=AssertionError)
    monkeypatch.setattr("channels.auth.get_user", crossed)
    monkeypatch.setattr("channels.consumer.aclose_old_connections", crossed)

    assert await answer(hub, "/ws/d/ops/") == "open"
    assert not crossed.called


async def test_whoever_comes_at_the_end_is_sent_on(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "stopping", Event())
    await hub.query(setting)

    await drain(0)

    assert await answer(hub, "/ws/d/ops/") == 4503


async def test_what_a_page_sends_does_no_harm(hub: Hub) -> None:
    await hub.query(setting)
    socket = await knock(hub, "/ws/d/ops/")

    await socket.send_to(text_data="<script>")
    await socket.send_to(bytes_data=b"\0")

    assert "heartbeat" in await socket.receive_from(timeout=10)
    await socket.disconnect()


async def test_it_is_known_what_a_page_has_painted_and_whose_it_is(hub: Hub) -> None:
    await hub.query(setting)
    socket = await knock(hub, "/ws/d/ops/", "viewer")
    (wall,) = hub.walls.values()
    (slot,) = wall.slots
    receipt = slot.receipt
    assert slot.visitor.user == "viewer"
    assert receipt.behind(clock.now() + HOUR) >= HOUR

    await socket.send_to(text_data=f'{{"painted":{receipt.handed}}}')
    await eventually(lambda: receipt.painted == receipt.handed)

    assert receipt.behind(clock.now() + HOUR) == 0
    await socket.disconnect()
