"""Samples and their roll-ups: what is written, and only once.

`(series, ts)` is the key of a sample. Only rows that were really inserted touch the roll-ups, so
what is delivered again, late or twice leaves them exact. SQL of our own because the ORM cannot
say which rows an `ON CONFLICT DO NOTHING` inserted; it runs on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

from widgets.clock import HOUR, MINUTE

Row = TypeVar("Row", bound=tuple[Any, ...])
Sample = tuple[int, int, float]  # series, moment in µs, value

# SQLite takes 32,766 parameters a statement, PostgreSQL 65,535.
_ROWS = 2_000
_BUCKETS = {MINUTE: "widgets_minute", HOUR: "widgets_hour"}
_UPSERT = """
INSERT INTO {table} ("series_id", "ts", "n", "sum", "min", "max", "last", "last_ts") VALUES {rows}
ON CONFLICT ("series_id", "ts") DO UPDATE SET
  "n" = {table}."n" + excluded."n",
  "sum" = {table}."sum" + excluded."sum",
  "min" = CASE WHEN excluded."min" < {table}."min" THEN excluded."min" ELSE {table}."min" END,
  "max" = CASE WHEN excluded."max" > {table}."max" THEN excluded."max" ELSE {table}."max" END,
  "last" = CASE WHEN excluded."last_ts" >= {table}."last_ts"
           THEN excluded."last" ELSE {table}."last" END,
  "last_ts" = CASE WHEN excluded."last_ts" > {table}."last_ts"
              THEN excluded."last_ts" ELSE {table}."last_ts" END
"""


def add(samples: Sequence[Sample]) -> list[Sample]:
    """Insert samples and roll them up, inside the caller's transaction; those really inserted."""
    # The last of several for one key, as a pusher that corrects itself in one batch would expect.
    unique = {(series, ts): value for series, ts, value in samples}
    inserted = []
    with connection.cursor() as cursor:
        for rows in _chunks([(series, ts, value) for (series, ts), value in unique.items()]):
            marks = ",".join(["(%s,%s,%s)"] * len(rows))
            cursor.execute(
                f"INSERT INTO widgets_sample (series_id, ts, value) VALUES {marks} "  # noqa: S608
                "ON CONFLICT (series_id, ts) DO NOTHING RETURNING series_id, ts, value",
                [value for row in rows for value in row],
            )
            inserted += [(row[0], row[1], row[2]) for row in cursor.fetchall()]
        for width, table in _BUCKETS.items():
            for buckets in _chunks(_buckets(inserted, width)):
                marks = ",".join(["(%s,%s,%s,%s,%s,%s,%s,%s)"] * len(buckets))
                cursor.execute(
                    _UPSERT.format(table=table, rows=marks),
                    [value for row in buckets for value in row],
                )
    return inserted


Bucket = tuple[int, int, int, float, float, float, float, int]


def _buckets(samples: Sequence[Sample], width: int) -> list[Bucket]:
    """The samples by series and bucket: series, start, n, sum, min, max, last, moment of last."""
    found: dict[tuple[int, int], Bucket] = {}
    for series, ts, value in samples:
        key = (series, ts - ts % width)
        if (so_far := found.get(key)) is None:
            found[key] = (*key, 1, value, value, value, value, ts)
            continue
        _, _, n, total, least, most, last, last_ts = so_far
        if ts >= last_ts:
            last, last_ts = value, ts
        found[key] = (
            *key, n + 1, total + value, min(least, value), max(most, value), last, last_ts,
        )  # fmt: skip
    return list(found.values())


def _chunks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while chunk := list(islice(left, _ROWS)):
        yield chunk
