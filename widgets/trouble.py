"""Whether this process can write to the database: what its last tries came to.

Told by whoever writes for the whole process, the writer and the pulse; asked by the walls, which
say so to people. In a process that writes nothing but its own row, that row tells.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from widgets import clock
from widgets.clock import SECOND
from widgets.outage import Meaning

# One that could not write and has not tried again for so long says nothing any more; µs.
REMEMBERED = 30 * SECOND

SAID = {
    "full": "the disk of the database is full",
    "away": "the database is away or busy",
    "other": "the database refuses; the server's log has the reason",
}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing can be written, since when, and when it was last tried in vain; µs."""

    meaning: Meaning
    since: int
    last: int

    @property
    def said(self) -> str:
        return SAID[self.meaning]


_lock = threading.Lock()
_troubles: dict[str, Trouble] = {}


def failed(who: str, meaning: Meaning, now: int | None = None) -> None:
    """A try of this writer came to nothing."""
    now = clock.now() if now is None else now
    with _lock:
        before = _troubles.get(who)
        lasts = before is not None and _lasts(before, now)
        _troubles[who] = Trouble(meaning, before.since if before and lasts else now, now)


def wrote(who: str) -> None:
    """It can write."""
    if who in _troubles:
        with _lock:
            _troubles.pop(who, None)


def standing(now: int) -> Trouble | None:
    """The trouble that lasts, the oldest if there are several."""
    with _lock:
        lasting = [one for one in _troubles.values() if _lasts(one, now)]
    return min(lasting, key=lambda one: one.since, default=None)


def _lasts(one: Trouble, now: int) -> bool:
    return now - one.last < REMEMBERED
