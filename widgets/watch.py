"""Somebody watches: what makes a feed be asked more often.

Web processes say every 5 s which feeds are on open pages; what was said holds for three times as
long, so one that dies keeps no feed fast. It stands in the feed's state, where the claim finds it.
"""

from __future__ import annotations

from collections.abc import Collection

from django.db import models, transaction

from widgets import schedule
from widgets.cadence import WATCHED, is_watched
from widgets.models import FeedState
from widgets.turns import writing

COLUMNS = ("watched_since", "watched_until", "next_due", "feed__interval")


def watch(feeds: Collection[int], now: int) -> dict[int, int]:
    """Say that somebody watches these feeds; since when somebody does (µs), by feed.

    Only of those that are asked more often for it. One that nobody watched before is asked at
    once, unless its turn comes within its interval anyway, and judged by its interval.
    """
    with writing(), transaction.atomic():
        states = _locked(feeds)
        fresh = [one for one in states if not is_watched(one.watched_until, now)]
        far = [one for one in fresh if (one.next_due or 0) > now + (one.feed.interval or 0)]
        _of(states).update(watched_until=now + WATCHED)
        _of(fresh).update(watched_since=now, judge_at=now)
        _of(far).update(next_due=now)
    if fresh:
        schedule.poke()
    return {one.pk: one.watched_since for one in states} | {one.pk: now for one in fresh}


def _locked(feeds: Collection[int]) -> list[FeedState]:
    # In the order in which everybody locks feeds.
    rows = FeedState.objects.select_for_update(of=("self",)).order_by("pk")
    wanted = rows.filter(pk__in=feeds, feed__unwatched__isnull=False)
    return list(wanted.select_related("feed").only(*COLUMNS))


def _of(states: Collection[FeedState]) -> models.QuerySet[FeedState]:
    return FeedState.objects.filter(pk__in=[one.pk for one in states])
