"""Where a feed is shown, and what goes with it."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min

from dashboard.models import Description, Tile
from widgets.models import Event, Feed, Hour, Minute, Sample, Series
from widgets.options import BadOptions
from widgets.shows import matches, read_shows

# Of so many series the oldest sample is looked for; a push may have made thousands.
LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Place:
    """One tile that shows it."""

    tile: int
    title: str
    slug: str
    board: str


def places(feed: Feed) -> list[Place]:
    """The tiles whose widget shows it, by dashboard; one query."""
    tiles = Tile.objects.select_related("widget", "dashboard")
    tiles = tiles.order_by("dashboard__title", "dashboard_id", "y", "x")
    return [
        Place(tile.pk, str(tile.widget), tile.dashboard.slug, tile.dashboard.title)
        for tile in tiles
        if _shows(tile.widget.shows, feed.name)
    ]


def _shows(given: object, name: str) -> bool:
    try:
        return any(matches(name, show.feed) for show in read_shows(given))
    except BadOptions:
        return False  # Its own tile says so.


def files(feed: Feed) -> list[str]:
    """The dashboards whose file describes it, and would make it again."""
    found = Description.objects.filter(noun="feed", name=feed.name)
    return list(found.values_list("dashboard__title", flat=True))


@dataclass(frozen=True, slots=True)
class History:
    """What is kept of a feed; `since`: its oldest sample, µs, None if there is none."""

    series: int
    events: int
    since: int | None


def history_of(feed: Feed) -> History:
    series = list(Series.objects.filter(feed=feed).values_list("pk", flat=True)[:LOOKED_AT])
    oldest = [
        model.objects.filter(series__in=series).aggregate(ts=Min("ts"))["ts"]
        for model in (Sample, Minute, Hour)
    ]
    return History(
        series=Series.objects.filter(feed=feed).count(),
        events=Event.objects.filter(feed=feed).count(),
        since=min((ts for ts in oldest if ts is not None), default=None),
    )
