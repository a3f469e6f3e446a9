"""How the asking of a feed goes: what pages, the API and `manage.py feed` say of it."""

from __future__ import annotations

from dataclasses import dataclass

from widgets.cadence import is_watched
from widgets.models import Feed


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one feed. Moments and spans in µs; None: there was none, or there will be none.

    `schedule`: as people say it, "" where nobody asks; `watched`: whether somebody watches, and it
    is asked more often for that. `next_run`: what is before now was not claimed yet. `under_way`:
    somebody has it at the moment. `lateness`: how long after its moment the last fetch began;
    `duration`: how long that took. `error`: of the last fetch, "" if it was good. `last_error`:
    the newest there ever was.
    """

    schedule: str
    watched: bool
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
    watched = feed.unwatched is not None and is_watched(state.watched_until, now)
    next_run = state.next_due
    if next_run == state.lease_until:
        # Due then only if nothing comes of whoever has it.
        next_run = feed.cadence.next_run(now, watched)
    return Facts(
        schedule=str(feed.cadence),
        watched=watched,
        next_run=None if feed.paused else next_run,
        under_way=state.lease_until > now,
        lateness=state.lateness,
        duration=state.duration,
        error=state.error,
        failing_since=state.failing_since,
        last_error=state.last_error,
        last_error_at=state.last_error_at,
    )
