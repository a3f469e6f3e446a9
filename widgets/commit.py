"""The transaction that records: samples, roll-ups, series, events, feed state; all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from django.db import connection, transaction
from django.db.models import JSONField

from widgets import processes, publish, store
from widgets.change import Arrival, FeedChange, Outcome
from widgets.compiled import Compiled
from widgets.models import Event, Feed, FeedState, Series
from widgets.snapshot import SERIES_COLUMNS, SeriesNow, load_series, state_fields
from widgets.turns import writing

# What a commit writes of FeedState; next_due only when a failing feed is put off, so that a
# claim made meanwhile is never taken back.
STATE_FIELDS = [
    *("version", "at", "arrived", "rows", "text", "notes", "error", "failures"),
    *("failing_since", "duration", "lateness", "memo", "lease_until", "judge_at"),
    *("state", "freshness", "since"),
]
SERIES_FIELDS = [name for name in SERIES_COLUMNS if name not in {"id", "name"}]
_JSON = {f.name: f for f in FeedState._meta.concrete_fields if isinstance(f, JSONField)}
_STATES = Compiled(
    FeedState, lambda: FeedState.objects.select_for_update().filter(pk__in=[0]).order_by("pk")
)
_FEEDS = Compiled(Feed, lambda: Feed.objects.filter(pk__in=[0]).order_by())
_row = attrgetter(*SERIES_COLUMNS)
_values = attrgetter(*SERIES_FIELDS, "id")


def commit(arrivals: Sequence[Arrival], now: int) -> list[Outcome]:
    """Record the arrivals in one transaction, tell who watches, and say what became of each."""
    with writing(), transaction.atomic():
        changes = _locked({arrival.feed for arrival in arrivals}, now)
        settled = [
            changes[arrival.feed].take(arrival) if arrival.feed in changes else Outcome("gone")
            for arrival in arrivals
        ]
        messages = _write(list(changes.values()))
    for message in messages:
        publish.publish_feed(message)
    processes.count("samples", sum(change.inserted for change in changes.values()))
    outcomes = [
        outcome or _outcome(changes[arrival.feed])
        for arrival, outcome in zip(arrivals, settled, strict=True)
    ]
    kept = zip(arrivals, outcomes, strict=True)
    processes.count("readings", sum(a.reading is not None and o.kept for a, o in kept))
    return outcomes


def _outcome(change: FeedChange) -> Outcome:
    return Outcome("recorded" if change.changed else "nothing", change.state.version)


def _locked(feeds: set[int], now: int) -> dict[int, FeedChange]:
    """The feeds' rows, locked in one order so that two writers cannot wait for each other."""
    states = _STATES.objects(feeds)
    ids = [state.pk for state in states]
    # By queries of their own, which see what was committed while we waited for the lock; joined
    # to the first they would be as they were before it.
    people_set = {feed.pk: feed for feed in _FEEDS.objects(ids)}
    series = load_series(ids)
    return {
        state.pk: FeedChange(people_set[state.pk], state, series[state.pk], now) for state in states
    }


def _write(changes: Sequence[FeedChange]) -> list[dict[str, Any]]:
    """Write what changed in the feeds; the messages for who watches those in which anything did.

    Each table is written once for all of them: statements cost more than the rows in them.
    """
    for change in changes:
        _create_series(change)
    points = _add_samples(changes)
    for change in changes:
        inserted = points[change.feed.pk]
        change.inserted = len(inserted)
        change.changed |= bool(inserted)
        change.judge()
        if change.changed:
            change.advance()
    _update_states(changes)
    touched = {c.feed.pk: [c.series[name] for name in sorted(c.touched)] for c in changes}
    _update_series([one for some in touched.values() for one in some])
    for change in changes:
        _write_events(change)
    return [
        publish.feed_message(
            feed=change.feed.pk,
            version=change.state.version,
            previous=change.previous,
            state=state_fields(change.state),
            series=[_row(one) for one in touched[change.feed.pk]],
            points=points[change.feed.pk],
        )
        for change in changes
        if change.changed
    ]


def _add_samples(changes: Sequence[FeedChange]) -> dict[int, list[store.Sample]]:
    """The samples that were really inserted, by feed."""
    inserted = store.add([sample for change in changes for sample in _kept_samples(change)])
    if len(changes) == 1:
        return {changes[0].feed.pk: inserted}
    feed_of = {one.id: change.feed.pk for change in changes for one in change.series.values()}
    found: dict[int, list[store.Sample]] = {change.feed.pk: [] for change in changes}
    for sample in inserted:
        found[feed_of[sample[0]]].append(sample)
    return found


def _create_series(change: FeedChange) -> None:
    """Give new series their ids. One that had ended is there already and goes on; such ones are
    not loaded with the others, since a feed whose names come and go has many."""
    new = {one.name: one for one in change.series.values() if not one.id}
    if not new:
        return
    rows = Series.objects.filter(feed=change.feed, name__in=list(new)).values_list(*SERIES_COLUMNS)
    for row in rows:
        ended = SeriesNow(*row)
        found = new.pop(ended.name)
        found.id = ended.id
        if ended.at is not None and (found.at is None or found.at < ended.at):
            change.series[ended.name] = ended  # Older than its last: history, and nothing else.
    made = Series.objects.bulk_create([Series(feed=change.feed, name=name) for name in new])
    for one, series in zip(new.values(), made, strict=True):
        one.id = series.pk


def _kept_samples(change: FeedChange) -> list[store.Sample]:
    """The samples by series id. What is older than the raw samples that are kept is left out:
    nothing is there to tell whether its roll-up has it already."""
    oldest = change.now - change.feed.keep_raw
    return [(change.series[name].id, ts, v) for name, ts, v in change.samples if ts >= oldest]


def _update_states(changes: Sequence[FeedChange]) -> None:
    for put_off in (False, True):
        names = [*STATE_FIELDS, "next_due"] if put_off else STATE_FIELDS
        rows = [
            [*(_prepared(change.state, name) for name in names), change.state.pk]
            for change in changes
            if change.put_off is put_off
        ]
        if rows:
            marks = ", ".join(f'"{name}" = %s' for name in names)
            with connection.cursor() as cursor:
                cursor.executemany(
                    f"UPDATE widgets_feedstate SET {marks} WHERE feed_id = %s",  # noqa: S608
                    rows,
                )


def _prepared(state: FeedState, name: str) -> Any:
    value = getattr(state, name)
    return _JSON[name].get_db_prep_save(value, connection) if name in _JSON else value


def _update_series(series: Sequence[SeriesNow]) -> None:
    if not series:
        return
    marks = ", ".join(f'"{name}" = %s' for name in SERIES_FIELDS)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE widgets_series SET {marks} WHERE id = %s",  # noqa: S608  # our own names
            [_values(one) for one in series],
        )


def _write_events(change: FeedChange) -> None:
    if change.closed:
        _end_events(change)
    if change.events:
        _drop_known_notes(change)
        for event, name in change.events:
            event.series_id = change.series[name].id if name else None
        Event.objects.bulk_create([event for event, _ in change.events])


def _end_events(change: FeedChange) -> None:
    still_open = Event.objects.filter(feed=change.feed, end__isnull=True)
    for axis in ("state", "freshness"):
        closed = {series for series, of in change.closed if of == axis}
        if None in closed:
            still_open.filter(axis=axis, series__isnull=True).update(end=change.now)
        # As a list of ids and not as so many ORs: SQLite refuses a condition 1,000 deep.
        if ids := closed - {None}:
            still_open.filter(axis=axis, series__in=ids).update(end=change.now)


def _drop_known_notes(change: FeedChange) -> None:
    """What is delivered again is noted once."""
    starts = {event.start for event, _ in change.events if event.axis == "note"}
    if not starts:
        return
    notes = Event.objects.filter(feed=change.feed, axis="note", start__in=starts)
    known = set(notes.values_list("start", "end", "text"))
    change.events = [
        (event, name)
        for event, name in change.events
        if event.axis != "note" or (event.start, event.end, event.text) not in known
    ]
