"""Who is let in, by whichever way: every check is made before a connection counts as open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.core.exceptions import ObjectDoesNotExist

from dashboard.access import Viewer, may_see
from dashboard.live import hub
from dashboard.live.board import Key
from dashboard.live.codes import FORBIDDEN, GONE, RESTARTING, SIGN_IN
from dashboard.live.outlet import Outlet
from dashboard.live.slot import Slot
from dashboard.live.visitor import Way, visitor
from dashboard.models import Dashboard
from widgets import clock, lifecycle

# A page that is refused and tries again at once would do so twice a second for ever.
REFUSAL_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class Seat:
    """A place at a board. Whoever took it must leave it."""

    hub: hub.Hub
    key: Key
    slot: Slot

    def leave(self) -> None:
        self.hub.leave(self.key, self.slot)


async def enter(scope: Mapping[str, Any], outlet: Outlet, way: Way) -> Seat | int:
    """A seat for whoever asks with this ASGI scope, or the code to close with."""
    here = hub.current()
    viewer = scope["user"]
    session = scope["session"].session_key if viewer.is_authenticated else None
    answer = await here.query(admit, viewer, slug_of(scope), tile_of(scope))
    if not isinstance(answer, Key):
        return answer
    slot = Slot(outlet, session, visitor(scope, viewer, way, clock.now()))
    seat = Seat(here, answer, slot)
    try:
        if not await here.join(answer, slot):
            return GONE
    except BaseException:
        seat.leave()
        raise
    if lifecycle.stopping.is_set():
        # A proxy's connection that was kept open brought it here, after the others were sent away.
        slot.close(RESTARTING)
    return seat


def slug_of(scope: Mapping[str, Any]) -> str:
    return str(scope["url_route"]["kwargs"]["slug"])


def tile_of(scope: Mapping[str, Any]) -> int | None:
    """The one tile of a detail page, from `?tile=12`."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("tile", [""])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def admit(viewer: Viewer, slug: str, tile: int | None) -> Key | int:
    """What the viewer is shown, or the code to close with."""
    try:
        dashboard = Dashboard.objects.get(slug=slug)
    except ObjectDoesNotExist:
        return GONE
    if not may_see(viewer, dashboard):
        return FORBIDDEN if viewer.is_authenticated else SIGN_IN
    return Key(dashboard.pk, tile)
