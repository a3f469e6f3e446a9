"""Every kind in every size and condition, on data that never change: for looking at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.safestring import SafeString, mark_safe

from dashboard.gallery.data import NOW
from dashboard.gallery.examples import Example, examples
from widgets.clock import MINUTE, SECOND
from widgets.face import TileFrame
from widgets.kinds import Data, Frame
from widgets.layout import SIZES
from widgets.reading import State
from widgets.render import render

ZONE = ZoneInfo("Europe/Berlin")
REFUSED = "GET https://shop.example/health: connection refused; is the service running?"
# Where the sizes stand beside each other, by name: column and row.
PLACES = {
    "chip": (0, 0), "small": (2, 0), "card": (4, 0), "block": (7, 0), "panel": (0, 3),
    "full": (0, 6),
}  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """One example in one size and condition."""

    size: str
    x: int
    y: int
    width: int
    height: int
    html: SafeString


def _fresh(tile: TileFrame) -> TileFrame:
    return replace(tile, read_at=NOW - 3 * SECOND)


def _old(freshness: Any, **more: Any) -> Callable[[TileFrame], TileFrame]:
    return lambda tile: replace(tile, freshness=freshness, read_at=NOW - 7 * MINUTE, **more)


def _bad(state: State) -> Callable[[TileFrame], TileFrame]:
    return lambda tile: replace(_fresh(tile), state=state)


# The conditions of a tile, by name.
FACES: dict[str, Callable[[TileFrame], TileFrame]] = {
    "fresh": _fresh,
    "warning": _bad("warning"),
    "critical": _bad("critical"),
    "late": _old("late"),
    "stale": _old("stale"),
    "failing": _old("failed", error=REFUSED),
    "failed": lambda tile: replace(tile, freshness="failed", face="failed", error=REFUSED),
    "waiting": lambda tile: replace(tile, face="waiting", hint="of shop.checkout"),
    "empty": _fresh,
}


def shown(kind: str, example: Example, face: str, first: int) -> Iterator[Shown]:
    """An example in all sizes; their ids count on from `first`."""
    for number, (size, (width, height)) in enumerate(SIZES.items(), first):
        tile = TileFrame(
            id=f"w{number}",
            kind=kind,
            title=example.title,
            version=NOW,
            width=width,
            height=height,
        )
        tile = FACES[face](tile)
        if example.alone:
            tile = replace(tile, read_at=None)
        data = Data() if face == "empty" else worst(example.data, tile.state)
        options = {} if face == "empty" and example.alone else example.options
        frame = Frame(NOW, width, height, ZONE)
        html = render(kind, options, data, frame, tile)
        # Templates made it, and escaped what they were given.
        yield Shown(size, *PLACES[size], width, height, mark_safe(html))  # noqa: S308


def worst(data: Data, state: State) -> Data:
    """The first series is in the state that the tile is in."""
    if not data.lines or state == "ok":
        return data
    return replace(data, lines=[replace(data.lines[0], state=state), *data.lines[1:]])


def gallery(kind: str, face: str) -> list[tuple[str, list[Shown]]]:
    """Every example of a kind in all sizes, in one condition."""
    found, first = [], 1
    for example in examples()[kind]:
        tiles = list(shown(kind, example, face, first))
        first += len(tiles)
        found.append((example.title, tiles))
    return found
