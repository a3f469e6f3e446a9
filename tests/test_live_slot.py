from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from dashboard.live.slot import Slot
from tests.walls import Screen


@pytest.fixture
async def screen() -> Screen:
    return Screen()


@pytest.fixture
async def slot(screen: Screen) -> AsyncIterator[Slot]:
    slot = Slot(screen.send)
    sender = asyncio.create_task(slot.run())
    yield slot
    sender.cancel()


def put(slot: Slot, **parts: str) -> str:
    text = "".join(parts.values())
    slot.put(parts, text)
    return text


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

    put(slot, w1="[1b]", w2="[2a]")
    put(slot, w1="[1c]")
    put(slot, w2="[2b]")
    assert slot.behind
    screen.reading.set()
    await screen.sees("[2b]")

    assert screen.frames == ["[1a]", "[1c][2b]"]
    assert not slot.behind


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

    slot.beat("{1}")
    slot.beat("{2}")
    put(slot, w1="[1b]")
    screen.reading.set()
    await screen.sees("[1b]")

    assert screen.frames == ["[1a]", "{2}", "[1b]"]


async def test_closing_says_why_and_ends_the_sender() -> None:
    screen = Screen()
    slot = Slot(screen.send)

    slot.close(4404)
    await slot.run()

    assert screen.code == 4404
