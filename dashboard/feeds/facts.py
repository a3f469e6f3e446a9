"""One feed in full: its facts, its series, and how to hand readings in to it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, Q, Value, When

from dashboard.feeds import listing, masks
from dashboard.feeds.condition import RANKS, Brief, Chip
from widgets.clock import as_datetime, format_duration
from widgets.facts import facts as facts_of
from widgets.judge import FRESHNESS_ORDER, freshness_at
from widgets.models import Feed, Series
from widgets.numbers import format_age, say
from widgets.snapshot import SERIES_COLUMNS, FeedNow, SeriesNow, from_rows

# The worst of them; a push may have made thousands.
MOST_SERIES = 200
_BADNESS = Case(
    When(state="critical", then=Value(0)),
    When(state="warning", then=Value(1)),
    When(Q(state="unknown") | Q(freshness__in=listing.OLD), then=Value(2)),
    default=Value(3),
)


@dataclass(frozen=True, slots=True)
class OneSeries:
    """One series as people read it."""

    name: str
    value: str
    age: str
    chips: Sequence[Chip]
    message: str


def load(feed: Feed, now: int) -> tuple[Brief, FeedNow]:
    """What is known of a feed (with its state) now, with its worst series; two queries."""
    counted = Series.objects.filter(feed=feed, ended=False).aggregate(
        count=Count("pk"), old=Count("pk", filter=Q(freshness__in=listing.OLD))
    )
    # `listing.COLUMNS` as attributes: the list and the page say the same.
    values = [_deep(feed, name) for name in listing.COLUMNS]
    brief = listing.brief_of([*values, counted["count"], counted["old"]])
    known = from_rows(feed, now)
    found = Series.objects.filter(feed=feed, ended=False).order_by(_BADNESS, "name")
    for row in found.values_list(*SERIES_COLUMNS)[:MOST_SERIES]:
        series = SeriesNow(*row)
        known.series[series.name] = series
    return brief, known


def _deep(row: Any, path: str) -> Any:
    for part in path.split("__"):
        row = getattr(row, part) if row is not None else None
    return row


def series_of(feed: FeedNow, now: int) -> list[OneSeries]:
    """Each series with its state and its freshness, the worst first."""
    return [_one(feed, series, now) for series in feed.series.values()]


def _one(feed: FeedNow, series: SeriesNow, now: int) -> OneSeries:
    since = feed.promise.since(series.at, series.arrived)
    word = freshness_at(since, feed.promise, feed.failed, now, series.lost is not None)
    found = []
    if series.state != "ok":
        found.append(Chip(series.state, format_age(now - series.since) if series.since else ""))
    if FRESHNESS_ORDER.index(word) >= FRESHNESS_ORDER.index("late"):
        found.append(Chip(word))  # type: ignore[arg-type]
    return OneSeries(
        name=series.name,
        value=say(series.value, series.unit),
        age="never" if series.age_from is None else f"{format_age(now - series.age_from)} ago",
        chips=sorted(found, key=lambda chip: RANKS[chip.word]) or [Chip("ok")],
        message=series.message,
    )


def facts(feed: Feed, brief: Brief, zone: ZoneInfo, now: int) -> list[tuple[str, str]]:
    """What there is to know of it, by name."""
    state = feed.now
    asking = facts_of(feed, now)
    promised = f"every {format_duration(brief.expect_every)}" if brief.expect_every else ""
    how = ", ".join(filter(None, (brief.obtained, asking.schedule or promised)))
    watched = {True: "yes", False: "no"}[asking.watched] if feed.unwatched is not None else ""
    found = [
        ("Source", feed.source),
        ("Obtained", how),
        ("Made by", f"token {brief.token}" if brief.token else ""),
        ("Machine", feed.node),
        ("Seen by", "signed in only" if feed.private else "all who see a wall with it"),
        ("Watched now", watched),
        ("Next run", listing.coming(brief, asking, now).removeprefix("next ")),
        ("Late by", "" if asking.lateness is None else listing.brief_span(asking.lateness)),
        ("Took", "" if asking.duration is None else listing.brief_span(asking.duration)),
        ("Time limit", format_duration(feed.timeout) if asking.schedule else ""),
        ("Grace", format_duration(feed.grace) if feed.grace is not None else ""),
        ("Last reading", _moment(state.at, zone)),
        ("Failing since", _moment(asking.failing_since, zone)),
        ("Last error", _moment(asking.last_error_at, zone)),
        ("It was", "" if asking.error else asking.last_error),
        ("Series", f"{brief.series:,}"),
        ("History kept", f"{format_duration(feed.keep_raw)} in full, "
         f"{format_duration(feed.keep_minutes)} by the minute, "
         f"{format_duration(feed.keep_hours)} by the hour"),
    ]  # fmt: skip
    return [(name, value) for name, value in found if value]


def _moment(moment: int | None, zone: ZoneInfo) -> str:
    return f"{as_datetime(moment).astimezone(zone):%Y-%m-%d %H:%M:%S}" if moment else ""


def options_of(feed: Feed) -> list[tuple[str, str]]:
    """What was set of its source, secrets masked."""
    return [(name, _text(value)) for name, value in masks.masked(feed.options).items()]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


@dataclass(frozen=True, slots=True)
class Way:
    """One way to hand a reading in: a command to be pasted, with the token in `$TOKEN`."""

    label: str
    command: str


def ways(brief: Brief, wall: str) -> list[Way]:
    """How to hand a reading in to a feed that waits for them; `wall`: its address, no slash."""
    if brief.obtained not in {"pushed", "ping"}:
        return []
    name = quote(brief.name, safe="")
    push = (
        f"curl -fsS {shlex.quote(f'{wall}/api/feeds/{name}')}"
        ' -H "Authorization: Bearer $TOKEN" -d \'{"value": 17}\''
    )
    ping = f'curl -fsS "{wall}/ping/$TOKEN/"{shlex.quote(name)}'
    found = [Way("Hand in a number", push), Way("Say that a job ran", ping)]
    return found[::-1] if brief.obtained == "ping" else found
