"""`manage.py migrate`: Django's, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

# Of the locks that one agrees on by a number: ours for this.
_LOCK = 0x7761_7463_6877_616C


@contextmanager
def alone(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Of several processes that start together on PostgreSQL one migrates, and the others wait.

    Both would read that a migration is missing, and the second would fail on the first's tables.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        # The connection goes back to a pool, and the lock would go with it.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with alone(connections[options["database"]]):
            super().handle(*args, **options)
