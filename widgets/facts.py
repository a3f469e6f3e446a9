"""How the asking of a feed goes: what pages, the API and `manage.py feed` say of it."""

from __future__ import annotations

from dataclasses import dataclass

from widgets.clock import format_duration
from widgets.models import Feed


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one feed. Moments and spans in µs; None: there was none, or there will be none.

    `schedule`: as people say it, "" where nobody asks. `next_run`: what is before now was not
    claimed yet. `under_way`: somebody has it at the moment. `lateness`: how long after its moment
    the last fetch began; `duration`: how long that took. `error`: of the last fetch, "" if it was
    good. `last_error`: the newest there ever was.
    """

    schedule: str
    next_run: int | None
    under_way: bool
    lateness: int | None
    duration: int | None
    error: str
    failing_since: int | None
    last_error: str
    last_error_at: int | None


def facts(feed: Feed, now: int) -> Facts:
    """Of a feed that was read with its state (`select_related("now")`)."""
    state = feed.now
    return Facts(
        schedule=schedule(feed),
        next_run=None if feed.paused else state.next_due,
        under_way=state.lease_until > now,
        lateness=state.lateness,
        duration=state.duration,
        error=state.error,
        failing_since=state.failing_since,
        last_error=state.last_error,
        last_error_at=state.last_error_at,
    )


def schedule(feed: Feed) -> str:
    """When a feed is asked: `every 10 s`; "" if its readings come by themselves."""
    return f"every {format_duration(feed.interval)}" if feed.interval else ""
