"""The whole wall in one file, and back, while it runs. The file is an SQLite database always.

So a backup of a wall on PostgreSQL can be restored on SQLite, and the other way round.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from widgets import clock
from widgets.copying import Model, file, make_room, opened, pour, settle, tables
from widgets.models import Process

ALIAS = "backup"
OURS = ("widgets", "0001_initial")
# PostgreSQL ends a transaction that is idle; this one waits for a file.
PATIENT = "SET LOCAL idle_in_transaction_session_timeout = 0"


class BadBackup(Exception):
    """The file cannot be restored, and nothing was changed; a sentence says why."""


def write(path: Path) -> None:
    """Write the database as it is at one moment into a new file, readable by nobody else.

    DatabaseError, OSError; what is in the file then is worth nothing.
    """
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        with closing(sqlite3.connect(path)) as copy:
            # In one step: all pages are of one moment, and nobody who writes waits.
            connection.connection.backup(copy)
    else:
        _write_rows(path)
    with closing(sqlite3.connect(path)) as copy:
        # One file, not three.
        copy.execute("PRAGMA journal_mode=DELETE")
    if problem := _damage(path):
        raise DatabaseError(f"the database is damaged: {problem}")


def _write_rows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as new:
        # To be chosen before the first table; see the migrate command.
        new.executescript("PRAGMA auto_vacuum=INCREMENTAL; VACUUM;")
    with opened(ALIAS, file(path)):
        call_command("migrate", database=ALIAS, verbosity=0, interactive=False)
        with transaction.atomic(), transaction.atomic(using=ALIAS):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                cursor.execute(PATIENT)
            pour("default", ALIAS)


def restore(path: Path) -> Mapping[Model, int]:
    """Put what the file holds in the place of everything; how many rows by model.

    Everything that can be wrong with the file is found on a copy, before anything is touched:
    BadBackup. Processes that run see the past as news; see `copying.settle`.
    """
    with _current(path) as copy, opened(ALIAS, file(copy)):
        counts = {model: model._base_manager.using(ALIAS).count() for model in tables()}
        if connection.vendor == "sqlite":
            _replace_file(copy)
        else:
            _replace_rows()
    return counts


@contextmanager
def _current(path: Path) -> Iterator[Path]:
    """A copy of the file, found to be whole, with the tables of today."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=settings.DATA_DIR) as folder:
        copy = Path(folder) / "copy.sqlite3"
        _read(path, copy)
        if problem := _damage(copy):
            raise BadBackup(f"{path} is damaged: {problem}")
        with opened(ALIAS, file(copy)):
            _check_migrations(path)
            try:
                call_command("migrate", database=ALIAS, verbosity=0, interactive=False)
                # Those that ran then.
                Process.objects.using(ALIAS).all().delete()
            except DatabaseError as error:
                raise BadBackup(f"{path} cannot be brought up to date: {error}") from None
        yield copy


def _read(path: Path, copy: Path) -> None:
    try:
        with path.open("rb") as given:
            if given.read(16) != b"SQLite format 3\0":
                raise BadBackup(f"{path} is no backup: it is not an SQLite database")
        address = f"file:{quote(str(path.absolute()))}?mode=ro"
        there, here = sqlite3.connect(address, uri=True), sqlite3.connect(copy)
        with closing(there), closing(here):
            there.backup(here)
            here.execute("PRAGMA journal_mode=DELETE")
    except OSError as error:
        raise BadBackup(f"{path} cannot be read: {error.strerror}") from None
    except sqlite3.Error as error:
        raise BadBackup(f"{path} is damaged: {error}") from None


def _damage(path: Path) -> str:
    """What SQLite finds wrong in the file; "" for nothing."""
    try:
        with closing(sqlite3.connect(path)) as copy:
            # As many as there are: SQLite 3.40 takes each row of a table WITHOUT ROWID for one
            # that has NULL where it may not.
            for (found,) in copy.execute("PRAGMA integrity_check(2000000000)"):
                if found != "ok" and not found.startswith("NULL value in "):
                    return " ".join(found.split())
    except sqlite3.Error as error:
        return str(error)
    return ""


def _check_migrations(path: Path) -> None:
    loader = MigrationLoader(None)
    try:
        applied = set(MigrationRecorder(connections[ALIAS]).applied_migrations())
    except DatabaseError:  # Somebody else's table of that name.
        applied = set()
    if OURS not in applied:
        raise BadBackup(f"{path} is no backup: it is an SQLite database of something else")
    if unknown := sorted(applied - set(loader.disk_migrations)):
        raise BadBackup(
            f"{path} is of a newer Watchwall: it has the migration {'.'.join(unknown[0])}, which "
            "this one lacks; restore it with that version or a later one"
        )


def _replace_file(copy: Path) -> None:
    connection.ensure_connection()
    with closing(sqlite3.connect(copy)) as there:
        # Into the database and not over its file, which others have open: it takes the write lock,
        # and they see all of it or nothing.
        there.backup(connection.connection)
    with transaction.atomic():
        settle("default", clock.now())


def _replace_rows() -> None:
    call_command("migrate", verbosity=0, interactive=False)
    make_room(ALIAS, "default", clock.now())
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(PATIENT)
        pour(ALIAS, "default")
        settle("default", clock.now())
