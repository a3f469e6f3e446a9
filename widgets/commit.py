"""The transaction that records: samples, roll-ups, series, events, feed state; all or nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from operator import attrgetter
from typing import Any, Literal, TypeVar

from django.db import connection, models, transaction

from widgets import processes, publish, store
from widgets.change import Arrival, FeedChange, Outcome
from widgets.models import Event, Feed, FeedState, Series
from widgets.snapshot import SERIES_COLUMNS, SeriesNow, load_series, state_fields
from widgets.turns import writing

M = TypeVar("M", bound=models.Model)

# What a commit writes of FeedState; next_due only when it is another than it was, so that a claim
# made meanwhile is never taken back.
STATE_FIELDS = [
    *("version", "at", "arrived", "rows", "text", "notes", "error", "failures"),
    *("failing_since", "last_error", "last_error_at", "duration", "lateness", "memo"),
    *("lease_until", "judge_at", "state", "freshness", "since"),
]
SERIES_FIELDS = [name for name in SERIES_COLUMNS if name not in {"id", "name"}]
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
        _write(list(changes.values()))
    for change in changes.values():
        if change.changed:
            publish.publish_feed(_message(change))
    processes.count("samples", sum(len(change.inserted) for change in changes.values()))
    outcomes = [
        outcome or _outcome(changes[arrival.feed])
        for arrival, outcome in zip(arrivals, settled, strict=True)
    ]
    kept = zip(arrivals, outcomes, strict=True)
    readings = sum(a.readings for a, o in kept if a.reading is not None and o.kept)
    processes.count("readings", readings)
    return outcomes


def _outcome(change: FeedChange) -> Outcome:
    status: Literal["recorded", "nothing"] = "recorded" if change.changed else "nothing"
    return Outcome(status, change.state.version, due=change.state.next_due)


def _locked(feeds: set[int], now: int) -> dict[int, FeedChange]:
    """The feeds' rows, locked in one order so that two writers cannot wait for each other."""
    if not feeds:
        return {}
    lock = connection.ops.for_update_sql() if connection.features.has_select_for_update else ""
    states = _rows(FeedState, "feed_id", feeds, f"ORDER BY feed_id {lock}")
    ids = [state.pk for state in states]
    # By queries of their own, which see what was committed while we waited for the lock; joined
    # to the first they would be as they were before it.
    people_set = {feed.pk: feed for feed in _rows(Feed, "id", ids)} if ids else {}
    series = load_series(ids)
    return {
        state.pk: FeedChange(people_set[state.pk], state, series[state.pk], now) for state in states
    }


def _rows(model: type[M], key: str, ids: Collection[int], rest: str = "") -> list[M]:
    """By hand: making the three queries took four fifths of the time of a commit of one reading."""
    marks = ", ".join(["%s"] * len(ids))
    table = model._meta.db_table
    sql = f"SELECT * FROM {table} WHERE {key} IN ({marks}) {rest}"  # noqa: S608  # our own names
    return list(model._default_manager.raw(sql, list(ids)))


def _write(changes: Sequence[FeedChange]) -> None:
    """Write what changed, each kind of row of all the feeds at once: most of a commit's time goes
    by the statement and not by the row."""
    for change in changes:
        _create_series(change)
    _add_samples(changes)
    for change in changes:
        change.judge()
        if change.changed:
            change.advance()
    _update_states([one.state for one in changes if not one.rescheduled], STATE_FIELDS)
    _update_states([one.state for one in changes if one.rescheduled], [*STATE_FIELDS, "next_due"])
    _update_series([one for change in changes for one in _touched(change)])
    _close_events(changes)
    _create_events(changes)


def _message(change: FeedChange) -> dict[str, Any]:
    return publish.feed_message(
        feed=change.feed.pk,
        version=change.state.version,
        previous=change.previous,
        state=state_fields(change.state),
        series=[_row(one) for one in _touched(change)],
        points=change.inserted,
        events=bool(change.events or change.closed),
    )


def _touched(change: FeedChange) -> list[SeriesNow]:
    return [change.series[name] for name in sorted(change.touched)]


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


def _add_samples(changes: Sequence[FeedChange]) -> None:
    samples = [(change, _kept_samples(change)) for change in changes]
    whose = {series: change for change, rows in samples for series, _, _ in rows}
    for sample in store.add([row for _, rows in samples for row in rows]):
        change = whose[sample[0]]
        change.inserted.append(sample)
        change.changed = True


def _update_states(states: Sequence[FeedState], names: Sequence[str]) -> None:
    by_name = {field.name: field for field in FeedState._meta.concrete_fields}
    fields = [by_name[name] for name in names]
    rows = [
        [*(field.get_db_prep_save(getattr(state, field.attname), connection) for field in fields),
         state.pk]
        for state in states
    ]  # fmt: skip
    _update("widgets_feedstate", names, "feed_id", rows)


def _update_series(series: Sequence[SeriesNow]) -> None:
    _update("widgets_series", SERIES_FIELDS, "id", [_values(one) for one in series])


def _update(table: str, columns: Sequence[str], key: str, rows: Sequence[Sequence[Any]]) -> None:
    """Each row: the values of the columns, and then of the key."""
    if not rows:
        return
    marks = ", ".join(f'"{name}" = %s' for name in columns)
    with connection.cursor() as cursor:
        cursor.executemany(
            f'UPDATE {table} SET {marks} WHERE "{key}" = %s',  # noqa: S608  # our own names
            rows,
        )


def _close_events(changes: Sequence[FeedChange]) -> None:
    for axis in ("state", "freshness"):
        closed = [(c, {series for series, of in c.closed if of == axis}) for c in changes]
        feeds = [change.feed.pk for change, series in closed if None in series]
        ids = [one for _, series in closed for one in series if one is not None]
        still_open = Event.objects.filter(axis=axis, end__isnull=True)
        # As lists of ids and not as so many ORs: SQLite refuses a condition 1,000 deep, and a list
        # of more than 32,766.
        for some in _batched(feeds):
            still_open.filter(series__isnull=True, feed__in=some).update(end=changes[0].now)
        for some in _batched(ids):
            still_open.filter(series__in=some).update(end=changes[0].now)


def _create_events(changes: Sequence[FeedChange]) -> None:
    for change in changes:
        _drop_known_notes(change)
        for event, name in change.events:
            event.series_id = change.series[name].id if name else None
    events = [event for change in changes for event, _ in change.events]
    if events:
        Event.objects.bulk_create(events)


def _batched(ids: Sequence[int], most: int = 10_000) -> Iterator[Sequence[int]]:
    return (ids[start : start + most] for start in range(0, len(ids), most))


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
