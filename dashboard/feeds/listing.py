"""What the list of feeds asks of the database: the same few queries however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from dashboard.feeds.condition import Brief, Chip, Judged
from widgets import history
from widgets.clock import HOUR, MINUTE, SECOND, format_duration
from widgets.facts import Facts, facts
from widgets.kinds import Line
from widgets.kinds.stat import spark
from widgets.models import Feed, Series
from widgets.numbers import format_age, say

COLUMNS = (
    "pk", "name", "source", "paused", "private", "interval", "unwatched", "cron",
    "time_zone", "timeout", "expect_every", "grace",
    "made_by__name", "now__at", "now__arrived", "now__state", "now__since", "now__failures",
    "now__failing_since", "now__watched_since", "now__watched_until",
)  # fmt: skip
OLD = ("late", "stale", "failed")
# A spark needs a few points; where there are fewer minutes, it is drawn of samples.
FEW_MINUTES = 5
EVERY = {"streamed": "stream", "ping": "waits"}
YOUNG = FEW_MINUTES * MINUTE
MOST_SAMPLES = 50_000


def briefs() -> list[Brief]:
    """Every feed; two queries."""
    series = {
        feed: (count, old)
        for feed, count, old in Series.objects.filter(ended=False)
        .order_by()
        .values_list("feed")
        .annotate(count=Count("pk"), old=Count("pk", filter=Q(freshness__in=OLD)))
    }
    rows = Feed.objects.order_by("pk").values_list(*COLUMNS)
    return [brief_of([*row, *series.get(row[0], (0, 0))]) for row in rows]


def brief_of(values: Sequence[Any]) -> Brief:
    """Of the columns, the number of series and the number of old ones."""
    return Brief(*values)


@dataclass(frozen=True, slots=True)
class Row:
    """One feed as people read it; `why` is the error, or why it is not ok."""

    id: int
    name: str
    origin: str
    private: bool
    chips: Sequence[Chip]
    why: str
    value: str
    series: str
    spark: dict[str, str] | None
    age: str
    every: str
    coming: str
    lateness: str
    duration: str

    @property
    def word(self) -> str:
        return self.chips[0].word


def rows(found: Sequence[Judged], now: int) -> list[Row]:
    """The details of the feeds on one page; three queries at most."""
    facts = {feed.pk: feed for feed in detailed([one.brief.id for one in found])}
    sparks = sparks_of([feed.head_id for feed in facts.values() if feed.head_id], now)
    # One that was deleted since it was judged is not there any more.
    return [_row(one, facts[one.brief.id], sparks, now) for one in found if one.brief.id in facts]


def detailed(ids: Iterable[int]) -> list[Any]:
    """Feeds with their state and with the series that says most: the first of those that are as
    bad as the feed is, or the first there is."""
    ordered = Series.objects.filter(feed=OuterRef("pk"), ended=False).order_by("name")
    worst = Subquery(ordered.filter(state=OuterRef("now__state")).values("pk")[:1])
    first = Subquery(ordered.values("pk")[:1])
    feeds: list[Any] = list(
        Feed.objects.filter(pk__in=list(ids))
        .select_related("now")
        .defer("now__rows", "now__memo", "options", "thresholds")
        .annotate(head_id=Coalesce(worst, first))
    )
    heads = Series.objects.in_bulk([feed.head_id for feed in feeds if feed.head_id])
    for feed in feeds:
        feed.head = heads.get(feed.head_id)
    return feeds


def sparks_of(series: Sequence[int], now: int) -> dict[int, dict[str, str] | None]:
    """The small line of each series over the last hour."""
    start = now - HOUR
    minutes = history.load(series, start, now, MINUTE)
    young = [id_ for id_ in series if len(minutes[id_]) < FEW_MINUTES]
    samples = history.load(young, now - YOUNG, now, 0, MOST_SAMPLES)
    found = {}
    for id_ in series:
        window = samples[id_] if len(samples.get(id_, ())) else minutes[id_]
        line = Line("", "", points=window.points(start, now), step=window.step)
        found[id_] = spark(line, start, now)
    return found


def _row(one: Judged, feed: Any, sparks: dict[int, Any], now: int) -> Row:
    brief, state, head = one.brief, feed.now, feed.head
    asking = facts(feed, now)
    return Row(
        id=brief.id,
        name=brief.name,
        origin=origin(brief),
        private=brief.private,
        chips=one.chips,
        why=state.error or (head.message if head and head.state != "ok" else ""),
        value=last(feed, brief),
        series=series_said(feed, brief),
        spark=sparks.get(feed.head_id),
        age="" if brief.age_from is None else f"{format_age(now - brief.age_from)} ago",
        every=brief.every(now) or EVERY.get(brief.obtained, "pushed"),
        coming=coming(brief, asking, now),
        lateness="" if asking.lateness is None else brief_span(asking.lateness),
        duration="" if asking.duration is None else brief_span(asking.duration),
    )


def origin(brief: Brief) -> str:
    """Where it comes from: its source, or whose token made it."""
    if brief.obtained in {"pushed", "ping"}:
        said = brief.obtained if brief.source == "push" else f"{brief.source}, {brief.obtained}"
        return f"{said}, token {brief.token}" if brief.token else said
    return f"{brief.source}, {brief.obtained}"


def last(feed: Any, brief: Brief) -> str:
    """The last value with its unit, or what there is instead of one."""
    if feed.head is not None and feed.head.value is not None:
        return say(feed.head.value, feed.head.unit)
    text = feed.now.text
    if text:
        return text if len(text) <= 40 else f"{text[:39]}…"
    return "" if brief.age_from is None else "no numbers"


def series_said(feed: Any, brief: Brief) -> str:
    """Which series the value is of, and of how many."""
    if feed.head is None:
        return ""
    return feed.head.name if brief.series == 1 else f"{feed.head.name}, of {brief.series:,}"


def coming(brief: Brief, asking: Facts, now: int) -> str:
    """When it is asked or expected next."""
    if brief.paused:
        return "paused"
    if asking.under_way:
        return "under way"
    if asking.next_run is not None:
        return _ahead("next", asking.next_run - now)
    if brief.expect_every and brief.age_from is not None:
        return _ahead("expected", brief.age_from + brief.expect_every - now)
    return ""


def _ahead(word: str, span: int) -> str:
    if span > 0:
        return f"{word} in {format_age(span)}"
    # A claim is taken within a moment; what is due for longer waits for a worker.
    return f"{word} now" if span > -2 * SECOND else f"{word} {format_age(-span)} ago"


def brief_span(span: int) -> str:
    """A short span in one unit: `41 ms`, `1.2 s`."""
    return say(span / SECOND, "s") if span < MINUTE else format_duration(span)
