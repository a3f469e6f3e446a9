"""A dashboard as pictures need it: read once, kept until a revision changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dashboard.models import Dashboard, Tile
from widgets.options import BadOptions
from widgets.registry import UnknownSlug
from widgets.select import Spec

# The one tile of a detail page, in columns and rows: what kinds go by when they choose how much
# to draw. The page's own styles make it large.
ALONE = (12, 8)


class Key(NamedTuple):
    """What a socket shows: a whole dashboard, or one tile of it, large."""

    dashboard: int
    tile: int | None = None


@dataclass(frozen=True, slots=True)
class Placed:
    """A tile with its widget. `spec` is None where the widget cannot be read; `error` says why."""

    id: int
    x: int
    y: int
    width: int
    height: int
    revision: int
    title: str
    kind: str
    spec: Spec | None
    error: str = ""

    @property
    def element(self) -> str:
        """The id of its article."""
        return f"w{self.id}"


Fingerprint = tuple[int, tuple[tuple[int, int, int], ...]]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard, or one tile of it. `fingerprint`: the revisions it was read at."""

    key: Key
    slug: str
    title: str
    public: bool
    theme: str
    zone: ZoneInfo
    tiles: tuple[Placed, ...]
    fingerprint: Fingerprint

    @property
    def layout(self) -> tuple[object, ...]:
        """What is drawn around the tiles: if it changes, the whole grid is drawn again."""
        places = tuple((t.id, t.x, t.y, t.width, t.height) for t in self.tiles)
        return (self.title, self.slug, self.public, self.theme, self.zone, places)

    @property
    def specs(self) -> list[Spec]:
        return [tile.spec for tile in self.tiles if tile.spec is not None]

    def wants(self, feed_name: str) -> bool:
        return any(spec.wants(feed_name) for spec in self.specs)


def read(keys: Iterable[Key]) -> dict[Key, Board]:
    """The boards there are, of those asked for; two queries."""
    keys = list(keys)
    dashboards = Dashboard.objects.in_bulk({key.dashboard for key in keys})
    rows: dict[int, list[Tile]] = {id_: [] for id_ in dashboards}
    for tile in Tile.objects.filter(dashboard__in=dashboards).select_related("widget"):
        rows[tile.dashboard_id].append(tile)
    boards = {}
    for key in keys:
        if key.dashboard in dashboards:
            tiles = [t for t in rows[key.dashboard] if key.tile in (None, t.pk)]
            if tiles or key.tile is None:
                boards[key] = _board(key, dashboards[key.dashboard], tiles)
    return boards


def fingerprints(
    keys: Collection[Key],
    boards: Iterable[tuple[int, ...]],
    tiles: Iterable[tuple[int, ...]],
) -> dict[Key, Fingerprint]:
    """What the fingerprints are now; a board that is gone has none.

    `boards`: id and revision; `tiles`: dashboard, id, own revision and the widget's.
    """
    revisions = {row[0]: row[1] for row in boards}
    shown: dict[int, list[tuple[int, int, int]]] = {id_: [] for id_ in revisions}
    for dashboard, *row in tiles:
        if dashboard in shown:
            shown[dashboard].append((row[0], row[1], row[2]))
    found: dict[Key, Fingerprint] = {}
    for key in keys:
        if key.dashboard in revisions:
            rows = tuple(sorted(r for r in shown[key.dashboard] if key.tile in (None, r[0])))
            if rows or key.tile is None:
                found[key] = (revisions[key.dashboard], rows)
    return found


def _board(key: Key, dashboard: Dashboard, tiles: list[Tile]) -> Board:
    return Board(
        key=key,
        slug=dashboard.slug,
        title=dashboard.title,
        public=dashboard.public,
        theme=dashboard.theme,
        zone=dashboard.zone,
        tiles=tuple(_placed(tile, alone=key.tile is not None) for tile in tiles),
        fingerprint=(
            dashboard.revision,
            tuple(sorted((tile.pk, tile.revision, tile.widget.revision) for tile in tiles)),
        ),
    )


def _placed(tile: Tile, *, alone: bool) -> Placed:
    try:
        spec, error = Spec.of(tile.widget), ""
    except (UnknownSlug, BadOptions) as wrong:
        # A package that was removed, or a row written past every check: it shows on its own tile.
        spec, error = None, f"The widget {tile.widget.key} cannot be drawn: {wrong}"
    width, height = ALONE if alone else (tile.width, tile.height)
    return Placed(
        id=tile.pk,
        x=0 if alone else tile.x,
        y=0 if alone else tile.y,
        width=width,
        height=height,
        revision=max(tile.revision, tile.widget.revision),
        title=str(tile.widget),
        kind=tile.widget.kind,
        spec=spec,
        error=error,
    )
