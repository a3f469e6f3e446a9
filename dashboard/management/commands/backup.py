"""`manage.py backup FILE|-`: the whole wall in one file, while it runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, connection

from dashboard.ready import check_migrated, database_name
from widgets import backup


class Command(BaseCommand):
    help = "Write everything the wall holds into one file, while it runs. See also: restore."
    # A backup comes before an upgrade.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="where to write it; - for standard output")
        parser.add_argument("--force", action="store_true", help="overwrite a file that is there")

    def handle(self, *args: Any, **options: Any) -> None:
        given = options["file"]
        try:
            _check()
            if given == "-":
                _to_output()
                return
            size = _to_file(Path(given), force=options["force"])
        except (DatabaseError, sqlite3.Error) as error:
            raise CommandError(f"{database_name()} cannot be backed up: {error}") from None
        except OSError as error:
            raise CommandError(f"{given} cannot be written: {error.strerror}") from None
        self.stdout.write(f"{given}: {size:,} bytes. It holds password hashes and sessions.")


def _check() -> None:
    if connection.vendor != "sqlite":
        check_migrated()  # Its rows are read by what this code knows of them.
    elif "django_migrations" not in connection.introspection.table_names():
        raise CommandError(f"{database_name()} has no tables yet: there is nothing to back up.")


def _to_file(path: Path, *, force: bool) -> int:
    """Write beside the file and rename, so that there is never half a backup; its size."""
    if path.exists() and not force:
        raise CommandError(f"{path} is there already; name another file, or add --force.")
    # It makes the file for us alone to read.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        backup.write(Path(name))
        os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise
    finally:
        os.close(handle)
    return path.stat().st_size


def _to_output() -> None:
    if sys.stdout.isatty():
        raise CommandError("A backup is nothing to read on a terminal; name a file, or use a pipe.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "backup.sqlite3"
        backup.write(path)
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
    sys.stdout.buffer.flush()
