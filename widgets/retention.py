"""How long samples, minutes, hours, events and series are kept."""

from __future__ import annotations

from django.db import connection

from widgets.clock import DAY
from widgets.models import Event, Feed

# Rows a statement: a longer one would keep readings waiting for the database.
_ROWS = 5_000
# Statements a table and call: what is left is removed a minute later.
_ROUNDS = 20
# Of 4 kB: what a minute of upkeep gives back at most.
_PAGES = 2_000
_TABLES = {
    "widgets_sample": "keep_raw",
    "widgets_minute": "keep_minutes",
    "widgets_hour": "keep_hours",
}
EVENTS_KEPT = 730 * DAY


def remove_old(now: int) -> int:
    """Remove what is older than its feed keeps it; how many rows of samples and roll-ups went."""
    removed = sum(_remove(table, keep, now) for table, keep in _TABLES.items())
    removed += sum(_remove_orphans(table) for table in _TABLES)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            # Pages that were freed go back to the disk, some at a time; each row is one page.
            cursor.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
    for feed in Feed.objects.only("pk", *_TABLES.values()):
        # Nothing of it is left but its name.
        longest = max(getattr(feed, keep) for keep in _TABLES.values())
        feed.series.filter(at__lt=now - longest).delete()
    Event.objects.filter(end__lt=now - EVENTS_KEPT).delete()
    return removed


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
            cursor.execute(
                f"DELETE FROM {table} WHERE series_id = %s AND ts IN "  # noqa: S608
                f"(SELECT ts FROM {table} WHERE series_id = %s LIMIT %s)",
                [series, series, _ROWS * _ROUNDS],
            )
            removed += cursor.rowcount
    return removed


def _remove(table: str, keep: str, now: int) -> int:
    """Feed by feed; each series is a walk along the key from its beginning, so that no index on
    time is needed."""
    removed = 0
    with connection.cursor() as cursor:
        for feed in Feed.objects.only("pk", keep):
            for _ in range(_ROUNDS):
                cursor.execute(
                    f"DELETE FROM {table} WHERE (series_id, ts) IN ("  # noqa: S608  # our own names
                    f"SELECT old.series_id, old.ts FROM widgets_series AS s JOIN {table} AS old "
                    "ON old.series_id = s.id AND old.ts < %s WHERE s.feed_id = %s LIMIT %s)",
                    [now - getattr(feed, keep), feed.pk, _ROWS],
                )
                removed += cursor.rowcount
                if cursor.rowcount < _ROWS:
                    break
    return removed
