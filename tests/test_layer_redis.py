"""Publishing and hearing through a real Redis, which is broken on the way."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer

from dashboard.live.groups import Groups
from e2e.servers import Redis
from tests.walls import eventually
from watchwall.queue import channel_layer
from widgets import outbox, processes, publish

# After it is back (s).
WITHIN = 5.0


@pytest.fixture
def layer(redis_server: Redis) -> Iterator[RedisPubSubChannelLayer]:
    """The layer as the settings make it, in place of the one in memory."""
    made = RedisPubSubChannelLayer(**channel_layer(redis_server.url)["CONFIG"])
    before = channel_layers.set("default", made)
    yield made
    outbox.stop()
    if before:
        channel_layers.set("default", before)
    else:
        del channel_layers.backends["default"]


def say(number: int) -> None:
    publish.publish_feed({"type": "feed.changed", "feed": 7, "version": number})


class Listener:
    """What the hub is to the layer: one channel, in the groups that it wants."""

    def __init__(self, layer: RedisPubSubChannelLayer) -> None:
        self._layer = layer
        self.groups = Groups(layer)
        self.heard: list[int] = []

    async def run(self) -> None:
        channel = await self._layer.new_channel()
        self.groups.opened(channel)
        self.groups.want({publish.feed_group(7)})
        keeping = asyncio.create_task(self.groups.run())
        try:
            while True:
                self.heard.append((await self._layer.receive(channel))["version"])
        finally:
            keeping.cancel()

    async def hears(self, number: int) -> None:
        """Say it again and again, since what is said while Redis is away is lost."""
        async with asyncio.timeout(WITHIN):
            while number not in self.heard:
                say(number)
                await asyncio.sleep(0.1)


@pytest.fixture
async def listener(layer: RedisPubSubChannelLayer) -> AsyncIterator[Listener]:
    here = Listener(layer)
    task = asyncio.create_task(here.run())
    await eventually(lambda: here.groups.joined)
    await here.hears(0)
    yield here
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await layer.flush()


def kill_and_start(redis: Redis) -> None:
    redis.end(signal.SIGKILL)
    redis.start()


def flush(redis: Redis) -> None:
    redis.client().flushall()


def cut_off(redis: Redis) -> None:
    for kind in ("normal", "pubsub"):
        redis.client().execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


@pytest.mark.parametrize("breaks", [kill_and_start, flush, cut_off])
async def test_what_is_published_is_heard_again_soon_after(
    listener: Listener, redis_server: Redis, breaks: Callable[[Redis], None]
) -> None:
    await asyncio.to_thread(breaks, redis_server)

    await listener.hears(1)


async def test_a_feed_that_is_watched_while_redis_is_away_is_heard_when_it_is_back(
    listener: Listener, redis_server: Redis
) -> None:
    redis_server.end(signal.SIGKILL)
    listener.groups.want({publish.feed_group(7), publish.feed_group(8)})
    await asyncio.sleep(0)
    await asyncio.to_thread(redis_server.start)

    await eventually(lambda: len(listener.groups.joined) == 2)
    await listener.hears(1)


async def test_a_redis_that_hangs_neither_holds_up_who_publishes_nor_lets_messages_pile_up(
    listener: Listener, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "TIMEOUT", 0.2)
    before = processes._telling.tell(0).get("unpublished", 0)
    assert redis_server.process
    redis_server.process.send_signal(signal.SIGSTOP)
    threads, started = threading.active_count(), time.monotonic()

    for number in range(5_000):
        say(-number)
    took, waiting = time.monotonic() - started, len(outbox._outbox._waiting)
    await eventually(lambda: not outbox._outbox._waiting)
    redis_server.process.send_signal(signal.SIGCONT)

    assert took < 2
    assert waiting <= outbox.MOST_WAITING
    assert threading.active_count() <= threads
    assert processes._telling.tell(0)["unpublished"] - before >= 5_000 - outbox.MOST_WAITING
    await listener.hears(1)


async def test_a_socket_of_the_layer_is_heard_after_longer_than_any_timeout_of_a_client(
    listener: Listener,
) -> None:
    # redis-py's own is 5 s from version 8 on, and our check of its health comes every 5 s.
    await asyncio.sleep(6)

    await listener.hears(1)


def test_who_publishes_while_redis_is_away_is_not_told_and_the_log_is_once(
    layer: RedisPubSubChannelLayer, redis_server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_server.end(signal.SIGKILL)

    for number in range(20):
        say(number)
    outbox.stop()

    assert caplog.text.count("hubs find them by comparing") == 1
