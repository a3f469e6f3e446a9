"""Who watches, by which way, and what each screen really shows; over all processes. For staff."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import get_current_timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.live.audience import MOST, Told
from dashboard.models import Audience
from dashboard.views.staff import for_staff
from widgets import clock, processes
from widgets.clock import MINUTE, SECOND, as_datetime
from widgets.models import Process
from widgets.numbers import format_age

# A page answers once a second and at each heartbeat, every 5 s; what takes longer is behind.
BEHIND = 3 * SECOND
SILENT = 15 * SECOND
# For so long it is said that a process is gone which had connections.
MISSED = 10 * MINUTE

WAYS = {"socket": "WebSocket", "events": "events"}


@require_safe
@never_cache
@for_staff
def connections(request: HttpRequest) -> HttpResponseBase:
    """The page; it asks for itself again every 5 s."""
    now = clock.now()
    known = {process.key: process for process in Process.objects.defer("counters")}
    here: list[Audience] = []
    gone: list[Audience] = []
    for audience in Audience.objects.filter(count__gt=0, seen__gte=now - MISSED):
        alive = audience.seen >= now - processes.ALIVE
        (here if alive else gone).append(audience)
    context = {
        "rows": shown(here, known),
        "total": sum(audience.count for audience in here),
        "gone": [missed(audience, known, now) for audience in gone],
        "moment": f"{as_datetime(now).astimezone(get_current_timezone()):%H:%M:%S}",
        "here": "connections",
    }
    return render(request, "dashboard/connections.html", context)


@dataclass(frozen=True, slots=True)
class Row:
    """One connection as people read it. `old`: it does not show what it should."""

    user: str
    address: str
    browser: str
    url: str
    board: str
    since: str
    way: str
    painted: str
    detail: str
    old: bool
    process: str


def shown(audiences: Iterable[Audience], known: Mapping[str, Process]) -> list[Row]:
    """The furthest behind of all processes, those first."""
    told: list[tuple[Told, Audience]] = [(row, one) for one in audiences for row in one.rows]
    told.sort(key=lambda pair: pair[0]["behind"], reverse=True)
    return [_row(row, one.seen, name_of(one.process, known)) for row, one in told[:MOST]]


def missed(audience: Audience, known: Mapping[str, Process], now: int) -> str:
    """A sentence on a process that no longer tells of its connections."""
    pages = "connection is" if audience.count == 1 else f"{audience.count:,} connections are"
    return (
        f"{name_of(audience.process, known)} was last heard of {format_age(now - audience.seen)} "
        f"ago; its {pages} not shown."
    )


def name_of(key: str, known: Mapping[str, Process]) -> str:
    """Role, machine and number of a process; its key where its own row is gone."""
    process = known.get(key)
    return f"{process.role} {process.pid} on {process.node}" if process else key


def _row(told: Told, now: int, process: str) -> Row:
    painted, detail, old = _painted(told, now)
    args = [told["slug"], told["tile"]] if told["tile"] else [told["slug"]]
    return Row(
        user=told["user"],
        address=told["address"],
        browser=told["browser"],
        url=reverse("tile" if told["tile"] else "wall", args=args),
        board=told["title"],
        since=format_age(now - told["since"]),
        way=WAYS.get(told["way"], told["way"]),
        painted=painted,
        detail=detail,
        old=old,
        process=process,
    )


def _painted(told: Told, now: int) -> tuple[str, str, bool]:
    """How up to date a screen is, what more there is to say of it, and whether it is bad."""
    behind, heard = told["behind"], told["heard"]
    said = "" if heard is None else f"said so {format_age(now - heard)} ago"
    if behind >= BEHIND:
        older = f"shows {format_age(told['versions_behind'])} older than sent"
        return f"{format_age(behind)} behind", older if heard else "never said what it shows", True
    if heard is None:
        return "not known yet", "", False
    if now - heard >= SILENT:
        return f"silent for {format_age(now - heard)}", "was up to date", True
    return "up to date", said, False
