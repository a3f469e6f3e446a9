"""One tile by itself: large and live, with what is known behind it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.live.board import ALONE, Board, Placed
from dashboard.live.facts import drawn
from dashboard.live.held import Held
from dashboard.views.pages import draw, live, open_board
from widgets import clock
from widgets.clock import DAY, HOUR
from widgets.face import TileFrame
from widgets.gather import gather
from widgets.kinds import Frame, Sheet, kinds
from widgets.models import Event
from widgets.numbers import say
from widgets.render import read_options
from widgets.render import render as render_tile
from widgets.select import Spec, pick
from widgets.sheets import sheet
from widgets.snapshot import FeedNow

SPANS = {"1h": HOUR, "6h": 6 * HOUR, "24h": DAY, "7d": 7 * DAY, "30d": 30 * DAY}
DEFAULT_SPAN = "24h"
MOST_EVENTS = 50
# A reading may be a thousand rows; a page that holds them all helps nobody.
MOST_RAW = 20_000


@require_safe
@never_cache
def detail(request: HttpRequest, slug: str, tile: int) -> HttpResponseBase:
    board = open_board(request, slug, tile)
    if not isinstance(board, Board):
        return board
    now = clock.now()
    span = request.GET.get("span", DEFAULT_SPAN)
    span = span if span in SPANS else DEFAULT_SPAN
    wall, everything = draw(board, now)
    placed = board.tiles[0]
    feeds = drawn(board, placed, everything)
    context = {
        "tile": placed,
        "grid": wall.grid,
        "status": wall.status,
        "facts": wall.facts,
        "spans": list(SPANS),
        "span": span,
        "sheet": table(board, placed, feeds, everything, now),
        "chart": chart(placed.spec, feeds, span, board.zone, now),
        "events": events(feeds, board.zone),
        "readings": [raw(feed, board.zone) for feed in feeds],
        **live(request, board, now),
    }
    return render(request, "dashboard/detail.html", context)


def chart(spec: Spec | None, feeds: Sequence[FeedNow], span: str, zone: ZoneInfo, now: int) -> str:
    """The samples of a widget's series as a line chart; empty where there are none."""
    if spec is None:
        return ""
    spec = replace(
        spec, kind="line", options={}, window=SPANS[span], offsets=(), over_time="last",
        over_series="each",
    )  # fmt: skip
    known = Held({feed.id: feed for feed in feeds})
    known.load_windows([spec])
    data = gather(spec, pick(spec, feeds), known.windows_of(spec), now)
    if not any(line.points for line in data.lines):
        return ""
    frame = Frame(now, *ALONE, zone, spec.window)
    title = f"Last {span}, up to {_say(now, zone)}"
    return render_tile("line", {}, data, frame, TileFrame("history", "line", title, now))


def table(
    board: Board, tile: Placed, feeds: Sequence[FeedNow], everything: Held, now: int
) -> Sheet | None:
    """What the tile's picture is made of, for who cannot see it; None where it cannot be drawn."""
    if (spec := tile.spec) is None:
        return None
    picked = pick(spec, feeds)
    data = gather(spec, picked, everything.windows_of(spec), now, everything.events)
    frame = Frame(now, *ALONE, board.zone, spec.window)
    return sheet(kinds[spec.kind], read_options(spec.kind, spec.options), data, frame)


@dataclass(frozen=True, slots=True)
class Happened:
    """An event as people read it."""

    start: str
    end: str
    what: str
    text: str
    feed: str
    series: str
    value: str


def events(feeds: Sequence[FeedNow], zone: ZoneInfo) -> list[Happened]:
    """The latest events of the feeds, the newest first."""
    names = {feed.id: feed.name for feed in feeds}
    found = Event.objects.filter(feed__in=names).select_related("series")[:MOST_EVENTS]
    return [
        Happened(
            start=_say(event.start, zone),
            end="" if event.end is None else _say(event.end, zone),
            what=event.what,
            text=event.text,
            feed=names[event.feed_id],
            series=event.series.name if event.series else "",
            value="" if event.value is None else say(
                event.value, event.series.unit if event.series else ""
            ),
        )
        for event in found
    ]  # fmt: skip


def raw(feed: FeedNow, zone: ZoneInfo) -> dict[str, str]:
    """The last good reading of a feed as JSON."""
    reading = {
        "numbers": {s.name: s.value for s in feed.series.values() if not s.ended},
        "rows": feed.rows,
        "text": feed.text,
        "notes": feed.notes,
    }
    text = json.dumps({k: v for k, v in reading.items() if v}, indent=2, ensure_ascii=False)
    if len(text) > MOST_RAW:
        text = f"{text[:MOST_RAW]}\n… and {len(text) - MOST_RAW:,} more characters"
    return {"feed": feed.name, "at": _say(feed.at, zone) if feed.at else "", "json": text}


def _say(moment: int, zone: ZoneInfo) -> str:
    return f"{clock.as_datetime(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}"
