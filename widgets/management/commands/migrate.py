"""`manage.py migrate`: Django's, one at a time."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connection

from widgets.alone import alone


def give_space_back() -> None:
    """Let SQLite return the pages of what is removed; to be chosen before the first table exists.

    Not at every connection: the pragma takes the write lock, and each new thread would wait.
    """
    if connection.vendor == "sqlite" and not connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
            cursor.execute("VACUUM")


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        give_space_back()
        # Two that start together would both read that a migration is missing, and the second
        # would fail on the tables of the first.
        with alone("migrate", wait=True):
            super().handle(*args, **options)
