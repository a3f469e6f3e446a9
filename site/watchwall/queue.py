"""The queue that Huey's consumers work on, and the channel layer: in this process, or in Redis."""

from __future__ import annotations

import threading
from typing import Any

from huey import Huey, RedisHuey
from huey.storage import MemoryStorage


class WakingMemoryStorage(MemoryStorage):  # type: ignore[misc]  # huey has no types
    """A memory queue whose idle workers wake at once.

    Huey polls a queue that cannot block, more and more slowly while it is idle, up to 10 s.
    """

    blocking = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting = threading.Condition(self._lock)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        with self._waiting:
            super().enqueue(data, priority)
            self._waiting.notify()

    def dequeue(self) -> bytes | None:
        with self._waiting:
            # A worker looks every second whether it is to stop.
            self._waiting.wait_for(self.queue_size, timeout=1.0)
            found: bytes | None = super().dequeue()
            return found


def _redis_pool(url: str) -> Any:
    # Here and not above: who has no Redis need not wait for it.
    from redis import ConnectionPool
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return ConnectionPool.from_url(
        url,
        # Longer than a worker's wait for a task, which is 1 s. Without one a Redis whose machine is
        # gone, or that hangs, holds workers and ticker for ever.
        socket_timeout=5,
        socket_connect_timeout=2,
        socket_keepalive=True,
        # Once, for a connection that a restart broke. By itself it tries for ten seconds and more,
        # each time the ticker hands a claim on; the ticker has a better way of trying again.
        retry=Retry(NoBackoff(), 1),
    )


def channel_layer(redis_url: str) -> dict[str, Any]:
    """Django's description of the layer."""
    if not redis_url:
        return {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            # One channel, the hub's, takes what all feeds send while the loop is busy.
            "CONFIG": {"capacity": 5_000},
        }
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    host = {
        "address": redis_url,
        # A subscriber waits for as long as nothing is published.
        "socket_timeout": None,
        "socket_connect_timeout": 2,
        # So that it notices when Redis is gone without a word.
        "socket_keepalive": True,
        "health_check_interval": 5,
        "retry": Retry(NoBackoff(), 1),
    }
    return {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [host]},
    }


def make_huey(redis_url: str) -> Huey:
    """The queue. Results are not kept: nobody reads them and they would pile up for ever."""
    common = {"results": False, "utc": True, "immediate": False}
    if redis_url:
        return RedisHuey("watchwall", connection_pool=_redis_pool(redis_url), **common)
    return Huey("watchwall", storage_class=WakingMemoryStorage, **common)
