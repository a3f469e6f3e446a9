"""What an error of the database means for who wanted to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from django.db import InterfaceError, OperationalError

# away: not now, and perhaps in a moment. full: not until somebody makes room. other: never.
Meaning = Literal["away", "full", "other"]

# By the first two characters of an SQLSTATE: the connection, deadlocks, resources (memory,
# connections), the operator (shut down, starting up).
_AWAY = {"08", "40", "53", "57"}
# A lock that was not to be had, a standby, a transaction that was ended because we were frozen.
_AWAY_EXACTLY = {"55P03", "25006", "25P03"}
_FULL = "53100"
# SQLite: BUSY, LOCKED, READONLY, IOERR, CANTOPEN, PROTOCOL; FULL.
_SQLITE_AWAY = {5, 6, 8, 10, 14, 15}
_SQLITE_FULL = 13


def meaning(error: BaseException) -> Meaning:
    """Read from what the driver said, which Django's error has as its cause."""
    cause = error.__cause__ or error
    if (code := getattr(cause, "sqlite_errorcode", None)) is not None:
        # Above the lowest byte it says more exactly what.
        return _of_sqlite(code & 0xFF)
    if state := getattr(cause, "sqlstate", None):
        return _of_postgresql(state)
    # No connection, or none any more: nobody was there to give a code.
    return "away" if isinstance(error, InterfaceError | OperationalError) else "other"


def _of_sqlite(code: int) -> Meaning:
    if code == _SQLITE_FULL:
        return "full"
    return "away" if code in _SQLITE_AWAY else "other"


def _of_postgresql(state: str) -> Meaning:
    if state == _FULL:
        return "full"
    return "away" if state[:2] in _AWAY or state in _AWAY_EXACTLY else "other"


def pauses() -> Iterator[float]:
    """How long to wait before each further try (s): short at first, for a deadlock or a restart."""
    pause = 0.05
    while True:
        yield pause
        pause = min(2 * pause, 1.0)
