"""The list of the dashboards that one may see."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.access import visible


@require_safe
@never_cache
def walls(request: HttpRequest) -> HttpResponseBase:
    dashboards = visible(request.user).annotate(tile_count=Count("tiles")).order_by("title", "slug")
    if not dashboards and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    context = {"dashboards": dashboards, "here": "walls"}
    return render(request, "dashboard/walls.html", context)
