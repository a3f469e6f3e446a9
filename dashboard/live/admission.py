"""Who is let in, by whichever way: every check is made before a connection counts as open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.http import parse_cookie

from dashboard.live import hub
from dashboard.live.board import Key
from dashboard.live.codes import GONE, RESTARTING
from dashboard.live.desk import Ask
from dashboard.live.outlet import Outlet
from dashboard.live.slot import Slot
from dashboard.live.visitor import Way, visitor
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
    session = session_of(scope)
    viewer, answer = await here.desk.admit(Ask(session, slug_of(scope), tile_of(scope)))
    if not isinstance(answer, Key):
        return answer
    known = session if viewer.is_authenticated else None
    slot = Slot(outlet, known, visitor(scope, viewer, way, clock.now()))
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


def session_of(scope: Mapping[str, Any]) -> str:
    """The key in the session's cookie; "" where there is none that could be one."""
    cookies = b"; ".join(v for name, v in scope["headers"] if name.lower() == b"cookie")
    given = parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME, "")
    return given if given.isascii() and given.isalnum() and len(given) <= 40 else ""


def slug_of(scope: Mapping[str, Any]) -> str:
    return str(scope["url_route"]["kwargs"]["slug"])


def tile_of(scope: Mapping[str, Any]) -> int | None:
    """The one tile of a detail page, from `?tile=12`."""
    given = parse_qs(scope["query_string"].decode("latin-1")).get("tile", [""])[0]
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None
