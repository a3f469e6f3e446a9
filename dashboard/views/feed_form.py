"""Making a feed and changing one: typed, tried, saved. For staff."""

from __future__ import annotations

import sys
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dashboard.feeds.draft import WHEN, Changed, Draft
from dashboard.feeds.places import files
from dashboard.feeds.tried import Tried, attempt
from dashboard.views.staff import for_staff
from widgets import schedule
from widgets.models import Feed
from widgets.sources import Source, sources

METHODS = ["GET", "HEAD", "POST"]
HOW = {"polled": "asked for", "streamed": "listened to", "pushed": "handed in"}


@sensitive_post_parameters()
@require_http_methods(METHODS)
@never_cache
@for_staff
def new(request: HttpRequest) -> HttpResponseBase:
    """First the source, then the rest."""
    slug = request.GET.get("source", "")
    if not slug:
        choices = sorted(map(choice, sources), key=lambda one: one["label"].casefold())
        return render(request, "dashboard/feed_new.html", {"choices": choices, "here": "feeds"})
    if slug not in sources:
        raise Http404(f'no source "{slug}"')
    source = sources[slug]
    polled = source.mode == "polled"
    blank = Feed(source=slug, interval=source.interval if polled else None, timeout=source.timeout)
    if request.method != "POST":
        return _page(request, Draft(blank))
    draft = Draft(blank, request.POST)
    if "try" in request.POST:
        return _tried(request, draft)
    made = draft.make() if draft.is_valid() else None
    if made is None:
        return _page(request, draft, status=400)
    schedule.poke()
    messages.success(request, "Made. Its first reading shows up here.")
    return redirect("feed", made.pk)


@sensitive_post_parameters()
@require_http_methods(METHODS)
@never_cache
@for_staff
def edit(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Only what was changed is written; what others changed meanwhile is said first."""
    row = get_object_or_404(Feed, pk=pk)
    if row.source not in sources:
        raise Http404(f'no source "{row.source}"')
    if request.method != "POST":
        return _page(request, Draft(row))
    draft = Draft(row, request.POST)
    if "try" in request.POST:
        return _tried(request, draft)
    if not draft.is_valid():
        return _page(request, draft, status=400)
    try:
        changed = draft.save()
    except Changed:
        return _page(request, draft, status=409)
    schedule.poke()
    messages.success(request, "Saved." if changed else "Nothing was changed.")
    return redirect("feed", row.pk)


def choice(source: Source) -> dict[str, str]:
    """A source to choose: its module says what it is in its first line."""
    says = (sys.modules[type(source).__module__].__doc__ or "").strip().partition("\n\n")[0]
    return {
        "slug": source.slug,
        "label": source.label,
        "says": " ".join(says.split()),
        "mode": HOW[source.mode],
    }


def _tried(request: HttpRequest, draft: Draft) -> HttpResponse:
    found = None
    if draft.is_askable():
        found = attempt(draft)
    draft.as_trial()
    return _page(request, draft, tried=found, is_trial=True)


def _page(
    request: HttpRequest,
    draft: Draft,
    status: int = 200,
    tried: Tried | None = None,
    is_trial: bool = False,
) -> HttpResponse:
    draft.hide_secrets()
    context: dict[str, Any] = {
        "draft": draft,
        "feed": draft.feed if draft.feed.pk else None,
        "source": draft.source,
        "says": choice(draft.source)["says"],
        "mode": draft.source.mode,
        "basics": draft.fields("name", "private"),
        "option_fields": draft.option_fields(),
        "when": draft.fields(*WHEN[draft.source.mode]),
        "kept": draft.fields("keep_raw", "keep_minutes", "keep_hours"),
        "files": files(draft.feed) if draft.feed.pk else [],
        "tried": tried,
        "is_trial": is_trial,
        "conflict": status == 409,
        "refused": status == 400,
        "here": "feeds",
    }
    return render(request, "dashboard/feed_form.html", context, status=status)
