"""The second way to a page: server-sent events, and what comes back by POST."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from channels.layers import get_channel_layer
from channels.testing import ApplicationCommunicator
from django.contrib.sessions.models import Session

from dashboard.live import admission
from dashboard.live.board import Key
from dashboard.live.codes import GONE
from dashboard.live.events import EventsOutlet, signer
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from tests.feeds import arrive
from tests.test_live_consumers import cookie, setting
from tests.walls import DEADLINE, eventually
from watchwall.asgi import application
from widgets import clock


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "REFUSAL_DELAY", 0.0)


class Stream:
    """A request to the events of a board, and its answer as far as it has come."""

    def __init__(self, who: str, path: str, method: str = "GET", **headers: str) -> None:
        named = {"host": "localhost", "cookie": who} | headers
        path, _, query = path.partition("?")
        self.asgi = ApplicationCommunicator(
            application,
            {
                "type": "http", "method": method, "path": path, "query_string": query.encode(),
                "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in named.items()],
            },
        )  # fmt: skip
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.body = ""

    async def begin(self, body: bytes = b"") -> Stream:
        await self.asgi.send_input({"type": "http.request", "body": body, "more_body": False})
        start = await self.asgi.receive_output(DEADLINE)
        self.status, self.headers = start["status"], dict(start["headers"])
        return self

    async def part(self) -> str:
        message = await self.asgi.receive_output(DEADLINE)
        self.body += message["body"].decode()
        return str(message["body"].decode())

    async def says(self, text: str) -> None:
        while text not in self.body:
            await self.part()

    @property
    def token(self) -> str:
        return self.body.partition("\nid: ")[2].partition("\n")[0]

    async def go(self) -> None:
        await self.asgi.send_input({"type": "http.disconnect"})
        await self.asgi.wait(DEADLINE)


async def listen(hub: Hub, path: str = "/events/d/ops/", who: str = "stranger") -> Stream:
    return await Stream(await hub.query(cookie, who), path).begin()


async def post(hub: Hub, token: str, body: bytes, **headers: str) -> int:
    given = {"last_event_id": token} | headers
    return (await Stream("", "/events/d/ops/", "POST", **given).begin(body)).status


async def test_a_stream_brings_what_a_socket_would_and_keeps_nothing_back(hub: Hub) -> None:
    _, tile, feed = await hub.query(setting)
    stream = await listen(hub)
    await stream.says('data: <hx-partial id="wall">')
    await hub.query(arrive, feed, {"a": 2.5}, clock.now())
    await stream.says(f'data: <hx-partial id="w{tile.pk}"><article id="w{tile.pk}"')
    await stream.says("2.5")

    assert stream.status == 200
    assert stream.headers[b"content-type"] == b"text/event-stream"
    assert stream.headers[b"cache-control"] == b"no-store"
    assert stream.headers[b"x-accel-buffering"] == b"no"
    assert 'data: {"type": "heartbeat"' in stream.body
    await stream.go()


async def test_whoever_goes_is_forgotten(hub: Hub) -> None:
    await hub.query(setting)
    stream = await listen(hub)
    await stream.says("hx-partial")
    (wall,) = hub.walls.values()
    assert [slot.visitor.way for slot in wall.slots] == ["events"]

    await stream.go()

    assert not wall.slots


@pytest.mark.parametrize(
    ("public", "who", "path", "code"),
    [
        (True, "stranger", "/events/d/nope/", 4404),
        (True, "stranger", "/events/d/ops/?tile=999999", 4404),
        (False, "stranger", "/events/d/ops/", 4401),
        (False, "viewer", "/events/d/ops/", None),
    ],
)
async def test_the_same_may_see_as_by_a_socket(
    hub: Hub, public: bool, who: str, path: str, code: int | None
) -> None:
    await hub.query(setting, public=public)
    stream = await listen(hub, path, who)

    if code is None:
        await stream.says("hx-partial")
        await stream.go()
    else:
        await stream.says(f"event: end\ndata: {code}\n\n")
        await stream.asgi.wait(DEADLINE)


async def test_whoever_is_signed_out_is_told_and_the_stream_ends(hub: Hub) -> None:
    await hub.query(setting, public=False)
    stream = await listen(hub, who="viewer")
    await stream.says("hx-partial")

    await hub.query(Session.objects.all().delete)
    hub.comparer.wake()

    await stream.says("event: end\ndata: 4401\n\n")
    await stream.asgi.wait(DEADLINE)


async def test_a_server_that_leaves_only_ends_the_stream() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await EventsOutlet(send).close(4503)
    await EventsOutlet(send).close(GONE)

    assert [message["body"] for message in sent] == [b"", b"event: end\ndata: 4404\n\n"]
    assert not any(message["more_body"] for message in sent)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
async def test_another_site_gets_nothing(hub: Hub, method: str) -> None:
    await hub.query(setting)

    stream = await Stream("", "/events/d/ops/", method, origin="http://evil.example").begin()

    assert stream.status == 403


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("PUT", 405)])
async def test_a_page_can_ask_whether_events_would_come_through(
    hub: Hub, method: str, status: int
) -> None:
    assert (await Stream("", "/events/d/ops/", method).begin()).status == status


async def test_what_is_no_address_of_events_is_a_page(hub: Hub) -> None:
    stream = await Stream("", "/events/nothing/").begin()

    await stream.says("</html>")
    await stream.asgi.wait(DEADLINE)
    assert stream.status == 404
    assert b"content-security-policy" in {name.lower() for name in stream.headers}


def only(hub: Hub) -> Slot:
    (slot,) = hub.slots()
    return slot


async def test_what_a_page_has_painted_comes_back_by_its_token(hub: Hub) -> None:
    await hub.query(setting)
    stream = await listen(hub)
    await stream.says("hx-partial")
    receipt = only(hub).receipt

    status = await post(hub, stream.token, f'{{"painted":{receipt.handed}}}'.encode())

    assert status == 204
    assert receipt.painted == receipt.handed > 0
    await stream.go()


async def test_nobody_speaks_for_a_page_without_its_token(hub: Hub) -> None:
    await hub.query(setting)
    stream = await listen(hub)
    await stream.says("hx-partial")
    said = b'{"painted":1}'
    place = signer.unsign(stream.token)

    assert await post(hub, "", said) == 403
    assert await post(hub, place, said) == 403
    assert await post(hub, stream.token[:-1] + "?", said) == 403
    assert await post(hub, stream.token, b"x" * 1000) == 413
    assert await post(hub, stream.token, b"nonsense") == 204

    assert only(hub).receipt.heard_at is None
    await stream.go()
    assert await post(hub, stream.token, said) == 204, "a page that has gone is nobody's loss"


async def test_a_page_may_speak_to_another_process_than_its_own(hub: Hub) -> None:
    await hub.query(setting)
    slot = Slot(EventsOutlet(lambda message: asyncio.sleep(0)))
    slot.receipt.hand(7, clock.now())
    place = hub.places.place_of(slot)
    await eventually(lambda: hub.places.group in get_channel_layer().groups)

    elsewhere = Hub()
    await elsewhere.places.painted(place, '{"painted":7}')

    await eventually(lambda: slot.receipt.painted == 7)
    await elsewhere.stop()


async def test_a_reader_that_stalls_costs_one_board(hub: Hub) -> None:
    board, _, feed = await hub.query(setting)
    taking = asyncio.Event()
    frames: list[bytes] = []

    async def send(message: dict[str, Any]) -> None:
        await taking.wait()
        frames.append(message["body"])

    slot = Slot(EventsOutlet(send))
    await hub.join(Key(board.pk), slot)
    running = asyncio.create_task(slot.run())
    for value in range(50):
        await hub.query(arrive, feed, {"a": value + 0.5}, clock.now())
    await eventually(lambda: "49.5" in "".join(slot._parts.values()))

    taking.set()
    await eventually(lambda: any(b"49.5" in frame for frame in frames))

    assert len(frames) <= 3
    running.cancel()
