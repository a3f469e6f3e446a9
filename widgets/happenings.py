"""The events of some feeds, as pictures need them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db.models import Q

from widgets.kinds import Happening
from widgets.models import Event

# Of each feed, the newest: a check that flaps for a month has more than anybody reads.
MOST = 2_000


def load(feeds: Iterable[int], since: int) -> dict[int, Sequence[Happening]]:
    """By feed, what goes on or ended after `since` (µs), the newest first; one query a feed."""
    return {feed: _of(feed, since) for feed in feeds}


def _of(feed: int, since: int) -> list[Happening]:
    found = Event.objects.filter(Q(end=None) | Q(end__gte=since), feed=feed)
    rows = found.order_by("-start").values_list(
        *("feed__name", "series__name", "axis", "what", "start", "end", "value"),
        *("series__unit", "text"),
    )
    return [
        Happening(
            key=f"{name}/{series}" if series else "",
            feed=name,
            series=series or "",
            axis=axis,
            what=what,
            start=start,
            end=end,
            value=value,
            unit=unit or "",
            text=text,
        )
        for name, series, axis, what, start, end, value, unit, text in rows[:MOST]
    ]
