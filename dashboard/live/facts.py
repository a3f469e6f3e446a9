"""The table beside a large tile: its series one by one, and what its feeds say of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.loader import render_to_string

from dashboard.live.board import Board, Placed
from dashboard.live.fragments import may_draw
from dashboard.live.held import Held
from widgets.clock import as_datetime
from widgets.judge import freshness_at
from widgets.numbers import format_age, say
from widgets.reading import Freshness, State
from widgets.select import Pick, pick
from widgets.snapshot import FeedNow


@dataclass(frozen=True, slots=True)
class Row:
    """One series, as people read it. `age_ms`: the moment its age counts from; `late_ms` and
    `stale_ms`: when time alone makes it so."""

    feed: str
    name: str
    value: str
    state: State
    freshness: Freshness
    message: str
    age: str
    age_ms: int | None
    late_ms: int | None
    stale_ms: int | None


def drawn(board: Board, tile: Placed, held: Held) -> list[FeedNow]:
    """The feeds of a tile that may be drawn on this board, by name."""
    if tile.spec is None:
        return []
    found = [feed for feed in held.of(tile.spec) if may_draw(board, feed)]
    return sorted(found, key=lambda feed: feed.name)


def facts(board: Board, tile: Placed, held: Held, now: int) -> str:
    """The element `#facts` of a detail page."""
    feeds = drawn(board, tile, held)
    lines: Sequence[Pick] = pick(tile.spec, feeds).lines if tile.spec else ()
    errors = [(feed, _since(board, feed)) for feed in feeds if feed.error]
    return render_to_string(
        "dashboard/_facts.html",
        {"rows": [_row(one, now) for one in lines], "feeds": feeds, "errors": errors},
    )


def _row(one: Pick, now: int) -> Row:
    series, feed = one.series, one.feed
    age, since = series.age_from, feed.promise.since(series.at, series.arrived)
    late_at = None if since is None else feed.promise.late_at(since)
    stale_at = None if since is None else feed.promise.stale_at(since)
    return Row(
        feed=feed.name,
        name=series.name,
        value=say(series.value, one.unit),
        state=series.state,
        freshness=freshness_at(since, feed.promise, feed.failed, now),
        message=series.message,
        age="" if age is None else f"{format_age(now - age)} ago",
        age_ms=_ms(age),
        late_ms=_ms(late_at),
        stale_ms=_ms(stale_at),
    )


def _ms(moment: int | None) -> int | None:
    return None if moment is None else moment // 1000


def _since(board: Board, feed: FeedNow) -> str:
    if not feed.failing_since:
        return ""
    return f"{as_datetime(feed.failing_since).astimezone(board.zone):%Y-%m-%d %H:%M:%S}"
