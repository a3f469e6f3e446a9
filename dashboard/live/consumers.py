"""The socket of a page: who may, then the hub. Nothing is ever rendered here."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

from channels.generic.websocket import AsyncWebsocketConsumer
from django.core.exceptions import ObjectDoesNotExist

from dashboard.access import Viewer, may_see
from dashboard.live import hub
from dashboard.live.board import Key
from dashboard.live.drain import RESTARTING
from dashboard.live.outlet import SocketOutlet
from dashboard.live.slot import Slot
from dashboard.models import Dashboard
from widgets import lifecycle

# A page that is refused and tries again at once would do so twice a second for ever.
REFUSAL_DELAY = 1.0


class WallConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    """One socket. It has no channel of the layer: the hub speaks to its slot directly.

    Channels gives a consumer a channel and a second task only where the layer that it names is
    configured, and each message would then cross a thread: half of what a delivery costs.
    """

    channel_layer_alias = "none: the hub holds the only channel"

    sender: asyncio.Task[None] | None = None
    place: tuple[hub.Hub, Key, Slot] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Here and not in `disconnect`, which is not called when the server cancels us.
            self.leave()

    def leave(self) -> None:
        if self.place:
            here, key, slot = self.place
            here.leave(key, slot)
        if self.sender:
            self.sender.cancel()

    async def connect(self) -> None:
        here = hub.current()
        viewer = self.scope["user"]
        session = self.scope["session"].session_key if viewer.is_authenticated else None
        slot = Slot(SocketOutlet(self.base_send, self.scope), session)
        # Every check comes before accepting: a page takes an open socket for a live one.
        answer = await here.query(admit, viewer, self.slug, self.tile)
        if isinstance(answer, Key):
            self.place = (here, answer, slot)
            if not await here.join(answer, slot):
                answer = hub.GONE
        await self.accept()
        if isinstance(answer, Key):
            if lifecycle.stopping.is_set():
                # A proxy's connection that was kept open brought it here, after the others went.
                slot.close(RESTARTING)
            self.sender = asyncio.create_task(slot.run())
        else:
            await asyncio.sleep(REFUSAL_DELAY)
            await self.close(answer)

    @property
    def slug(self) -> str:
        return str(self.scope["url_route"]["kwargs"]["slug"])

    @property
    def tile(self) -> int | None:
        """The one tile of a detail page, from `?tile=12`."""
        given = parse_qs(self.scope["query_string"].decode("latin-1")).get("tile", [""])[0]
        return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def admit(viewer: Viewer, slug: str, tile: int | None) -> Key | int:
    """What the viewer is shown, or the code to close with."""
    try:
        dashboard = Dashboard.objects.get(slug=slug)
    except ObjectDoesNotExist:
        return hub.GONE
    if not may_see(viewer, dashboard):
        return hub.FORBIDDEN if viewer.is_authenticated else hub.SIGN_IN
    return Key(dashboard.pk, tile)
