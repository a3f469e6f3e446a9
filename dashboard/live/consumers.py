"""The socket of a page: who may, then the hub. Nothing is ever rendered here."""

from __future__ import annotations

import asyncio
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer

from dashboard.live import admission
from dashboard.live.admission import Seat
from dashboard.live.outlet import SocketOutlet
from widgets import clock


class WallConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket. It has no channel of the layer: the hub speaks to its slot directly.

    Channels gives a consumer a channel and a second task only where the layer that it names is
    configured, and each message would then cross a thread: half of what a delivery costs.
    """

    channel_layer_alias = "none: the hub holds the only channel"

    sender: asyncio.Task[None] | None = None
    seat: Seat | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Here and not in `disconnect`, which is not called when the server cancels us.
            self.leave()

    def leave(self) -> None:
        if self.seat:
            self.seat.leave()
        if self.sender:
            self.sender.cancel()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Channels' own crosses a thread for each message, to close connections of the database
        # that we have none of; a thousand pages answer once a second.
        await getattr(self, message["type"].replace(".", "_"))(message)

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Take in what the page says that it has painted."""
        if self.seat:
            self.seat.slot.receipt.answer(message.get("text"), clock.now())

    async def connect(self) -> None:
        outlet = SocketOutlet(self.base_send, self.scope)
        # Every check comes before accepting: a page takes an open socket for a live one.
        answer = await admission.enter(self.scope, outlet, "socket")
        if isinstance(answer, Seat):
            self.seat = answer
            await self.accept()
            self.sender = asyncio.create_task(answer.slot.run())
        else:
            await self.accept()
            await asyncio.sleep(admission.REFUSAL_DELAY)
            await self.close(answer)
