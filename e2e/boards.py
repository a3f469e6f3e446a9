"""Boards for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def feed_of(url: str, interval: str = "1s", timeout: str = "1s", **options: Any) -> dict[str, Any]:
    """A json feed that asks `url` for the number `a`."""
    return {
        "source": "json",
        "interval": interval,
        "timeout": timeout,
        "options": {"url": url, "numbers": {"a": "a"}} | options,
    }


def stat(key: str, at: list[int], feed: str, series: str = "a", **widget: Any) -> dict[str, Any]:
    """A tile that shows one number."""
    shows = {"feed": feed, "series": series}
    return {"at": at, "widget": key, "kind": "stat", "title": key, "shows": shows} | widget


def board(
    feeds: Mapping[str, Any], tiles: list[dict[str, Any]], slug: str = "test", **fields: Any
) -> str:
    """A public dashboard as YAML; JSON is YAML, and quotes what needs it."""
    return json.dumps(
        {"dashboard": slug, "title": "Test", "public": True, "feeds": feeds, "tiles": tiles}
        | fields
    )
