"""One feed: how it is, what it says, and what can be done with it. For staff."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import get_current_timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard.feeds import facts
from dashboard.feeds.condition import chips
from dashboard.feeds.places import files, history_of, places
from dashboard.views.detail import DEFAULT_SPAN, SPANS, chart, events, raw
from dashboard.views.feeds import pulse
from dashboard.views.staff import for_staff
from widgets import clock, schedule
from widgets.asking import NotAsked, ask_now
from widgets.clock import as_datetime
from widgets.models import Feed
from widgets.select import Spec
from widgets.shows import Show
from widgets.snapshot import FeedNow


@require_safe
@never_cache
@for_staff
def feed(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The page of one feed; it asks for itself again every 2 s."""
    row = Feed.objects.select_related("now", "made_by").filter(pk=pk).first()
    if row is None:
        if "HX-Request" in request.headers:
            # It was deleted while its page was open.
            return HttpResponse(status=404, headers={"HX-Redirect": reverse("feeds")})
        raise Http404
    now, zone = clock.now(), _zone()
    brief, known = facts.load(row, now)
    span = request.GET.get("span", "1h")
    span = span if span in SPANS else DEFAULT_SPAN
    context = {
        "feed": row,
        "chips": chips(brief, now),
        "asked_for": brief.obtained == "polled",
        "facts": facts.facts(row, brief, zone, now),
        "options": facts.options_of(row),
        "series": facts.series_of(known, now),
        "more": brief.series - len(known.series),
        "places": places(row),
        "ways": facts.ways(brief, request.build_absolute_uri("/").rstrip("/")),
        "spans": list(SPANS),
        "span": span,
        "chart": chart(_spec(known), [known], span, zone, now),
        "events": events([known], zone),
        "reading": raw(known, zone),
        "here": "feeds",
        **pulse(now),
    }
    return render(request, "dashboard/feed.html", context)


def _spec(known: FeedNow) -> Spec:
    """A widget that shows all series of the feed."""
    return Spec(
        id=0, title=known.name, kind="line", options={}, shows=[Show(known.name)],
        over_time="last", over_series="each", window=0, offsets=(), top=10, revision=0,
    )  # fmt: skip


@require_POST
@for_staff
def act(request: HttpRequest, pk: int, what: str) -> HttpResponseBase:
    """Pause it, resume it, or ask its source now."""
    row = get_object_or_404(Feed, pk=pk)
    if what == "refresh":
        try:
            found = ask_now(row, clock.now())
        except NotAsked as error:
            messages.error(request, f"{error}.")
        else:
            messages.success(request, ASKED if found else UNDER_WAY)
    else:
        row.paused = what == "pause"
        row.save(update_fields=["paused"])
        schedule.poke()
        messages.success(request, PAUSED if row.paused else RESUMED)
    return redirect("feed", pk)


ASKED = "Its source is asked now; the reading shows up here."
UNDER_WAY = "Its source is being asked at this moment; the reading shows up here."
PAUSED = "Paused. Nothing is asked of its source until it is resumed."
RESUMED = "Resumed."


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_staff
def delete(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What goes with it is said first."""
    row = get_object_or_404(Feed.objects.select_related("made_by"), pk=pk)
    if request.method == "POST":
        with transaction.atomic():
            row.delete()
        messages.success(request, f"{row.name} was deleted, with its history.")
        return redirect("feeds")
    history = history_of(row)
    since = history.since and as_datetime(history.since).astimezone(_zone())
    context = {
        "feed": row,
        "places": places(row),
        "files": files(row),
        "history": history,
        "since": f"{since:%Y-%m-%d %H:%M}" if since else "",
        "here": "feeds",
    }
    return render(request, "dashboard/feed_delete.html", context)


def _zone() -> ZoneInfo:
    zone = get_current_timezone()
    assert isinstance(zone, ZoneInfo)
    return zone
