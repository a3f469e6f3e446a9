"""Who listens: one process of the wall, and when it dies another."""

from __future__ import annotations

import time

from django.db.models import QuerySet

from widgets.clock import SECOND
from widgets.models import Duty
from widgets.turns import writing

NAME = "listen"
LASTS = 8 * SECOND
RENEWED_EVERY = 2 * SECOND


class Lease:
    """The right to listen, as this process has it or not.

    The row says when it was last renewed, which is known to whoever did: who finds another moment
    there has lost it. What two who listen at a time store is there once all the same.
    """

    def __init__(self) -> None:
        # What we wrote, or may have: the answer to a commit can be lost.
        self._marks: list[int] = []
        self._held_until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether another may have it by now, by this process's own clock alone."""
        return time.monotonic() > self._held_until

    def hold(self, now: int) -> bool:
        """Take it or keep it, and say whether it is ours. It queries."""
        if self._marks and abs(now - self._marks[-1]) < RENEWED_EVERY and not self.is_over:
            return True
        if self._marks:
            if self._write(now, Duty.objects.filter(name=NAME, done__in=self._marks)):
                return True
            self._marks = []
            return False
        Duty.objects.get_or_create(name=NAME)
        # One that is held in the future was held before the clock was set back.
        free = Duty.objects.filter(name=NAME).exclude(done__gt=now - LASTS, done__lte=now + LASTS)
        # Looked for first: on SQLite a write that changes nothing waits for all others, too.
        return free.exists() and self._write(now, free)

    def _write(self, now: int, whose: QuerySet[Duty]) -> bool:
        until = time.monotonic() + LASTS / SECOND
        held = [*self._marks]
        self._marks.append(now)
        with writing():
            mine = bool(whose.update(done=now))
        self._marks = [now] if mine else held
        self._held_until = until if mine else self._held_until
        return mine

    def release(self) -> None:
        """Leave it to another at once."""
        marks, self._marks = self._marks, []
        if marks:
            with writing():
                Duty.objects.filter(name=NAME, done__in=marks).update(done=0)
