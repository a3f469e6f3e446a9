"""What a file describes: one dashboard, its feeds, its widgets, and where their tiles stand.

`values` are by the names of the model's fields and complete, but for what a file may leave as it
is: `private`, `paused` and `node` of a feed, `first` of a dashboard.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.code.parse import Node, line_of
from dashboard.code.problem import Problem


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a file, to say what is wrong at it or below it."""

    file: str
    path: str
    node: Node

    def problem(self, below: str, message: str) -> Problem:
        """A problem with what `below` (`options.url`) names; "" is the place itself."""
        path = self.path + below if below.startswith("[") else f"{self.path}.{below}"
        return Problem(self.file, line_of(self.node, below), path.strip("."), message)


@dataclass(frozen=True, slots=True)
class FeedSpec:
    name: str
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, slots=True)
class WidgetSpec:
    key: str
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True, slots=True)
class TileSpec:
    """A widget by its key, on columns and rows that count from 0."""

    widget: str
    x: int
    y: int
    width: int
    height: int
    where: Where

    @property
    def place(self) -> dict[str, int]:
        return {"x": self.x, "y": self.y, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class DashboardFile:
    slug: str
    values: Mapping[str, Any]
    where: Where
    feeds: Sequence[FeedSpec] = field(default_factory=list)
    widgets: Sequence[WidgetSpec] = field(default_factory=list)
    tiles: Sequence[TileSpec] = field(default_factory=list)
