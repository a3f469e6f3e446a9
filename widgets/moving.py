"""From SQLite to PostgreSQL with all history: copied in one transaction, then compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from widgets import clock
from widgets.backup import PATIENT
from widgets.copying import Model, make_room, opened, pour, settle, tables
from widgets.models import Hour, Minute, Sample

SOURCE, TARGET = "default", "target"
# What migrations themselves fill.
_MADE = {ContentType, Permission}
# Of tables that have a time: which number stands for the values.
_VALUES: Mapping[Model, str] = {Sample: "value", Minute: "sum", Hour: "sum"}


class CannotMove(Exception):
    """Nothing was moved; a sentence says why."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What is compared of a table: how many rows; of one that has a time also the first and the
    last, and sums of times and of values."""

    rows: int
    first: int | None = None
    last: int | None = None
    times: int | None = None
    values: float | None = None

    def agrees(self, other: Digest) -> bool:
        """Sums of the same floats in another order differ in the last digits."""
        exact = (self.rows, self.first, self.last, self.times)
        if exact != (other.rows, other.first, other.last, other.times):
            return False
        return math.isclose(self.values or 0, other.values or 0, rel_tol=1e-9)


def move(description: Mapping[str, Any]) -> dict[Model, Digest]:
    """Copy everything to the database described, which is empty; what is there now, by model.

    The source is only read, and at one moment. CannotMove, DatabaseError: nothing is there.
    """
    with opened(TARGET, description) as target, _snapshot(connections[SOURCE]):
        _check_empty(target)
        call_command("migrate", database=TARGET, verbosity=0, interactive=False)
        now = clock.now()
        make_room(SOURCE, TARGET, now)
        with transaction.atomic(using=TARGET):
            with target.cursor() as cursor:
                cursor.execute(PATIENT)
            pour(SOURCE, TARGET)
            digests = {model: digest(model, TARGET) for model in tables()}
            for model, found in digests.items():
                if not found.agrees(read := digest(model, SOURCE)):
                    raise CannotMove(f"{model._meta.db_table} differs: {read} became {found}")
            settle(TARGET, now)
        return digests


@contextmanager
def _snapshot(source: BaseDatabaseWrapper) -> Iterator[None]:
    """Read the source as it is at this moment, whatever is written meanwhile; nobody waits."""
    with source.cursor() as cursor:
        # Not Django's transaction, which would take the write lock.
        cursor.execute("BEGIN DEFERRED")
        try:
            # The moment is that of the first read.
            cursor.execute("SELECT 1 FROM django_migrations")
            cursor.fetchall()
            yield
        finally:
            cursor.execute("ROLLBACK")


def _check_empty(target: BaseDatabaseWrapper) -> None:
    there = set(target.introspection.table_names())
    if there and "django_migrations" not in there:
        raise CannotMove("it holds tables of something else; name an empty database")
    for model in tables():
        name = model._meta.db_table
        if name in there and model not in _MADE and model._base_manager.using(TARGET).exists():
            raise CannotMove(f"{name} has rows already; name an empty database")


def digest(model: Model, alias: str) -> Digest:
    """See Digest."""
    if model not in _VALUES:
        return Digest(model._base_manager.using(alias).count())
    table, value = model._meta.db_table, _VALUES[model]
    with connections[alias].cursor() as cursor:
        # Without the millions, or a sum of so many microseconds has no room in an integer. Values
        # divided, or PostgreSQL refuses a sum that is too large, and a quotient too small.
        cursor.execute(
            f"SELECT COUNT(*), MIN(ts), MAX(ts), SUM(ts % 1000003), "  # noqa: S608
            f'SUM(CASE WHEN ABS("{value}") < 1e-200 THEN 0 ELSE ABS("{value}") / 1e12 END) '
            f"FROM {table}"
        )
        rows, first, last, times, values = cursor.fetchone()
    return Digest(rows, first, last, None if times is None else int(times), values)
