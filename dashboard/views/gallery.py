"""Every kind in every size and condition, for whoever changes how it looks."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from dashboard.gallery import FACES, gallery
from widgets.kinds import kinds

THEMES = ("dark", "light")


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """`?kind=line&face=stale&theme=light`; without a kind all of them."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not request.user.is_staff:
        raise PermissionDenied
    kind, face, theme = (request.GET.get(name, "") for name in ("kind", "face", "theme"))
    face = face if face in FACES else "fresh"
    chosen = [kinds[kind]] if kind in kinds else list(kinds)
    context = {
        "kinds": list(kinds),
        "faces": list(FACES),
        "themes": THEMES,
        "kind": kind if kind in kinds else "",
        "face": face,
        "theme": theme if theme in THEMES else THEMES[0],
        "shown": [(one, gallery(one.slug, face)) for one in chosen],
    }
    return render(request, "dashboard/gallery.html", context)
