"""When a feed is asked: every so often, or by a calendar. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from widgets import cron
from widgets.clock import MINUTE, SECOND, format_duration

# Somebody watches a feed for so long after it was last said; three beats of a process.
WATCHED = 15 * SECOND
# The clocks of two machines may be apart by a minute. From further ahead nobody can have said it:
# the clock was set back, and nobody knows.
MOST_WATCHED = WATCHED + MINUTE


def is_watched(until: int, now: int) -> bool:
    """Whether somebody watches, as of what was last said (both µs)."""
    return 0 < until - now <= MOST_WATCHED


@dataclass(frozen=True, slots=True)
class Cadence:
    """What people set of one feed, by its id. Spans in µs.

    `unwatched`: the interval while nobody watches, if it is another one then. `cron`: the five
    fields of a calendar, in the time zone `zone`; "" where there is an interval, or nothing.
    """

    feed: int
    interval: int | None = None
    unwatched: int | None = None
    cron: str = ""
    zone: str = "UTC"

    def __bool__(self) -> bool:
        """Whether it is asked at all."""
        return bool(self.cron or self.interval)

    def every(self, watched: bool) -> int | None:
        """The interval that holds; None: a calendar, or nothing."""
        if self.cron:
            return None
        return self.interval if watched or self.unwatched is None else self.unwatched

    def next_run(self, after: int, watched: bool) -> int | None:
        """The first moment after `after` at which it is to be asked (both µs); None: never."""
        if self.cron:
            return cron.next_run(self.cron, self.zone, after)
        every = self.every(watched)
        return _slot(self.feed, every, after) if every else None

    def usual_gap(self, now: int) -> int | None:
        """About how far its readings are apart when nobody watches, µs."""
        if not self.cron:
            return self.every(watched=False)
        first = self.next_run(now, watched=False)
        second = first and self.next_run(first, watched=False)
        return second - first if first and second else None

    def __str__(self) -> str:
        """As people say it: `every 10 s`; "" if its readings come by themselves."""
        if self.cron:
            return f"{self.cron} {self.zone}"
        if not self.interval:
            return ""
        if self.unwatched is None:
            return f"every {format_duration(self.interval)}"
        fast, slow = format_duration(self.interval), format_duration(self.unwatched)
        return f"every {fast} while watched, else {slow}"


def _slot(feed: int, every: int, after: int) -> int:
    """On the grid of the interval, shifted by a hash of the feed's id: as the claim's SQL says."""
    offset = feed * 40503 % 65536 * every // 65536
    return ((after - offset) // every + 1) * every + offset
