"""Layers lose messages by design; this one does so often and on purpose."""

from __future__ import annotations

import itertools
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer


class LossyLayer(RedisPubSubChannelLayer):  # type: ignore[misc]  # channels_redis has no types
    """Says nothing of every third message to a group."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn = itertools.count(1)

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if next(self._turn) % 3:
            await super().group_send(group, message)
