from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dashboard.live.outlet import Frame
from dashboard.live.slot import Slot
from tests.walls import Screen
from widgets import clock, processes


@pytest.fixture
async def screen() -> Screen:
    return Screen()


@pytest.fixture
async def slot(screen: Screen) -> AsyncIterator[Slot]:
    slot = Slot(screen)
    sender = asyncio.create_task(slot.run())
    yield slot
    sender.cancel()


def put(slot: Slot, **parts: str) -> str:
    frame = Frame("".join(parts.values()))
    slot.put(parts, frame)
    return frame.text


def overwrites() -> float:
    return processes._telling.tell(clock.now()).get("overwrites", 0)


async def test_whoever_keeps_up_is_sent_the_very_text_that_all_share(
    slot: Slot, screen: Screen
) -> None:
    text = put(slot, w1="one", w2="two")

    await screen.sees("one")

    assert screen.frames[0] is text


async def test_while_a_send_is_under_way_the_latest_of_each_tile_wins(
    slot: Slot, screen: Screen
) -> None:
    screen.reading.clear()
    put(slot, w1="[1a]")
    await asyncio.sleep(0)

    before = overwrites()
    put(slot, w1="[1b]", w2="[2a]")
    put(slot, w1="[1c]")
    put(slot, w2="[2b]")
    assert slot.waits
    assert overwrites() == before + 2
    screen.reading.set()
    await screen.sees("[2b]")

    assert screen.frames == ["[1a]", "[1c][2b]"]
    assert not slot.waits


async def test_a_new_grid_takes_the_place_of_all_that_waits(slot: Slot, screen: Screen) -> None:
    screen.reading.clear()
    put(slot, w1="[1a]")
    await asyncio.sleep(0)

    put(slot, w1="[1b]")
    grid = put(slot, wall="[grid]", status="[status]")
    screen.reading.set()
    await screen.sees("[grid]")

    assert screen.frames[1:] == [grid]
    assert screen.frames[1] is grid


async def test_of_heartbeats_only_the_newest_is_sent_and_never_within_fragments(
    slot: Slot, screen: Screen
) -> None:
    screen.reading.clear()
    put(slot, w1="[1a]")
    await asyncio.sleep(0)

    slot.beat(Frame("{1}"))
    slot.beat(Frame("{2}"))
    put(slot, w1="[1b]")
    screen.reading.set()
    await screen.sees("[1b]")

    assert screen.frames == ["[1a]", "{2}", "[1b]"]


async def test_an_idle_outlet_is_written_to_at_once_and_no_task_wakes(
    slot: Slot, screen: Screen
) -> None:
    await asyncio.sleep(0)  # The sender has begun, and found nothing to send.
    screen.idle = True

    put(slot, w1="[1a]")
    slot.beat(Frame("{1}"))

    assert screen.written == ["[1a]", "{1}"]
    assert not slot.waits
    await asyncio.sleep(0)
    assert screen.frames == []


async def test_nothing_is_written_before_the_socket_is_open() -> None:
    screen = Screen()
    slot = Slot(screen)
    screen.idle = True

    put(slot, w1="[1a]")

    assert screen.written == []
    assert slot.waits


async def test_nothing_overtakes_what_waits_or_is_being_sent(slot: Slot, screen: Screen) -> None:
    screen.reading.clear()
    put(slot, w1="[1a]")
    await asyncio.sleep(0)

    screen.idle = True
    put(slot, w1="[1b]")
    slot.beat(Frame("{1}"))
    assert screen.written == []
    screen.reading.set()
    await screen.sees("[1b]")
    await asyncio.sleep(0)
    put(slot, w1="[1c]")

    assert screen.frames == ["[1a]", "{1}", "[1b]"]
    assert screen.written == ["[1c]"]


async def test_after_it_is_told_to_close_nothing_more_is_written(
    slot: Slot, screen: Screen
) -> None:
    await asyncio.sleep(0)
    screen.idle = True

    slot.close(4404)
    put(slot, w1="[1a]")

    assert await screen.is_closed() == 4404
    assert screen.written == screen.frames == []


async def test_closing_says_why_and_ends_the_sender() -> None:
    screen = Screen()
    slot = Slot(screen)

    slot.close(4404)
    await slot.run()

    assert screen.code == 4404


async def test_a_screen_that_has_gone_ends_the_sender_without_a_word() -> None:
    class Gone(Screen):
        async def send(self, frame: Frame) -> None:
            raise OSError("gone")

    slot = Slot(Gone())
    put(slot, w1="[1a]")

    await slot.run()

    put(slot, w1="[1b]")
    assert slot.waits
