"""The database that DATABASE_URL names, as Django wants it described: SQLite or PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

_EXAMPLE = "postgres://user:password@host:5432/name"
# Of one process besides Huey's workers: writer, ticker, pulse and hub, what listens to streams
# (two), and four pages at a time. More pages than that wait for each other.
BESIDES_WORKERS = 10


def database(url: str, folder: Path, workers: int, durable: str) -> dict[str, Any]:
    """Django's description of the database at `url`; errors never show its password.

    `folder`: where tests may put a file. `workers`: Huey's threads, each of which asks it.
    `durable`: what a commit survives, `process` or `power`; "": what is usual with that database.
    """
    # Not urlsplit's scheme: a password with a bracket in it makes that fail.
    scheme = url.partition(":")[0].lower()
    if scheme == "sqlite":
        return _sqlite(url, folder, durable)
    if scheme in {"postgres", "postgresql"}:
        return _postgresql(url, workers, durable)
    raise ImproperlyConfigured(
        f"DATABASE_URL begins with {scheme[:20]!r}; it takes sqlite:///path/to/file or {_EXAMPLE}"
    )


def _sqlite(url: str, folder: Path, durable: str) -> dict[str, Any]:
    # NORMAL writes and leaves it to the system when that is on the disk; FULL waits for it.
    synchronous = "FULL" if durable == "power" else "NORMAL"
    return {
        "ENGINE": "django.db.backends.sqlite3",
        # As everywhere: three slashes before an absolute path on Unix would be four by the letter.
        "NAME": "/" + unquote(urlsplit(url).path).lstrip("/"),
        "CONN_MAX_AGE": None,
        # A file and not memory: threads of one process share a memory database table by table.
        "TEST": {"NAME": folder / "test.sqlite3"},
        "OPTIONS": {
            # DEFERRED loses most read-then-write transactions to "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            # Nothing here may need the lock of who writes: each new thread would wait for it.
            "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};",
        },
    }


def _postgresql(url: str, workers: int, durable: str) -> dict[str, Any]:
    given = _parameters(url)
    if durable == "process":
        given["options"] = f"{given.get('options', _OPTIONS['options'])} -c synchronous_commit=off"
    place = {name: given.pop(name, "") for name in ("dbname", "user", "password", "host", "port")}
    if not place["dbname"] and "service" not in given:
        raise ImproperlyConfigured(f"DATABASE_URL names no database; it takes {_EXAMPLE}")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": place["dbname"],
        "USER": place["user"],
        "PASSWORD": place["password"],
        "HOST": place["host"],
        "PORT": place["port"],
        # A pool refuses any other age. What a thread has used goes back to the pool.
        "CONN_MAX_AGE": 0,
        # Otherwise the pool hands out connections that ended with a restart of the server.
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": _OPTIONS | given | {"pool": _pool(workers)},
    }


def _parameters(url: str) -> dict[str, Any]:
    # Here and not above: who has no PostgreSQL need not wait for it.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = dict(conninfo_to_dict(url))
        # A slash in a password makes the rest of it the port, which is looked at, and quoted in
        # the error, only when somebody connects.
        if not re.fullmatch(r"[\d,]*", str(found.get("port", ""))):
            raise ProgrammingError
    except ProgrammingError:
        # What psycopg says may quote a part of the password.
        raise ImproperlyConfigured(
            f"DATABASE_URL is no address of a PostgreSQL; it takes {_EXAMPLE}?sslmode=require, "
            "with %40 for an @ and %2F for a slash in the password, and only options that "
            "PostgreSQL knows"
        ) from None
    return found


# libpq waits two minutes for a machine that is gone, and for one that falls silent for ever.
_OPTIONS = {
    "application_name": "watchwall",
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
    # A process that was frozen within a commit holds its feeds no longer than this.
    "options": "-c idle_in_transaction_session_timeout=30s",
}


def _pool(workers: int) -> dict[str, Any]:
    return {
        "min_size": 1,
        "max_size": workers + BESIDES_WORKERS,
        "timeout": 3,
        # The pause between two attempts doubles up to the length of the outage. One that gives up
        # early is begun anew by whoever next asks for a connection, so it is back in 2 s.
        "reconnect_timeout": 2,
        # Grown for a rush, given back when it is over.
        "max_idle": 60,
    }
