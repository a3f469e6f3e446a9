"""Whether a process may start: the database is there, can be written, and is as new as the code."""

from __future__ import annotations

from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor


def migrate() -> None:
    """Bring the database up to date; CommandError, a sentence, if that cannot be."""
    try:
        _reach()
        call_command("migrate", verbosity=0, interactive=False)
        _write()
    except DatabaseError as error:
        raise _unusable(error) from None


def check_migrated() -> None:
    """CommandError, a sentence, if the database cannot be used or lacks a migration."""
    try:
        _reach()
        executor = MigrationExecutor(connection)
        lacking = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if not lacking:
            _write()
    except DatabaseError as error:
        raise _unusable(error) from None
    if lacking:
        raise CommandError(
            f"{database_name()} is older than this program: it lacks {len(lacking)} migrations. "
            "Run: manage.py migrate"
        )


def _reach() -> None:
    """A connection of our own, which says why it failed; the pool would say only that it waited."""
    if connection.vendor == "postgresql" and connection.connection is None:
        # Here and not above: who has no PostgreSQL need not wait for it.
        import psycopg

        with connection.wrap_database_errors:
            psycopg.connect(**connection.get_connection_params()).close()


def _write() -> None:
    """A database that can be read but not written would show a wall that never moves."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE widgets_process SET seen = seen WHERE 1 = 0")


def _unusable(error: DatabaseError) -> CommandError:
    remedy = (
        "Start it, or correct DATABASE_URL."
        if connection.vendor == "postgresql"
        else "Make its folder writable, or name another with WATCHWALL_DATA."
    )
    reason = " ".join(str(error).split()).rstrip(".?")
    return CommandError(f"{database_name()} cannot be used: {reason}. {remedy}")


def database_name() -> str:
    """What a person knows the database by; without its password."""
    given = settings.DATABASES["default"]
    where = f" at {given['HOST']}" if given.get("HOST") else ""
    return f"The database {given['NAME']}{where}"
