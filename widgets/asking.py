"""Having a feed asked now, whatever its schedule says."""

from __future__ import annotations

from widgets import schedule
from widgets.models import Feed, FeedState
from widgets.sources import sources


class NotAsked(Exception):
    """It cannot be asked now; the message is a sentence that says why."""


def ask_now(feed: Feed, now: int) -> bool:
    """Make a feed due, so that a consumer of its machine claims it within a second.

    False: it is being asked at this moment, and never twice at a time. NotAsked: nobody would
    ever come for it. For any process; the rest of its schedule stays as it is.
    """
    if feed.source not in sources or sources[feed.source].mode != "polled":
        raise NotAsked(f'"{feed}" is not asked: its readings come by themselves')
    if feed.paused:
        raise NotAsked(f'"{feed}" is paused; let it go on first')
    free = FeedState.objects.filter(pk=feed.pk, lease_until__lte=now)
    if not free.update(next_due=now):
        return False
    schedule.poke()
    return True
