"""Who watches, told for staff: bounded, and the furthest behind first."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from dashboard.live import audience
from dashboard.live.audience import furthest_behind
from dashboard.live.board import Key
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from dashboard.live.visitor import Visitor
from dashboard.models import Audience, Dashboard
from tests.feeds import arrive, make_feed
from tests.walls import Screen, eventually, make_board, put
from widgets import clock, processes
from widgets.clock import SECOND


def setting() -> Dashboard:
    arrive(make_feed(), {"a": 1}, at=clock.now())
    board = make_board(title="Operations")
    put(board)
    return board


async def watch(hub: Hub, board: Dashboard, user: str = "", **visitor: object) -> Slot:
    slot = Slot(Screen(), visitor=Visitor(user, since=clock.now(), **visitor))  # type: ignore[arg-type]
    await hub.join(Key(board.pk), slot)
    return slot


def rows() -> list[Audience]:
    return list(Audience.objects.all())


async def test_each_connection_is_told_with_how_far_behind_it_is(hub: Hub) -> None:
    board = await hub.query(setting)
    one = await watch(hub, board, "viewer", address="10.0.0.7", browser="Firefox 140")
    one.receipt.hand(one.receipt.handed, clock.now() - 30 * SECOND)

    await hub.teller.tell()

    (row,) = await hub.query(rows)
    assert (row.process, row.count) == (processes.key(), 1)
    (told,) = row.rows
    assert (told["user"], told["address"], told["browser"]) == ("viewer", "10.0.0.7", "Firefox 140")
    assert (told["slug"], told["title"], told["tile"]) == ("ops", "Operations", None)
    assert told["way"] == "socket"
    assert told["heard"] is None


async def test_of_many_the_furthest_behind_are_told_and_all_are_counted(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "furthest_behind", lambda w, now: furthest_behind(w, now, 2))
    board = await hub.query(setting)
    slots = [await watch(hub, board, f"user{n}") for n in range(5)]
    now = clock.now()
    for n, slot in enumerate(slots):
        slot.receipt.answer(f'{{"painted":{slot.receipt.handed}}}', now - 100 * SECOND)
        slot.receipt.hand(now, now - (n % 4) * 10 * SECOND)

    await hub.teller.tell()

    (row,) = await hub.query(rows)
    assert row.count == 5
    assert [told["user"] for told in row.rows] == ["user3", "user2"]


async def test_when_the_last_has_gone_that_is_told_and_then_nothing(hub: Hub) -> None:
    board = await hub.query(setting)
    slot = await watch(hub, board)
    await hub.teller.tell()

    hub.leave(Key(board.pk), slot)
    await hub.teller.tell()
    (row,) = await hub.query(rows)
    assert (row.count, row.rows) == (0, [])

    await hub.query(Audience.objects.all().delete)
    await hub.teller.tell()
    assert await hub.query(rows) == []


async def test_a_database_that_is_away_does_not_end_the_telling(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fail(*args: object) -> None:
        calls.append(args)
        raise OperationalError("gone")

    monkeypatch.setattr(processes, "BEAT", 1000)
    monkeypatch.setattr(audience, "write", fail)
    telling = hub.loop.create_task(hub.teller.run())

    await eventually(lambda: len(calls) > 1)

    telling.cancel()
    assert "Who watches could not be written: gone" in caplog.text


async def test_the_sockets_are_gauged_by_way_and_by_the_stalest(hub: Hub) -> None:
    board = await hub.query(setting)
    await watch(hub, board)
    late = await watch(hub, board, way="events")
    now = clock.now()
    late.receipt.answer(f'{{"painted":{late.receipt.handed}}}', now - 100 * SECOND)
    late.receipt.hand(now, now - 40 * SECOND)

    audience.gauge(hub.slots(), now)

    figures = processes._telling.tell(now)
    assert (figures["sockets"], figures["sockets.events"]) == (2, 1)
    assert figures["stalest"] == 40 * SECOND
