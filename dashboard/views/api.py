"""What is known of feeds, for machines: with a reading token, or signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from widgets import clock
from widgets.clock import DAY, HOUR, MINUTE, SECOND, parse_duration
from widgets.facts import facts
from widgets.history import MOST, load, step_for
from widgets.judge import freshness_at
from widgets.models import Feed
from widgets.push import tokens
from widgets.snapshot import FeedNow, SeriesNow, load_series
from widgets.snapshot import from_rows as feed_now

MOST_LISTED = 1_000
# As many series as one answer holds points of.
MOST_SERIES = 100
May = Callable[[str], bool]


class Refused(Exception):
    """The answer to whoever may not, or asked wrongly."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def answered(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """A view of data: JSON, an error as a sentence, and only to who may."""

    @require_safe
    @never_cache
    def wrapped(request: HttpRequest, **given: str) -> HttpResponse:
        try:
            found = view(request, _who_asks(request), **given)
        except Refused as error:
            response = JsonResponse({"error": str(error)}, status=error.status)
            if error.status == 401:
                response.headers["WWW-Authenticate"] = 'Bearer realm="Watchwall"'
            return response
        return JsonResponse(found, encoder=DjangoJSONEncoder)

    return wrapped


def _who_asks(request: HttpRequest) -> May:
    """Which feeds may be read: those of the token, or all by who is signed in."""
    headers = {"authorization": request.headers.get("Authorization", "")}
    query = {key: str(value) for key, value in request.GET.items()}
    token = tokens.presented(headers, query, ("token",))
    if token:
        grant = tokens.look_up(token) if len(token) <= tokens.LONGEST else None
        if grant is None:
            raise Refused(401, "this token is not known here, or was revoked")
        if not grant.may_read:
            raise Refused(403, f'the token "{grant.name}" may not read back')
        now = clock.now()
        if now - (grant.used or 0) >= MINUTE:
            tokens.note_use(grant, now)
        return grant.covers
    if request.user.is_authenticated and request.user.is_active:
        return lambda feed: True
    raise Refused(401, "a token that may read back is needed, or to be signed in")


@answered
def feeds(request: HttpRequest, may: May) -> dict[str, Any]:
    """The feeds by name, without their series; `?after=` goes on behind a name."""
    after = request.GET.get("after", "")
    found = Feed.objects.select_related("now").filter(name__gt=after).order_by("name")
    now = clock.now()
    shown: list[dict[str, Any]] = []
    for feed in found.iterator(chunk_size=MOST_LISTED):
        if len(shown) == MOST_LISTED:
            return {"feeds": shown, "next": shown[-1]["name"]}
        if may(feed.name):
            shown.append(_feed(feed_now(feed, now), now) | {"state": feed.now.state})
    return {"feeds": shown, "next": None}


@answered
def feed(request: HttpRequest, may: May, name: str) -> dict[str, Any]:
    """The last reading of a feed, with what it means and whether to believe it."""
    row = _found(name, may)
    now = clock.now()
    shown = feed_now(row, now)
    series = load_series([row.pk])[row.pk].values()
    return {
        **_feed(shown, now),
        "state": row.now.state,
        "series": [_series(shown, one, now) for one in series],
        "rows": shown.rows,
        "text": shown.text,
        "notes": shown.notes,
        "asked": _asked(row, now),
    }


@answered
def samples(request: HttpRequest, may: May, name: str) -> dict[str, Any]:
    """The points of a feed's series between two moments, 600 each at most.

    `from` and `to`: seconds since 1970, or a span before now (`6h`); `step`: the least distance
    of two points; `series`: a name, as often as there are.
    """
    row = _found(name, may)
    now = clock.now()
    start = _moment(request.GET.get("from", "1h"), "from", now)
    end = _moment(request.GET.get("to", "0"), "to", now)
    if start >= end:
        raise Refused(400, "from: it is not before to")
    if end - start > 10 * 366 * DAY:
        raise Refused(400, "from: more than ten years at once")
    step = _span(request.GET.get("step", "0"), "step")
    wanted = set(request.GET.getlist("series"))
    series = [
        one for one in load_series([row.pk])[row.pk].values() if not wanted or one.name in wanted
    ]
    if len(series) > MOST_SERIES:
        raise Refused(400, f"series: {len(series):,}; name {MOST_SERIES} at most")
    windows = load([one.id for one in series], start, end, max(step_for(end - start), _table(step)))
    most = max(2, min(MOST, (end - start) // step)) if step else MOST
    return {
        "name": row.name,
        "from": start / SECOND,
        "to": end / SECOND,
        "series": [
            {
                "name": one.name,
                "unit": one.unit,
                "points": [
                    [ts / SECOND, value] for ts, value in windows[one.id].points(start, end, most)
                ],
            }
            for one in series
        ],
    }


def _found(name: str, may: May) -> Feed:
    """The feed; who may not read it does not learn whether it is there."""
    row = Feed.objects.select_related("now").filter(name=name).first() if may(name) else None
    if row is None:
        raise Refused(404, f'there is no feed "{name[:80]}" that may be read')
    return row


def _feed(shown: FeedNow, now: int) -> dict[str, Any]:
    return {
        "name": shown.name,
        "source": shown.source,
        "version": shown.version,
        "freshness": freshness_at(_since(shown, shown), shown.promise, shown.failed, now),
        "time": _seconds(shown.at),
        "error": shown.error or None,
    }


def _series(shown: FeedNow, one: SeriesNow, now: int) -> dict[str, Any]:
    lost = one.lost is not None
    return {
        "name": one.name,
        "value": one.value,
        "unit": one.unit,
        "time": _seconds(one.at),
        "state": one.state,
        "freshness": freshness_at(_since(shown, one), shown.promise, shown.failed, now, lost),
        "message": one.message or None,
    }


def _asked(row: Feed, now: int) -> dict[str, Any] | None:
    """How the asking of a feed goes, spans and moments in seconds; None: nobody asks it."""
    known = facts(row, now)
    if not known.schedule:
        return None
    return {
        "schedule": known.schedule,
        "next": _seconds(known.next_run),
        "late_by": _seconds(known.lateness),
        "took": _seconds(known.duration),
        "last_error": known.last_error or None,
        "last_error_time": _seconds(known.last_error_at),
    }


def _since(feed: FeedNow, one: FeedNow | SeriesNow) -> int | None:
    return feed.promise.since(one.at, one.arrived)


def _seconds(moment: int | None) -> float | None:
    return None if moment is None else moment / SECOND


def _table(step: int) -> int:
    """The width of the buckets that serve a step."""
    return next((width for width in (HOUR, MINUTE) if step >= width), 0)


def _moment(given: str, name: str, now: int) -> int:
    """A moment in µs. A bare number that would be before 2001 is a span before now."""
    span = _span(given, name)
    bare = given.strip()[-1:].isdigit()
    found = span if bare and span >= 1_000_000_000 * SECOND else now - span
    if not 0 <= found < 2**62:
        raise Refused(400, f"{name}: {given[:40]!r} is no moment that a wall knows")
    return found


def _span(given: str, name: str) -> int:
    try:
        found = parse_duration(given)
    except ValueError:
        raise Refused(
            400, f"{name}: {given[:40]!r} is neither seconds since 1970 nor a span such as 6h"
        ) from None
    if found < 0:
        raise Refused(400, f"{name}: it is less than nothing")
    return found
