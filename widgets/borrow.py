"""Database connections of threads that live long and ask now and then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError, close_old_connections, connection


@contextmanager
def borrowed() -> Iterator[None]:
    """Around one piece of work: a connection from the pool goes back to it afterwards.

    A thread that kept it while it waits for its next work would hold a slot for nothing, and a
    dozen such threads are a pool from which nobody gets anything. Without a pool (SQLite) the
    thread keeps its connection, and one that broke is closed.
    """
    close_old_connections()
    try:
        yield
    except (InterfaceError, OperationalError):
        _drop_broken()
        raise
    finally:
        close_old_connections()


def _drop_broken() -> None:
    """Let nobody else find out one by one that a restart has broken every idle connection: whoever
    asks the pool for one pauses after each that is broken, 1 s, 2 s and so on."""
    connection.close()
    if pool := getattr(connection, "pool", None):
        pool.check()
