"""Which series a widget shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from widgets.clock import HOUR
from widgets.history import Reducer, step_for
from widgets.judge import FRESHNESS_ORDER, STATE_ORDER
from widgets.kinds import Points, kinds
from widgets.models import Widget
from widgets.options import read
from widgets.shows import Show, matches, read_shows
from widgets.snapshot import FeedNow, SeriesNow


@dataclass(frozen=True, slots=True)
class Spec:
    """A widget as pictures need it, parsed once a revision."""

    id: int
    title: str
    kind: str
    options: Mapping[str, Any]
    shows: Sequence[Show]
    over_time: Reducer
    over_series: str
    window: int
    offsets: tuple[int, ...]
    top: int
    revision: int
    points: Points = "reduced"
    # How far back its events go, µs.
    events: int = 0

    @classmethod
    def of(cls, widget: Widget) -> Spec:
        kind = kinds[widget.kind]
        needs = kind.needs(read(kind.Options, widget.options))
        windowed = needs.window or widget.over_time != "last"
        return cls(
            id=widget.pk,
            title=str(widget),
            kind=widget.kind,
            options=widget.options,
            shows=read_shows(widget.shows),
            over_time=cast("Reducer", widget.over_time),
            over_series=widget.over_series,
            window=(widget.window or needs.window or HOUR) if windowed else 0,
            offsets=needs.offsets,
            top=widget.top,
            revision=widget.revision,
            points=needs.points,
            events=(widget.window or needs.events) if needs.events else 0,
        )

    @property
    def step(self) -> int:
        """The resolution of its points, µs; with a comparison to last week, minutes for all.

        A second window for the comparison alone would be raw samples of a whole week.
        """
        return 0 if self.points == "samples" else step_for(self.reach)

    @property
    def reach(self) -> int:
        """How far back it looks in all, µs."""
        return max((self.window, *self.offsets))

    def wants(self, feed_name: str) -> bool:
        return any(matches(feed_name, show.feed) for show in self.shows)


@dataclass(frozen=True, slots=True)
class Pick:
    """One series that a widget shows, with what the widget calls it."""

    feed: FeedNow
    series: SeriesNow
    name: str
    unit: str

    @property
    def badness(self) -> tuple[int, int]:
        """Its state and then its freshness, as last judged; more is worse."""
        # Where nothing was promised nothing is wrong.
        age = "fresh" if self.series.freshness == "aged" else self.series.freshness
        return STATE_ORDER.index(self.series.state), FRESHNESS_ORDER.index(age)


@dataclass(frozen=True, slots=True)
class Picked:
    """What a widget shows of the feeds there are. `lines`: the series it draws; `cut`: those that
    it has no room for, whose condition counts all the same."""

    feeds: Sequence[FeedNow]
    lines: Sequence[Pick]
    cut: Sequence[Pick] = ()


# A widget that draws each series has no use for more, and a wall has no room.
MOST_WITH_WINDOW = 20
MOST = 500


def pick(spec: Spec, feeds: Iterable[FeedNow]) -> Picked:
    """The series of a widget in the order of its selections; each is picked once.

    A series that has ended is not shown. Where there is no room for all, the worst are drawn.
    """
    chosen: dict[int, FeedNow] = {}
    lines: dict[int, Pick] = {}
    ordered = sorted(feeds, key=lambda feed: feed.name)
    for show in spec.shows:
        for feed in ordered:
            if not matches(feed.name, show.feed):
                continue
            chosen[feed.id] = feed
            for name in sorted(feed.series, key=_natural):
                series = feed.series[name]
                if not series.ended and matches(name, show.series):
                    lines.setdefault(series.id, _named(feed, series, show, len(spec.shows)))
    picks = list(lines.values())
    most = MOST_WITH_WINDOW if spec.reach else MOST
    if spec.over_series == "top":
        picks.sort(key=lambda p: (p.series.value is None, -(p.series.value or 0.0)))
        picks = picks[: spec.top]
    elif spec.over_series != "each":
        # A sum of the first twenty would be a wrong number; only what is drawn one by one is cut.
        most = len(picks)
    return Picked(list(chosen.values()), *_worst(picks, most))


def _worst(picks: Sequence[Pick], most: int) -> tuple[list[Pick], list[Pick]]:
    """So many of the worst, and the rest; both in the order given."""
    if len(picks) <= most:
        return list(picks), []
    # Both as last judged: what is drawn does not change with every look at the clock.
    order = sorted(picks, key=lambda one: one.badness, reverse=True)
    kept = {one.series.id for one in order[:most]}
    return (
        [one for one in picks if one.series.id in kept],
        [one for one in picks if one.series.id not in kept],
    )


def _named(feed: FeedNow, series: SeriesNow, show: Show, shows: int) -> Pick:
    wild = _is_wild(show.series, series.name)
    if show.name and (not wild or "*" in show.name):
        name = show.name.replace("*", _matched(series.name, show.series))
    elif _is_wild(show.feed, feed.name):
        # `check.*` with one series each (`up`): the feed is what tells them apart.
        name = f"{feed.name} {series.name}" if wild else feed.name
    else:
        name = series.name
    return Pick(feed, series, name, show.unit or series.unit)


def _is_wild(pattern: str, name: str) -> bool:
    """Whether a pattern that matches this name may match others as well."""
    return any(sign in pattern for sign in "*?[") and pattern != name


def _matched(name: str, pattern: str) -> str:
    """What the first `*` of a pattern stands for in a name: of `disk.*.percent`, the disk."""
    before, _, after = pattern.partition("*")
    after = after.rpartition("*")[2]
    return name[len(before) : len(name) - len(after)]


_DIGITS = re.compile(r"(\d+)")


# Every picture sorts the names of its series, and these are mostly the same as before.
@lru_cache(maxsize=50_000)
def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """`core.10` after `core.9`."""
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part)
        for part in _DIGITS.split(name)
    )
