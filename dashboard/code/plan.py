"""What applying a file would change: a list of changes, each with a line for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from dashboard.code.schema import DashboardFile, TileSpec
from dashboard.models import Dashboard, Tile
from widgets.clock import format_duration
from widgets.fields import SpanField
from widgets.models import Feed, Revisioned, Widget
from widgets.sources import sources

Sign = Literal["+", "~", "-"]


@dataclass(frozen=True, slots=True)
class Change:
    """One row to make, to change or to delete. `fields` are the only ones that are written."""

    sign: Sign
    noun: Literal["feed", "widget", "dashboard", "tile"]
    name: str
    detail: str
    make: Callable[[], Revisioned]
    fields: Mapping[str, Any]

    def __str__(self) -> str:
        said = f"{self.sign} {self.noun} {self.name}"
        return f"{said}: {self.detail}" if self.detail else said

    def do(self) -> None:
        """Through the model, so that revisions rise and open pages are told."""
        row = self.make()
        if self.sign == "-":
            row.delete()
            return
        for field, value in self.fields.items():
            setattr(row, field, value)
        row.save(**({"update_fields": list(self.fields)} if self.sign == "~" else {}))


def plan(file: DashboardFile, spared: Collection[str] = ()) -> list[Change]:
    """The changes in the order in which they can be done; empty: everything is as described.

    It reads the database and writes nothing. Feeds that are not in the file stay, with their
    history; a widget goes with its last tile, unless another file given too describes it
    (`spared`).
    """
    feeds = {f.name: f for f in Feed.objects.filter(name__in=[f.name for f in file.feeds])}
    widgets = {w.key: w for w in Widget.objects.filter(key__in=[w.key for w in file.widgets])}
    board = Dashboard.objects.filter(slug=file.slug).first()
    changes: list[Change | None] = []
    for feed in file.feeds:
        row = feeds.get(feed.name)
        values = feed_values(feed.values, row)
        changes.append(_row("feed", feed.name, row, Feed(name=feed.name), values))
    for widget in file.widgets:
        blank = Widget(key=widget.key)
        changes.append(_row("widget", widget.key, widgets.get(widget.key), blank, widget.values))
    changes.append(_row("dashboard", file.slug, board, Dashboard(slug=file.slug), file.values))
    return [*filter(None, changes), *_tiles(file, board, spared)]


def feed_values(values: Mapping[str, Any], row: Feed | None) -> dict[str, Any]:
    """The values with the node that a feed of this machine gets when its file names none."""
    source = values["source"]
    local = source in sources and sources[source].local
    if "node" not in values and local and not (row and row.node):
        return {**values, "node": settings.NODE}
    return dict(values)


def _row(
    noun: Literal["feed", "widget", "dashboard"],
    name: str,
    row: Revisioned | None,
    blank: Revisioned,
    values: Mapping[str, Any],
) -> Change | None:
    if row is None:
        return Change("+", noun, name, "", lambda: blank, values)
    fields = {key: value for key, value in values.items() if getattr(row, key) != value}
    if not fields:
        return None
    return Change("~", noun, name, _differences(row, fields), lambda: row, fields)


def _differences(row: Revisioned, fields: Mapping[str, Any]) -> str:
    """`interval 10 s → 30 s, options`; of what holds several things only the name."""
    said = []
    for key, new in fields.items():
        old = getattr(row, key)
        label = key.replace("_", " ")
        if isinstance(new, dict | list):
            said.append(label)
        elif isinstance(row._meta.get_field(key), SpanField):
            said.append(f"{label} {_span(old)} → {_span(new)}")
        else:
            said.append(f"{label} {_shown(old)} → {_shown(new)}")
    return ", ".join(said)


def _span(value: int | None) -> str:
    return "none" if value is None else format_duration(value)


def _shown(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case str():
            return f'"{value}"'
    return str(value)


def _tiles(
    file: DashboardFile, board: Dashboard | None, spared: Collection[str]
) -> Iterator[Change]:
    rows = list(board.tiles.select_related("widget")) if board else []
    kept, made = _pairs(file.tiles, rows)
    for tile, row in kept:
        fields = {key: value for key, value in tile.place.items() if getattr(row, key) != value}
        if fields:
            detail = f"{_place(row)} → {_place(tile)}"
            yield Change("~", "tile", tile.widget, detail, _same(row), fields)
    for tile in made:
        yield Change("+", "tile", tile.widget, _place(tile), _new_tile(file.slug, tile), {})
    gone = [row for row in rows if row.pk not in {kept_row.pk for _, kept_row in kept}]
    for row in gone:
        yield Change("-", "tile", row.widget.key, _place(row), _same(row), {})
    for widget in _unused(gone, {*spared, *(tile.widget for tile in file.tiles)}):
        yield Change("-", "widget", widget.key, "no tile shows it any more", _same(widget), {})


def _pairs(
    tiles: Iterable[TileSpec], rows: Iterable[Tile]
) -> tuple[list[tuple[TileSpec, Tile]], list[TileSpec]]:
    """The tiles there are with their rows, and those to make.

    Of a widget's tiles those that stand where they stood are matched first, the others in their
    order: a tile that moves stays the same tile, and its element on open pages too.
    """
    left = list(rows)
    kept: list[tuple[TileSpec, Tile]] = []
    waiting = list(tiles)
    for exact in (True, False):
        unmatched = []
        for tile in waiting:
            fits = (
                row
                for row in left
                if row.widget.key == tile.widget and (not exact or _place(row) == _place(tile))
            )
            if (row := next(fits, None)) is None:
                unmatched.append(tile)
            else:
                left.remove(row)
                kept.append((tile, row))
        waiting = unmatched
    return kept, waiting


def _unused(gone: Iterable[Tile], kept: set[str]) -> list[Widget]:
    """The widgets whose last tiles these are."""
    lost = Counter(row.widget_id for row in gone)
    found = Widget.objects.filter(pk__in=lost).exclude(key__in=kept)
    return [widget for widget in found if widget.tiles.count() == lost[widget.pk]]


def _place(tile: TileSpec | Tile) -> str:
    return f"{tile.x}, {tile.y}, {tile.width} × {tile.height}"


def _same(row: Revisioned) -> Callable[[], Revisioned]:
    return lambda: row


def _new_tile(slug: str, tile: TileSpec) -> Callable[[], Tile]:
    # Its dashboard and widget may be rows that changes before it make.
    return lambda: Tile(
        dashboard=Dashboard.objects.get(slug=slug),
        widget=Widget.objects.get(key=tile.widget),
        **tile.place,
    )
