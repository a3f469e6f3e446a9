from __future__ import annotations

import asyncio
import logging

import pytest

from dashboard.live import groups
from dashboard.live.groups import Groups


class Layer:
    """A channel layer that is away for a while."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.members: set[tuple[str, str]] = set()
        self.changed = asyncio.Condition()

    async def group_add(self, group: str, channel: str) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        async with self.changed:
            self.members.add((group, channel))
            self.changed.notify_all()

    async def group_discard(self, group: str, channel: str) -> None:
        async with self.changed:
            self.members.discard((group, channel))
            self.changed.notify_all()

    async def until(self, *members: tuple[str, str]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(lambda: self.members == set(members))


async def test_it_joins_and_leaves_as_wanted() -> None:
    layer = Layer()
    one = Groups(layer)
    task = asyncio.create_task(one.run())
    one.opened("here")

    one.want({"a", "b"})
    await layer.until(("a", "here"), ("b", "here"))
    one.want({"b", "c"})
    await layer.until(("b", "here"), ("c", "here"))

    task.cancel()


async def test_it_asks_again_until_the_layer_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(groups, "LEAST_WAIT", 0.0)
    layer = Layer(failures=3)
    one = Groups(layer)
    one.want({"a", "b"})
    one.opened("here")

    task = asyncio.create_task(one.run())
    await layer.until(("a", "here"), ("b", "here"))

    assert "cannot be reached (away)" in caplog.text
    assert caplog.records[0].levelno == logging.WARNING
    task.cancel()


async def test_a_new_channel_joins_everything_again() -> None:
    layer = Layer()
    one = Groups(layer)
    task = asyncio.create_task(one.run())
    one.opened("old")
    one.want({"a"})
    await layer.until(("a", "old"))

    one.opened("new")
    await layer.until(("a", "old"), ("a", "new"))

    task.cancel()


async def test_a_membership_is_renewed_before_the_layer_forgets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(groups, "RENEW", 0.01)
    layer = Layer()
    one = Groups(layer)
    task = asyncio.create_task(one.run())
    one.opened("here")
    one.want({"a"})
    await layer.until(("a", "here"))

    layer.members.clear()
    await layer.until(("a", "here"))

    task.cancel()


async def test_at_the_end_it_is_in_no_group() -> None:
    layer = Layer()
    one = Groups(layer)
    task = asyncio.create_task(one.run())
    one.opened("here")
    one.want({"a"})
    await layer.until(("a", "here"))
    task.cancel()

    await one.leave()

    assert layer.members == set()
