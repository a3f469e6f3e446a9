from __future__ import annotations

from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.template.loader import render_to_string


class TileConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def connect(self) -> None:
        await self.channel_layer.group_add("wall", self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard("wall", self.channel_name)

    async def tile_changed(self, event: dict[str, Any]) -> None:
        await self.send(text_data=render_to_string("tile.html", event["tile"]))
