"""`manage.py move --to postgres://…`: from SQLite to PostgreSQL, with all history."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError
from django.db import DatabaseError, connection

from dashboard.ready import check_migrated
from watchwall.database import database
from widgets import clock
from widgets.moving import CannotMove, move


class Command(BaseCommand):
    help = (
        "Copy everything from SQLite to an empty PostgreSQL and compare it. SQLite is only read. "
        "Stop the wall before, or what it records meanwhile stays behind. A password that others "
        "on this machine must not see among the processes can stand in PGPASSWORD."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", required=True, metavar="URL", help="postgres://user@host/name")

    def handle(self, *args: Any, **options: Any) -> None:
        description = _description(options["to"])
        if connection.vendor != "sqlite":
            raise CommandError("This wall is not on SQLite; DATABASE_URL must name what to copy.")
        check_migrated()
        as_of, begun = clock.as_datetime(clock.now()), time.monotonic()
        try:
            digests = move(description)
        except CannotMove as error:
            raise CommandError(f"Nothing was moved: {error}.") from None
        except DatabaseError as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise CommandError(f"Nothing was moved: {reason}.") from None
        rows = {model._meta.db_table: digest.rows for model, digest in digests.items()}
        width = max(map(len, rows))
        for name, number in rows.items():
            self.stdout.write(f"{name:{width}} {number:>13,}")
        total, seconds = sum(rows.values()), time.monotonic() - begun
        self.stdout.write(
            f"{'together':{width}} {total:>13,} rows in {seconds:.1f} s, the same on both sides.\n"
            f"What was recorded after {as_of:%H:%M:%S} UTC is not among them. "
            "Set DATABASE_URL and start the wall again."
        )


def _description(url: str) -> dict[str, Any]:
    try:
        found = database(url, settings.DATA_DIR, settings.WORKERS, settings.DURABLE)
    except ImproperlyConfigured as error:
        raise CommandError(str(error).replace("DATABASE_URL", "--to")) from None
    if found["ENGINE"] != "django.db.backends.postgresql":
        raise CommandError("--to takes postgres://user:password@host:5432/name")
    # One connection is all it needs, and its errors say more than a pool's.
    found["OPTIONS"].pop("pool")
    return found
