"""How long samples, minutes, hours, events and series are kept.

Each step looks before it writes and takes its turn: a statement that removes nothing still locks
SQLite, and a minute's upkeep must not hold up the second's refreshes.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import F, Min
from django.db.models.functions import Greatest

from widgets.clock import DAY
from widgets.models import Event, Feed, Series
from widgets.turns import writing

# Rows a statement: a longer one would keep readings waiting for the database.
_ROWS = 5_000
# Statements a table and call: what is left is removed a minute later.
_ROUNDS = 20
# Of 4 kB: what a minute of upkeep gives back to the disk at most.
_PAGES = 500
_TABLES = {
    "widgets_sample": "keep_raw",
    "widgets_minute": "keep_minutes",
    "widgets_hour": "keep_hours",
}
EVENTS_KEPT = 730 * DAY


def remove_old(now: int) -> int:
    """Remove what is older than its feed keeps it; how many rows of samples and roll-ups went."""
    removed = sum(_remove(table, keep, now) for table, keep in _TABLES.items())
    _remove_series(now)
    removed += sum(_remove_orphans(table) for table in _TABLES)
    old_events = Event.objects.filter(end__lt=now - EVENTS_KEPT)
    if old_events.exists():
        with writing():
            old_events.delete()
    _give_space_back()
    return removed


def _remove_series(now: int) -> None:
    """Series of which nothing is left but the name."""
    longest = Greatest(*(F(f"feed__{keep}") for keep in _TABLES.values()))
    old = Series.objects.filter(at__lt=now - longest)
    if old.exists():
        with writing():
            old.delete()


def _give_space_back() -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA freelist_count")
        if cursor.fetchone()[0]:
            with writing():
                # Each row of the answer is one page.
                cursor.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()


# From one series to the next along the key: as many look-ups as there are series, not rows.
_ORPHANS = """
WITH RECURSIVE there(id) AS (
  SELECT MIN(series_id) FROM {table}
  UNION ALL
  SELECT (SELECT MIN(series_id) FROM {table} WHERE series_id > there.id)
  FROM there WHERE there.id IS NOT NULL)
SELECT id FROM there WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM widgets_series)
"""


def _remove_orphans(table: str) -> int:
    """The rows of series that were deleted with their feed, which would take minutes to do at once
    while somebody waits for a page."""
    removed = 0
    with connection.cursor() as cursor:
        cursor.execute(_ORPHANS.format(table=table))
        for (series,) in cursor.fetchall():
            with writing():
                cursor.execute(
                    f"DELETE FROM {table} WHERE series_id = %s AND ts IN "  # noqa: S608
                    f"(SELECT ts FROM {table} WHERE series_id = %s LIMIT %s)",
                    [series, series, _ROWS],
                )
            removed += cursor.rowcount
    return removed


# Each series is a walk along the key from its beginning, so that no index on time is needed. The
# second bound follows from the first; PostgreSQL leaves younger partitions alone by it.
_OLD = """
SELECT old.series_id, old.ts FROM widgets_feed AS f JOIN widgets_series AS s ON s.feed_id = f.id
JOIN {table} AS old ON old.series_id = s.id AND old.ts < %s - f.{keep} AND old.ts < %s
LIMIT %s
"""


def _remove(table: str, keep: str, now: int) -> int:
    removed = 0
    shortest = Feed.objects.aggregate(shortest=Min(keep))["shortest"] or 0
    old = _OLD.format(table=table, keep=keep)
    with connection.cursor() as cursor:
        for _ in range(_ROUNDS):
            cursor.execute(old, [now, now - shortest, 1])
            if not cursor.fetchall():
                break
            with writing():
                cursor.execute(
                    f"DELETE FROM {table} WHERE (series_id, ts) IN ({old})",  # noqa: S608
                    [now, now - shortest, _ROWS],
                )
            removed += cursor.rowcount
    return removed
