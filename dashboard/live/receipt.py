"""What a screen says it has painted: how far it is behind what it was handed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from widgets import processes
from widgets.clock import SECOND

# All that a page has to say; whatever else comes is a stranger's.
ANSWER = re.compile(r'\{"painted":([0-9]{1,16})\}')
# A page answers once a second, if anything came.
LEAST_BETWEEN = SECOND // 10


@dataclass(slots=True)
class Receipt:
    """Versions and moments in µs; on the server's loop only. As large after a year as at first.

    One version at a time is waited for: the newest of a moment when nothing was. So a screen that
    is asked for nothing new is never behind, and one that stops painting is so at once.
    """

    handed: int = 0
    painted: int = 0
    # When it last said anything.
    heard_at: int | None = None
    awaited: int = 0
    _since: int = 0

    def hand(self, version: int, now: int) -> None:
        """The screen was handed a picture of this version; it falls where a tile was removed."""
        self.handed = version
        if self.painted >= version:
            self.awaited = 0
        elif self.awaited:
            if version < self.awaited:
                self.awaited = version
        else:
            self.awaited, self._since = version, now

    def answer(self, text: str | None, now: int) -> bool:
        """Take in what the screen says; False, and nothing else, for what no page would say."""
        said = ANSWER.fullmatch(text or "")
        if said is None or (self.heard_at and 0 <= now - self.heard_at < LEAST_BETWEEN):
            processes.count("acks.refused")
            return False
        processes.count("acks")
        self.heard_at = now
        # One that claims to be ahead of us deceives nobody but itself.
        self.painted = min(int(said[1]), self.handed)
        if self.awaited and self.painted >= self.awaited:
            self.awaited, self._since = (self.handed, now) if self.handed > self.painted else (0, 0)
        return True

    def behind(self, now: int) -> int:
        """For how long it has not painted what it was handed, µs; 0 where it has."""
        return max(now - self._since, 0) if self.awaited else 0

    @property
    def versions_behind(self) -> int:
        """How much older the newest that it painted is than the newest handed, µs."""
        return self.handed - self.painted
