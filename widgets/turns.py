"""Who of this process may write to the database now: one after another, in the order they came."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django.db import connection


class Turns:
    """A lock whose waiters go in turn.

    SQLite has one writer at a time, and whoever finds it busy sleeps and looks again, up to 100 ms
    apart: under load the ticker lost its turn to the writer for seconds. A plain lock is no better,
    since the thread that lets go of it takes it again before another wakes up.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn; not to be nested."""
        mine = threading.Event()
        with self._lock:
            if self._taken:
                self._waiting.append(mine)
            else:
                self._taken = True
                mine.set()
        mine.wait()
        try:
            yield
        finally:
            with self._lock:
                if self._waiting:
                    self._waiting.popleft().set()
                else:
                    self._taken = False


_turns = Turns()


def writing() -> AbstractContextManager[None]:
    """Around what a thread of the background writes. On PostgreSQL nobody waits: rows are locked
    there, and not the database."""
    return _turns.turn() if connection.vendor == "sqlite" else nullcontext()
