"""How much of the past is kept in memory: so many points, shared out fairly between the tiles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain, islice, zip_longest

from widgets import clock, history
from widgets.history import Window
from widgets.select import Picked, Spec, pick
from widgets.snapshot import FeedNow

WindowKey = tuple[int, int]  # series, step in µs

# Windows asked for at a time: where there is no room for all, how finely it is shared.
CHUNK = 100
NO_ROOM = "The points of its series do not fit into memory; WATCHWALL_HUB_POINTS says how many may."


def share_out(specs: Iterable[Spec], feeds: Collection[FeedNow]) -> dict[WindowKey, int]:
    """The windows that widgets draw of these feeds, with how far back they reach (µs).

    In the order in which they get room: the first of every tile, then the second of every tile.
    """
    found: dict[WindowKey, int] = {}
    tiles = [_windows(spec, feeds) for spec in specs if spec.reach]
    for key, reach in filter(None, chain.from_iterable(zip_longest(*tiles))):
        found[key] = max(reach, found.get(key, 0))
    return found


def _windows(spec: Spec, feeds: Collection[FeedNow]) -> list[tuple[WindowKey, int]]:
    step = spec.step
    return [((one.series.id, step), spec.reach) for one in pick(spec, feeds).lines]


def fitting(sizes: Mapping[WindowKey, int], most: int) -> list[WindowKey]:
    """Of windows of so many points, in their order, those for which there is room."""
    kept = []
    for key, size in sizes.items():
        most -= size
        if most < 0:
            break
        kept.append(key)
    return kept


def load(reach: Mapping[WindowKey, int], most: int) -> dict[WindowKey, Window]:
    """The windows from the database, in their order, up to so many points in all.

    One query for each resolution and reach of a chunk.
    """
    now, found = clock.now(), dict[WindowKey, Window]()
    keys = iter(reach)
    while chunk := list(islice(keys, CHUNK)):
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for series, step in chunk:
            alike[step, reach[series, step]].append(series)
        for (step, span), ids in alike.items():
            # The end is open: a source's clock may be some minutes ahead of ours.
            loaded = history.load(ids, now - span, now + clock.HOUR, step, most)
            most -= sum(map(len, loaded.values()))
            found |= {(series, step): window for series, window in loaded.items()}
            if len(loaded) < len(ids):
                return found
    return found


def without(
    spec: Spec, picked: Picked, left_out: Collection[WindowKey]
) -> tuple[Picked, str | None]:
    """What a widget can draw without these windows, and what it says of it; None: nothing.

    Values are known without their past, so one that has no other lines draws them without.
    """
    out = [one for one in picked.lines if (one.series.id, spec.step) in left_out]
    if not out or not spec.reach:
        return picked, ""
    if spec.over_time != "last" or spec.over_series not in {"each", "top"}:
        # A mean of what fits would be a wrong number.
        return picked, None
    kept = [one for one in picked.lines if one not in out]
    if not kept:
        return picked, "no room for its history"
    total = len(picked.lines) + len(picked.cut)
    return (
        replace(picked, lines=kept, cut=[*picked.cut, *out]),
        f"first {len(kept)} of {total} series",
    )
