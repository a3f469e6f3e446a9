"""Nodes to what they describe. What is wrong is noted and reading goes on, so that everything is
said at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Model

from dashboard.code.parse import Node, line_of, parse
from dashboard.code.problem import Problem
from dashboard.code.schema import DashboardFile, FeedSpec, TileSpec, Where, WidgetSpec
from dashboard.code.values import (
    Taker,
    Unexpected,
    flag,
    items,
    mapping,
    one_of,
    span,
    text,
    whole,
)
from dashboard.models import THEMES, Dashboard
from widgets.kinds import kinds
from widgets.models import OVER_SERIES, OVER_TIME, Feed, Widget
from widgets.registry import nearest
from widgets.sources import sources

DASHBOARD: dict[str, Taker] = {
    "title": text,
    "public": flag,
    "time_zone": text,
    "theme": one_of(word for word, _ in THEMES),
    "first": flag,
}
FEED: dict[str, Taker] = {
    "source": text,
    "options": mapping,
    "interval": span,
    "unwatched": span,
    "cron": text,
    "time_zone": text,
    "timeout": span,
    "expect_every": span,
    "grace": span,
    "thresholds": items,
    "private": flag,
    "node": text,
    "paused": flag,
}
KEEP: dict[str, Taker] = {"raw": span, "minutes": span, "hours": span}
WIDGET: dict[str, Taker] = {
    "title": text,
    "kind": text,
    "options": mapping,
    "shows": items,
    "over_time": one_of(word for word, _ in OVER_TIME),
    "over_series": one_of(word for word, _ in OVER_SERIES),
    "window": span,
    "top": whole,
}
# What a file that is silent on it leaves as it is. A forgotten line must not show what was hidden,
# a paused feed is an operator's doing, and a node is where the feed already runs.
LEFT = {"private", "paused", "node", "first"}


def read(given: str, file: str) -> tuple[DashboardFile | None, list[Problem]]:
    """The dashboard that a file's text describes (None: it says too little) and what is wrong."""
    root, problems = parse(given, file)
    if root is None:
        return None, problems or [Problem(file, 1, "", "the file is empty")]
    reader = _Reader(Where(file, "", root))
    found = reader.dashboard()
    return found, problems + reader.problems


class _Reader:
    def __init__(self, root: Where) -> None:
        self.root = root
        self.problems: list[Problem] = []
        self.widgets: dict[str, WidgetSpec] = {}

    def dashboard(self) -> DashboardFile | None:
        known = ["dashboard", *DASHBOARD, "feeds", "tiles"]
        fields = self.fields(self.root, known)
        slug = self.take(self.root, fields, "dashboard", text)
        if slug is None:
            if isinstance(self.root.node.value, dict) and "dashboard" not in fields:
                self.wrong(self.root, "dashboard", "a name is expected, such as `dashboard: wall`")
            return None
        values = self.values(self.root, fields, DASHBOARD, Dashboard)
        values["title"] = values["title"] or slug
        feeds = [self.feed(name, where) for name, where in self.named(fields, "feeds")]
        tiles = [self.tile(where) for where in self.listed(fields, "tiles")]
        return DashboardFile(
            slug,
            values,
            self.root,
            [feed for feed in feeds if feed],
            list(self.widgets.values()),
            [tile for tile in tiles if tile],
        )

    def feed(self, name: str, where: Where) -> FeedSpec | None:
        fields = self.fields(where, [*FEED, "keep"])
        source = self.take(where, fields, "source", text)
        values = self.values(where, fields, FEED, Feed)
        if source is None:
            if "source" not in fields:
                hint = ", ".join(sources.slugs())
                self.wrong(where, "source", f"a source is expected: {hint}")
            return None
        if source in sources:
            asked = fields.get("interval") or fields.get("cron")
            if not asked and sources[source].mode == "polled":
                values["interval"] = sources[source].interval
            if not fields.get("timeout"):
                values["timeout"] = sources[source].timeout
        kept = Where(where.file, f"{where.path}.keep", fields.get("keep", where.node))
        keep = self.fields(kept, KEEP) if "keep" in fields else {}
        for key, take in KEEP.items():
            span_ = self.take(kept, keep, key, take)
            field = f"keep_{key}"
            values[field] = default(Feed, field) if span_ is None else span_
        return FeedSpec(name, values, where)

    def tile(self, where: Where) -> TileSpec | None:
        fields = self.fields(where, ["at", "widget", *WIDGET])
        key = self.take(where, fields, "widget", text)
        if key is None:
            if "widget" not in fields:
                self.wrong(where, "widget", "a key is expected, such as `widget: cpu`")
        elif set(fields) & set(WIDGET):
            self.widget(key, where, fields)
        place = self.place(where, fields)
        return TileSpec(key, *place, where) if key is not None and place else None

    def widget(self, key: str, where: Where, fields: Mapping[str, Node]) -> None:
        """The widget that a tile describes; where it is shown again its key alone is enough."""
        values = self.values(where, fields, WIDGET, Widget)
        if "kind" not in fields:
            self.wrong(where, "kind", f"a kind is expected: {', '.join(kinds.slugs())}")
        if first := self.widgets.get(key):
            line = line_of(first.where.node, "widget")
            message = f'"{key}" is described already, on line {line}; its key alone is enough here'
            self.wrong(where, "widget", message)
        else:
            self.widgets[key] = WidgetSpec(key, values, where)

    def place(self, where: Where, fields: Mapping[str, Node]) -> tuple[int, int, int, int] | None:
        """x, y, width and height; the last two may be left to the kind."""
        message = "[x, y, width, height] is expected, such as [0, 0, 3, 2]"
        if "at" not in fields:
            self.wrong(where, "at", message)
            return None
        at = fields["at"]
        if isinstance(at.value, dict):
            names = ("x", "y", "width", "height")
            below = Where(where.file, f"{where.path}.at", at)
            given = self.fields(below, names)
            nodes = [given[name] for name in names if name in given]
            if "x" not in given or "y" not in given or len(nodes) == 3:
                self.wrong(where, "at", message)
                return None
        else:
            nodes = at.value if isinstance(at.value, list) else []
        try:
            numbers = [whole(node) for node in nodes]
        except Unexpected as error:
            self.wrong(where, "at", str(error))
            return None
        if len(numbers) not in (2, 4):
            self.wrong(where, "at", message)
            return None
        x, y, width, height = (*numbers, *self.usual_size(fields))[:4]
        return x, y, width, height

    def usual_size(self, fields: Mapping[str, Node]) -> tuple[int, int]:
        key = fields["widget"].value if "widget" in fields else None
        kind = fields["kind"].value if "kind" in fields else None
        if kind is None and isinstance(key, str) and key in self.widgets:
            kind = self.widgets[key].values["kind"]
        return kinds[kind].size if isinstance(kind, str) and kind in kinds else (3, 2)

    def fields(self, where: Where, known: Iterable[str]) -> dict[str, Node]:
        """The entries of a mapping; `null` is as good as left out, and unknown keys are noted."""
        value, names = where.node.value, list(known)
        if not isinstance(value, dict):
            self.problems.append(
                Problem(where.file, where.node.line, where.path, "keys and values are expected")
            )
            return {}
        for key in value:
            if key not in names:
                self.wrong(where, key, f"unknown key{nearest(key, names)}")
        return {k: node for k, node in value.items() if k in names and node.value is not None}

    def values(
        self, where: Where, fields: Mapping[str, Node], takers: dict[str, Taker], model: type[Model]
    ) -> dict[str, Any]:
        """By field, with the model's default for what is left out."""
        found: dict[str, Any] = {}
        for key, take in takers.items():
            value = self.take(where, fields, key, take)
            if value is not None:
                found[key] = value
            elif key not in LEFT:
                found[key] = default(model, key)
        return found

    def take(self, where: Where, fields: Mapping[str, Node], key: str, take: Taker) -> Any:
        """The value of a key; None if it is left out or, which is noted, of another type."""
        if key not in fields:
            return None
        try:
            return take(fields[key])
        except Unexpected as error:
            problem = where.problem(key, str(error))
            if problem not in self.problems:
                self.problems.append(problem)
            return None

    def named(self, fields: Mapping[str, Node], key: str) -> list[tuple[str, Where]]:
        below = fields.get(key)
        if below is None:
            return []
        if not isinstance(below.value, dict):
            self.wrong(self.root, key, "names to what they are is expected")
            return []
        file = self.root.file
        return [(n, Where(file, f"{key}.{n}", node)) for n, node in below.value.items()]

    def listed(self, fields: Mapping[str, Node], key: str) -> list[Where]:
        below = fields.get(key)
        if below is None:
            return []
        if not isinstance(below.value, list):
            self.wrong(self.root, key, "a list is expected, each item of which begins with `- `")
            return []
        file = self.root.file
        return [Where(file, f"{key}[{i}]", node) for i, node in enumerate(below.value)]

    def wrong(self, where: Where, below: str, message: str) -> None:
        self.problems.append(where.problem(below, message))


def default(model: type[Model], field: str) -> Any:
    """What a new row of a model has in a field that nobody set."""
    return model._meta.get_field(field).get_default()  # type: ignore[union-attr]
