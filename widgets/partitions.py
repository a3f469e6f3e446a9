"""Samples by day, on PostgreSQL: a day that nobody keeps any longer goes as a whole table.

Rows of a day without a partition are in the default one, so none is ever refused. On SQLite there
are no partitions and nothing here does anything.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections, transaction
from django.db.models import Max

from widgets.clock import DAY, as_datetime
from widgets.models import Feed

logger = logging.getLogger(__name__)

TABLE, DEFAULT = "widgets_sample", "widgets_sample_default"
# Today and the next two: upkeep may fail for two days before anything falls into the default.
AHEAD = 3
# A backlog of older days stays in the default one: each partition costs every query a little.
BACK = 31
# Whoever waits for a lock on a table makes everybody wait who comes after, and a backup holds its
# own for as long as it takes. It is tried again a minute later.
_PATIENCE = "SET LOCAL lock_timeout = '500ms'"


def keep_up(now: int) -> None:
    """Make the partitions of these days, and of days whose rows are in the default one; drop those
    of days that no feed keeps. By one process at a time (`widgets.alone`)."""
    if connection.vendor != "postgresql":
        return
    today = now // DAY
    there = days()
    make((_worth(_days_in_default(), today) | set(range(today, today + AHEAD))) - there)
    longest = Feed.objects.aggregate(longest=Max("keep_raw"))["longest"] or 0
    oldest = (now - longest) // DAY
    for day in there:
        if day < oldest:
            _with_patience(f"DROP TABLE IF EXISTS {name(day)}")


def make_for(wanted: Iterable[int], now: int, using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the partitions of those of these days, counted from 1970, that are to have one."""
    make(_worth(wanted, now // DAY) - days(using), using)


def _worth(wanted: Iterable[int], today: int) -> set[int]:
    return {day for day in wanted if today - BACK <= day < today + AHEAD}


def days(using: str = DEFAULT_DB_ALIAS) -> set[int]:
    """The days, counted from 1970, that have a partition."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT obj_description(inhrelid, 'pg_class') FROM pg_inherits "
            "WHERE inhparent = %s::regclass",
            [TABLE],
        )
        return {int(day) for (day,) in cursor.fetchall() if day}


def name(day: int) -> str:
    return f"{TABLE}_{as_datetime(day * DAY):%Y%m%d}"


def make(wanted: Iterable[int], using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the partitions of days that have none, and move into them what the default one holds."""
    for day in sorted(wanted):
        start, end = day * DAY, (day + 1) * DAY
        _with_patience(
            f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE",
            f"CREATE TABLE {name(day)} (LIKE {TABLE} INCLUDING ALL)",
            f"COMMENT ON TABLE {name(day)} IS '{day}'",
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE ts >= {start} AND ts < {end} "  # noqa: S608
            f"RETURNING *) INSERT INTO {name(day)} SELECT * FROM moved",
            # Not CREATE … PARTITION OF, which locks out everybody and fails on rows that are in
            # the default one.
            f"ALTER TABLE {TABLE} ATTACH PARTITION {name(day)} "
            f"FOR VALUES FROM ({start}) TO ({end})",
            using=using,
        )


def _days_in_default() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT ts / {DAY} FROM {DEFAULT}")  # noqa: S608
        return {day for (day,) in cursor.fetchall()}


def _with_patience(*statements: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Run them in one transaction, or not at all if that would keep others waiting."""
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute(_PATIENCE)
            for statement in statements:
                cursor.execute(statement)
    except OperationalError as error:
        logger.warning("The partitions of samples could not be changed now: %s", error)
