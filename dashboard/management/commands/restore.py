"""`manage.py restore FILE`: what a backup holds in the place of everything, while the wall runs."""

from __future__ import annotations

import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError

from dashboard.models import Dashboard
from dashboard.ready import database_name
from widgets.backup import BadBackup, restore
from widgets.models import Feed, Sample


class Command(BaseCommand):
    help = "Put what a backup holds in the place of everything, while the wall runs."
    # There may be no database yet: that is when one restores.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="what `backup` wrote, by this or an older version"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        try:
            rows = restore(path)
        except BadBackup as error:
            raise CommandError(f"{error}. Nothing was changed.") from None
        except (DatabaseError, sqlite3.Error) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise CommandError(f"{database_name()} cannot be restored: {reason}") from None
        except OSError as error:
            raise CommandError(f"{path} was not restored: {error.strerror}") from None
        self.stdout.write(
            f"Restored {rows[Dashboard]:,} dashboards, {rows[Feed]:,} feeds "
            f"and {rows[Sample]:,} samples from {path}."
        )
