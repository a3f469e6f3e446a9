"""The selections of a widget: which feeds and series it shows, and what it calls them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from widgets.options import BadOptions, Problem
from widgets.registry import nearest


@dataclass(frozen=True, slots=True)
class Show:
    """One selection of a widget: shell patterns for feed and series, and how to call them.

    A `*` in the name is what the one in the pattern stands for: `core.*` as `core *`.
    """

    feed: str
    series: str = "*"
    name: str = ""
    unit: str = ""


# Every picture asks it of each name that its widget may show.
@lru_cache(maxsize=50_000)
def matches(name: str, pattern: str) -> bool:
    """Whether a shell pattern means this name; `disk[0]` means itself too, not `disk0` alone."""
    return name == pattern or fnmatchcase(name, pattern)


def read_shows(given: Any, path: str = "shows") -> list[Show]:
    """The selections of a widget, or BadOptions with a path for each wrong one."""
    if not isinstance(given, list):
        raise BadOptions([Problem(path, "a list is expected, such as [{feed: host, series: cpu}]")])
    problems, shows = [], []
    for i, item in enumerate(given):
        where = f"{path}[{i}]"
        if not isinstance(item, Mapping) or not item.get("feed"):
            problems.append(Problem(where, "a feed is expected, such as {feed: host, series: cpu}"))
            continue
        for key, value in item.items():
            if key not in Show.__slots__:
                hint = nearest(str(key), list(Show.__slots__))
                problems.append(Problem(f"{where}.{key}", f"unknown key{hint}"))
            elif not isinstance(value, str):
                problems.append(Problem(f"{where}.{key}", "text is expected"))
        if not problems:
            shows.append(Show(**item))
    if problems:
        raise BadOptions(problems)
    return shows
