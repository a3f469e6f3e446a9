"""Pages that are asked to load themselves anew."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from dashboard.live.board import Key
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from tests.feeds import NOON
from tests.walls import Screen, eventually, make_board
from widgets import publish


@pytest.fixture
async def screens(hub: Hub) -> AsyncIterator[dict[str, Screen]]:
    """One screen on each of two dashboards."""
    found, running = {}, []
    for slug in ("sales", "ops"):
        board = await hub.query(lambda slug=slug: make_board(slug))  # type: ignore[misc]
        found[slug] = Screen()
        slot = Slot(found[slug])
        assert await hub.join(Key(board.pk), slot)
        running.append(asyncio.create_task(slot.run()))
        await found[slug].sees('id="wall"')
    await eventually(lambda: publish.CATALOGUE in hub.groups.joined)
    yield found
    for task in running:
        task.cancel()


def builds(screen: Screen) -> list[str]:
    """The builds that a screen was told of, each once; another one makes a page load itself."""
    told = [json.loads(frame)["build"] for frame in screen.frames if frame.startswith("{")]
    return list(dict.fromkeys(told))


async def test_the_pages_of_one_dashboard_are_told_of_another_build(
    screens: dict[str, Screen],
) -> None:
    publish.publish_reload("sales", NOON)

    await screens["sales"].until(lambda screen: len(builds(screen)) == 2)
    assert len(builds(screens["ops"])) == 1


async def test_a_star_means_the_pages_of_all(screens: dict[str, Screen]) -> None:
    publish.publish_reload("*", NOON)

    for screen in screens.values():
        await screen.until(lambda screen: len(builds(screen)) == 2)


async def test_whoever_asks_often_is_heard_once_in_ten_seconds(screens: dict[str, Screen]) -> None:
    screen = screens["sales"]
    for _ in range(3):
        publish.publish_reload("sales", NOON)
    await screen.until(lambda screen: len(screen.frames) >= 3)
    publish.publish_reload("sales", NOON + publish.RELOAD_EVERY)

    await screen.until(lambda screen: len(builds(screen)) == 3)
