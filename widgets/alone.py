"""What only one process of a wall does at a time, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

from django.db import connection


@contextmanager
def alone(work: str, wait: bool = False) -> Iterator[bool]:
    """Whether no other process is at this work, of that name; with `wait` once none is.

    On SQLite always: it has one writer at a time, and what two do after each other is harmless.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    key = crc32(f"watchwall {work}".encode())
    take = "pg_advisory_lock(%s) IS NOT NULL" if wait else "pg_try_advisory_lock(%s)"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {take}", [key])
        mine = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        # The session lasts longer than the work: its connection goes back to a pool.
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
