"""What the pages of a dashboard share: who may see it, and what makes a page live."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode

from dashboard.access import may_see
from dashboard.live import board, held
from dashboard.live.board import Board, Key
from dashboard.live.held import Held
from dashboard.live.wall import Wall
from dashboard.models import Dashboard
from widgets.clock import as_datetime


def open_board(
    request: HttpRequest, slug: str, tile: int | None = None
) -> Board | HttpResponseBase:
    """The board, or the answer to whoever may not see it."""
    dashboard = get_object_or_404(Dashboard, slug=slug)
    if not may_see(request.user, dashboard):
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.get_full_path())
    key = Key(dashboard.pk, tile)
    if (found := board.read([key]).get(key)) is None:
        raise Http404
    return found


def draw(shown: Board, now: int) -> tuple[Wall, Held]:
    """The board with everything on it, as a socket would be sent it."""
    everything = held.load_for(shown.specs)
    wall = Wall(shown)
    wall.paint(everything, now, 0.0)
    return wall, everything


def live(request: HttpRequest, shown: Board, now: int) -> dict[str, Any]:
    """What a page needs to stay alive; see templates/dashboard/_live_html.html."""
    socket = reverse("wall", args=[shown.slug])
    query = f"?tile={shown.key.tile}" if shown.key.tile else ""
    login = reverse("login") + "?" + urlencode({"next": request.get_full_path()})
    return {
        "board": shown,
        "build": settings.BUILD,
        "now_ms": now // 1000,
        "clock": f"{as_datetime(now).astimezone(shown.zone):%H:%M:%S}",
        "login_url": login,
        "socket_url": f"/ws{socket}{query}",
    }
