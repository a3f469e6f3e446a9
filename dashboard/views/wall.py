"""A dashboard as a wall; the first answer carries every tile with its data."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.live.board import Board
from dashboard.models import Dashboard
from dashboard.views.pages import draw, live, open_board
from dashboard.views.walls import walls
from widgets import clock


@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponseBase:
    """The default dashboard, or the list where there is none."""
    first = Dashboard.objects.filter(first=True).first()
    return wall(request, first.slug) if first else walls(request)


@require_safe
@never_cache
def wall(request: HttpRequest, slug: str) -> HttpResponseBase:
    board = open_board(request, slug)
    if not isinstance(board, Board):
        return board
    now = clock.now()
    drawn, _ = draw(board, now)
    context = {
        "heading": drawn.heading,
        "status": drawn.status,
        "grid": drawn.grid,
        **live(request, board, now),
    }
    return render(request, "dashboard/wall.html", context)
