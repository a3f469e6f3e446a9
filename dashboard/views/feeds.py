"""The list of all feeds, what is wrong first. For staff."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.http import urlencode
from django.utils.timezone import get_current_timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.feeds import listing
from dashboard.feeds.condition import WORDS, Asked, judged, tally
from dashboard.views.staff import for_staff
from widgets import clock
from widgets.clock import as_datetime
from widgets.sources import source_choices

PER_PAGE = 50


@require_safe
@never_cache
@for_staff
def feeds(request: HttpRequest) -> HttpResponseBase:
    """The page; it asks for itself again every 2 s."""
    now = clock.now()
    every = judged(listing.briefs(), now)
    asked = Asked(
        request.GET.get("q", "")[:200].strip(),
        request.GET.get("source", ""),
        request.GET.get("state", ""),
    )
    wanted = asked.wants()
    found = [one for one in every if wanted(one)] if asked != Asked() else every
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "rows": listing.rows(list(page.object_list), now),
        "page": page,
        "total": len(every),
        "found": len(found),
        "tally": tally(every),
        "asked": asked,
        "query": urlencode(_kept(asked)),
        "sources": source_choices(),
        "words": ("wrong", *WORDS),
        "here": "feeds",
        **pulse(now),
    }
    return render(request, "dashboard/feeds.html", context)


def _kept(asked: Asked) -> dict[str, str]:
    given = {"q": asked.text, "source": asked.source, "state": asked.word}
    return {name: value for name, value in given.items() if value}


def pulse(now: int) -> dict[str, Any]:
    """What templates/dashboard/_pulse.html needs: of which moment the page is."""
    moment = as_datetime(now).astimezone(get_current_timezone())
    return {"moment": f"{moment:%H:%M:%S}", "beat": now // 1000}
