"""The end of a web process, as its screens see it."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from dashboard.live.board import Key
from dashboard.live.codes import RESTARTING
from dashboard.live.drain import drain
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from tests.walls import Screen, make_board, put
from widgets import lifecycle


@pytest.fixture(autouse=True)
def stopping(monkeypatch: pytest.MonkeyPatch) -> Event:
    event = Event()
    monkeypatch.setattr(lifecycle, "stopping", event)
    return event


async def test_every_screen_is_sent_away_and_stalled_ones_are_not_waited_for(
    hub: Hub, stopping: Event
) -> None:
    board = await hub.query(make_board)
    await hub.query(put, board)
    screens = [Screen() for _ in range(5)]
    screens[0].reading.clear()
    senders = []
    for screen in screens:
        slot = Slot(screen)
        assert await hub.join(Key(board.pk), slot)
        senders.append(asyncio.create_task(slot.run()))

    await drain(0.05)

    assert stopping.is_set()
    assert [await screen.is_closed() for screen in screens[1:]] == [RESTARTING] * 4
    assert screens[0].code is None
    senders[0].cancel()


async def test_with_no_screens_it_is_over_at_once(stopping: Event) -> None:
    async with asyncio.timeout(1):
        await drain(3600)

    assert stopping.is_set()
