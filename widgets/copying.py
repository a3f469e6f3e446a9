"""The rows of one database in another, SQLite or PostgreSQL: for backups, restores and moves.

Aliases are Django's names of databases. Both have this code's tables; see `opened`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import DataError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.db.utils import load_backend

from widgets import partitions
from widgets.clock import DAY
from widgets.models import FeedState, Process, Revisioned, Sample
from widgets.reading import clean_text

Model = type[models.Model]

# Rows a statement or a fetch.
_ROWS = 5_000
# More than any claim that is under way can be ahead of those in a backup.
_CLAIMS = 1_000_000
_AS_THEY_ARE = (models.IntegerField, models.FloatField, models.BooleanField)


def tables() -> list[Model]:
    """The models whose rows are copied: all, but not which processes run at the moment."""
    every = apps.get_models(include_auto_created=True)
    return [m for m in every if m._meta.managed and not m._meta.proxy and m is not Process]


@contextmanager
def opened(alias: str, description: Mapping[str, Any]) -> Iterator[BaseDatabaseWrapper]:
    """Another database under that alias, in this thread and for as long as it takes."""
    whole = {**connections.settings["default"], **description}
    connections[alias] = load_backend(whole["ENGINE"]).DatabaseWrapper(whole, alias)
    try:
        yield connections[alias]
    finally:
        connections[alias].close()
        del connections[alias]


def file(path: Path) -> dict[str, Any]:
    """Django's description of an SQLite file that nobody else uses."""
    engine = "django.db.backends.sqlite3"
    return {"ENGINE": engine, "NAME": str(path), "OPTIONS": {}, "CONN_HEALTH_CHECKS": False}


def pour(source: str, target: str) -> dict[Model, int]:
    """Put the source's rows in the place of the target's; how many, by model.

    Inside a transaction of each, which are the caller's: a snapshot here, all or nothing there.
    """
    _empty(connections[target])
    poured = {model: _copy(model, source, target) for model in tables()}
    with connections[target].cursor() as cursor:
        for statement in connections[target].ops.sequence_reset_sql(no_style(), list(poured)):
            cursor.execute(statement)
    return poured


def settle(alias: str, now: int) -> None:
    """Let everybody take rows of the past for news, and nobody a claim of theirs for his own.

    Hubs and pages hold newer versions than what was put back, and would wait for one that is newer
    still. Inside a transaction.
    """
    for model in apps.get_models():
        if issubclass(model, Revisioned):
            rows = model._default_manager.using(alias)
            rows.update(revision=Greatest(F("revision") + 1, Value(now)))
    FeedState.objects.using(alias).update(
        version=Greatest(F("version") + 1, Value(now)), lease_until=0, claim=F("claim") + _CLAIMS
    )


def make_room(source: str, target: str, now: int) -> None:
    """On PostgreSQL, partitions for the days of the source's samples."""
    if connections[target].vendor == "postgresql":
        with connections[source].cursor() as cursor:
            table = Sample._meta.db_table
            cursor.execute(f"SELECT DISTINCT ts / {DAY} FROM {table}")  # noqa: S608
            partitions.make_for({day for (day,) in cursor.fetchall()}, now, target)


def _empty(connection: BaseDatabaseWrapper) -> None:
    names = [connection.ops.quote_name(model._meta.db_table) for model in tables()]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # First, as whoever records does: or the two wait for each other.
            cursor.execute("LOCK TABLE widgets_feedstate IN ACCESS EXCLUSIVE MODE")
            cursor.execute(f"TRUNCATE {', '.join(names)}")
        else:
            for name in names:
                cursor.execute(f"DELETE FROM {name}")  # noqa: S608


def _copy(model: Model, source: str, target: str) -> int:
    fields = model._meta.concrete_fields
    # In the order of the key, in which a clustered table is built without moving anything.
    found = model._base_manager.using(source).order_by("pk")
    rows = found.values_list(*(field.attname for field in fields)).iterator(_ROWS)
    return _insert(connections[target], model, _prepared(rows, fields, connections[target]))


def _prepared(
    rows: Iterator[tuple[Any, ...]],
    fields: Sequence[models.Field[Any, Any]],
    connection: BaseDatabaseWrapper,
) -> Iterator[Sequence[Any]]:
    """The rows as the driver wants them. Numbers are left as they are: of those there are many."""
    changes = [
        (place, change)
        for place, field in enumerate(fields)
        if (change := _change(field, connection)) is not None
    ]
    if not changes:
        yield from rows
        return
    for row in rows:
        values = list(row)
        for place, change in changes:
            values[place] = change(values[place])
        yield values


def _change(
    field: models.Field[Any, Any], connection: BaseDatabaseWrapper
) -> Callable[[Any], Any] | None:
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    if isinstance(field, _AS_THEY_ARE):
        return None
    if isinstance(field, models.CharField | models.TextField):
        # SQLite takes what PostgreSQL refuses.
        return lambda value: None if value is None else clean_text(value)
    return lambda value: field.get_db_prep_save(value, connection)


def _insert(connection: BaseDatabaseWrapper, model: Model, rows: Iterator[Sequence[Any]]) -> int:
    quote, fields = connection.ops.quote_name, model._meta.concrete_fields
    into = f"{quote(model._meta.db_table)} ({', '.join(quote(str(f.column)) for f in fields)})"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _insert_by_copy(cursor, into, rows)
        count, marks = 0, ", ".join(["%s"] * len(fields))
        while chunk := list(islice(rows, _ROWS)):
            cursor.executemany(f"INSERT INTO {into} VALUES ({marks})", chunk)  # noqa: S608
            count += len(chunk)
    return count


def _insert_by_copy(cursor: Any, into: str, rows: Iterator[Sequence[Any]]) -> int:
    count = 0
    try:
        with cursor.db.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
                count += 1
    except DataError as error:
        # With the table, the line and the column, and without what stands there.
        raise DataError(str(error).partition(': "')[0]) from None
    return count
