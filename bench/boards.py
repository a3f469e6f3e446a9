"""The boards that are measured, and the readings that go into them."""

from __future__ import annotations

import json
from typing import Any

SLUG = "bench"
PATH = f"/ws/d/{SLUG}/"
TILES = 24
# What a text widget puts around its text, bytes.
AROUND = 619
WORDS = "It says so much and no more, and it is said again as often as anything has changed. "


def text(size: int, marker: int, around: int = AROUND) -> str:
    """What makes a fragment of `size` bytes, if so many are put around it. The marker comes first.

    The same number of characters whatever the marker: 16 digits until the year 2286.
    """
    length = size - around
    return f"@{marker}@ {WORDS * (length // len(WORDS) + 1)}"[: length - 1] + "."


def texts() -> str:
    """A public board of 24 texts, each of a pushed feed of its own: `bench.0`, `bench.1` …"""
    tiles = [
        {
            "at": [i % 6 * 2, i // 6 * 2, 2, 2],
            "widget": f"bench-{i}",
            "title": f"Text {i:02}",
            "kind": "text",
            "shows": {"feed": f"bench.{i}", "series": ""},
        }
        for i in range(TILES)
    ]
    return _board({f"bench.{i}": {"source": "push"} for i in range(TILES)}, tiles)


def forty(feed: dict[str, Any]) -> str:
    """A public board of 40 tiles, ten of each of four kinds, each of two series of its own feed."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("stat", {"options": {"window": "1 min"}}),
        ("line", {"options": {"window": "1 min"}}),
        ("gauge", {"options": {"max": 100}}),
        ("bars", {"options": {"max": 100}}),
    ]
    tiles = [
        {
            "at": [i % 6 * 2, i // 6 * 3, 2, 3],
            "widget": f"bench-{i}",
            "title": f"{kinds[i % 4][0]} {i:02}",
            "kind": kinds[i % 4][0],
            "shows": {"feed": f"bench.{i}", "series": "a" if i % 4 in (0, 2) else "*"},
        }
        | kinds[i % 4][1]
        for i in range(40)
    ]
    return _board({f"bench.{i}": feed for i in range(40)}, tiles)


def _board(feeds: dict[str, Any], tiles: list[dict[str, Any]]) -> str:
    return json.dumps(
        {"dashboard": SLUG, "title": "Bench", "public": True, "feeds": feeds, "tiles": tiles}
    )
