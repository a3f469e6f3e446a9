"""The database to a file that describes it: applying it to what it came from changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Model

from dashboard.code.emit import emit
from dashboard.code.read import KEEP, WIDGET, default
from dashboard.models import Dashboard, Tile
from widgets.clock import format_duration
from widgets.fields import SpanField
from widgets.models import Feed, Widget
from widgets.shows import matches
from widgets.sources import sources


def write(board: Dashboard) -> str:
    """The YAML of a dashboard with its tiles, its widgets, and every feed that they show or that
    its file described. Options are written as they are stored: `${env:…}` stays a reference."""
    tiles = list(board.tiles.select_related("widget"))
    described = set(board.descriptions.filter(noun="feed").values_list("name", flat=True))
    feeds = _feeds([tile.widget for tile in tiles], described)
    return emit(
        {
            "dashboard": board.slug,
            "title": board.title,
            "public": board.public,
            "time_zone": board.time_zone,
            "theme": board.theme,
            **({"first": True} if board.first else {}),
            "feeds": {feed.name: _feed(feed) for feed in feeds},
            "tiles": list(_tiles(tiles)),
        }
    )


def _feeds(widgets: Iterable[Widget], described: set[str]) -> list[Feed]:
    patterns = {show["feed"] for widget in widgets for show in widget.shows}
    return [
        feed
        for feed in Feed.objects.order_by("name")
        if feed.name in described or any(matches(feed.name, p) for p in patterns)
    ]


def _feed(feed: Feed) -> dict[str, Any]:
    known = feed.source in sources
    timeout = sources[feed.source].timeout if known else None
    found: dict[str, Any] = {"source": feed.source}
    if feed.interval is not None:
        found["interval"] = format_duration(feed.interval)
    if feed.timeout != timeout:
        found["timeout"] = format_duration(feed.timeout)
    found |= _unusual(feed, ["unwatched", "cron", "time_zone"])
    found |= _unusual(feed, ["options", "expect_every", "grace", "thresholds", "private", "paused"])
    # A feed of this machine is, in a file, one of whichever machine the file is applied on.
    here = known and sources[feed.source].local and feed.node == settings.NODE
    if feed.node and not here:
        found["node"] = feed.node
    kept = _unusual(feed, [f"keep_{key}" for key in KEEP])
    if kept:
        found["keep"] = {key.removeprefix("keep_"): span for key, span in kept.items()}
    return found


def _tiles(tiles: Iterable[Tile]) -> Iterable[dict[str, Any]]:
    """Each with its place; the widget is described where it is shown first."""
    written: set[int] = set()
    for tile in tiles:
        found: dict[str, Any] = {
            "at": [tile.x, tile.y, tile.width, tile.height],
            "widget": tile.widget.key,
        }
        if tile.widget_id not in written:
            found |= _widget(tile.widget)
        written.add(tile.widget_id)
        yield found


def _widget(widget: Widget) -> dict[str, Any]:
    found = _unusual(widget, WIDGET)
    if len(widget.shows) == 1:
        found["shows"] = widget.shows[0]
    return found


def _unusual(row: Model, fields: Iterable[str]) -> dict[str, Any]:
    """The fields that are not what a file means when it leaves them out."""
    found = {}
    for field in fields:
        value = getattr(row, field)
        if value != default(type(row), field):
            span = isinstance(row._meta.get_field(field), SpanField) and value is not None
            found[field] = format_duration(value) if span else value
    return found
