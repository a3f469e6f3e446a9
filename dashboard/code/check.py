"""What files mean: against the registries, each other, and what the database has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model

from dashboard.code.problem import Problem
from dashboard.code.schema import DashboardFile, FeedSpec, TileSpec, Where, WidgetSpec
from dashboard.models import COLUMNS, ROWS, Dashboard
from widgets.judge import read_thresholds
from widgets.kinds import kinds
from widgets.models import NO_SCHEDULE, Feed, Widget
from widgets.options import BadOptions, check_secrets
from widgets.options import Problem as Wrong
from widgets.options import read as read_options
from widgets.registry import UnknownSlug, nearest
from widgets.shows import matches, read_shows
from widgets.sources import sources


def check(files: Sequence[DashboardFile], known: Mapping[str, bool]) -> list[Problem]:
    """Everything wrong with files that are given together. `known`: the feeds that the database
    has, and whether they are private."""
    private = dict(known)
    for file in files:
        for feed in file.feeds:
            private[feed.name] = feed.values.get("private", known.get(feed.name, False))
    return [
        *(problem for file in files for problem in _file(file, private)),
        *_between(files),
    ]


def _file(file: DashboardFile, private: Mapping[str, bool]) -> Iterable[Problem]:
    row = Dashboard(slug=file.slug, **file.values)
    yield from _model(row, file.where, {"slug": "dashboard"})
    for feed in file.feeds:
        yield from _feed(feed)
    for widget in file.widgets:
        yield from _widget(widget, private, file)
    yield from _tiles(file)


def _feed(feed: FeedSpec) -> Iterable[Problem]:
    try:
        source = sources[feed.values["source"]]
    except UnknownSlug as error:
        yield feed.where.problem("source", str(error))
        return
    wrong = _read(lambda: read_options(source.Options, feed.values["options"]))
    wrong += check_secrets(feed.values["options"])
    wrong += _read(lambda: read_thresholds(feed.values["thresholds"]))
    for problem in wrong:
        yield feed.where.problem(problem.path, problem.message)
    if source.mode != "polled":
        message = f'"{source.slug}" is not asked; `expect_every` is what it may say'
        for key, nothing in NO_SCHEDULE.items():
            if feed.values[key] != nothing:
                yield feed.where.problem(key, message)
    names = {"name": "", "keep_raw": "keep.raw"}
    names |= {"keep_minutes": "keep.minutes", "keep_hours": "keep.hours"}
    # What its clean() says of options is said above, with their lines.
    yield from _model(Feed(name=feed.name, **feed.values), feed.where, names, clean=not wrong)


def _widget(
    widget: WidgetSpec, private: Mapping[str, bool], file: DashboardFile
) -> Iterable[Problem]:
    wrong = _read(lambda: read_shows(widget.values["shows"]))
    kind = widget.values["kind"]
    if kind in kinds:
        wrong += _read(lambda: read_options(kinds[kind].Options, widget.values["options"]))
    elif kind:
        wrong.append(Wrong("kind", _unknown(kind)))
    for problem in wrong:
        yield widget.where.problem(problem.path, problem.message)
    row = Widget(key=widget.key, **widget.values)
    yield from _model(row, widget.where, {"key": "widget"}, clean=False)
    for i, show in enumerate(widget.values["shows"]):
        pattern = show.get("feed") if isinstance(show, dict) else None
        # Of what is no pattern at all read_shows has said enough.
        message = _shown(pattern, private, file.values["public"]) if pattern else ""
        if message:
            yield widget.where.problem(f"shows[{i}].feed", message)


def _shown(pattern: object, private: Mapping[str, bool], public: bool) -> str:
    """What is wrong with a pattern for feeds; "" if nothing."""
    if not isinstance(pattern, str):
        return ""
    matched = sorted(name for name in private if matches(name, pattern))
    if not matched:
        return f'no feed matches "{pattern}"{nearest(pattern, list(private))}'
    hidden = [name for name in matched if private[name]]
    if hidden and public:
        return f'"{hidden[0]}" is private and this dashboard is public'
    return ""


def _tiles(file: DashboardFile) -> Iterable[Problem]:
    known = [widget.key for widget in file.widgets]
    for tile in file.tiles:
        if tile.widget not in known:
            hint = nearest(tile.widget, known)
            message = f'no tile of this file describes a widget "{tile.widget}"{hint}'
            yield tile.where.problem("widget", message)
        if message := _outside(tile):
            yield tile.where.problem("at", message)
    for one, other in combinations(file.tiles, 2):
        if _overlap(one, other):
            yield other.where.problem("at", f'it overlaps {one.where.path} ("{one.widget}")')


def _outside(tile: TileSpec) -> str:
    if not tile.width or not tile.height:
        return "width and height are at least 1"
    if tile.x + tile.width > COLUMNS:
        return f"x {tile.x} and width {tile.width} are more than the {COLUMNS} columns"
    if tile.y + tile.height > ROWS:
        return f"y {tile.y} and height {tile.height} are more than the {ROWS} rows"
    return ""


def _overlap(one: TileSpec, other: TileSpec) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _between(files: Sequence[DashboardFile]) -> Iterable[Problem]:
    for one, other in combinations(files, 2):
        if one.slug == other.slug:
            message = f'"{one.slug}" is described by {one.where.file} too'
            yield other.where.problem("dashboard", message)
            continue
        if one.values.get("first") and other.values.get("first"):
            yield other.where.problem("first", f"{one.where.file} is the first already")
        feeds = {feed.name: feed for feed in one.feeds}
        widgets = {widget.key: widget for widget in one.widgets}
        for said in described(other):
            same = (feeds if said.noun == "feed" else widgets).get(said.name)
            if same and (key := differs(same.values, said.values)):
                yield said.differs(key, same.where.file)


@dataclass(frozen=True, slots=True)
class Said:
    """What a file says of one feed or widget."""

    noun: str
    name: str
    values: Mapping[str, Any]
    where: Where

    def differs(self, key: str, by: str) -> Problem:
        """The problem that `by`, another file or dashboard, says otherwise of `key`."""
        message = (
            f'{self.noun} "{self.name}" is described differently by {by}: '
            f"let both say the same of `{key}` and apply them together"
        )
        return self.where.problem("widget" if self.noun == "widget" else "", message)


def described(file: DashboardFile) -> list[Said]:
    """Everything that a file shares with others: its feeds and its widgets."""
    feeds = [Said("feed", feed.name, feed.values, feed.where) for feed in file.feeds]
    return feeds + [Said("widget", w.key, w.values, w.where) for w in file.widgets]


def differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first field in which two descriptions differ; "" if they say the same."""
    keys = sorted({*one, *other})
    return next((k.replace("_", " ") for k in keys if _said(one, k) != _said(other, k)), "")


def _said(values: Mapping[str, Any], key: str) -> Any:
    """What was said before a field came to be is as good as an empty text for it."""
    found = values.get(key)
    return None if found == "" else found


def _model(
    row: Model, where: Where, names: Mapping[str, str], clean: bool = True
) -> Iterable[Problem]:
    """What the model itself says of lengths, letters and combinations; `names`: its fields by
    the keys of the file."""
    try:
        row.clean_fields(exclude={"source", "kind", "dashboard", "widget"})
        if clean:
            row.clean()
    except ValidationError as error:
        for field, messages in error.message_dict.items():
            below = "" if field == "__all__" else names.get(field, field)
            for message in messages:
                yield where.problem(below, message)


def _read(reader: Callable[[], object]) -> list[Wrong]:
    try:
        reader()
    except BadOptions as error:
        return error.problems
    return []


def _unknown(kind: str) -> str:
    try:
        kinds[kind]
    except UnknownSlug as error:
        return str(error)
    return ""
