"""The page of tokens: made, shown once, revoked. For staff."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard.views.staff import for_staff
from widgets import clock
from widgets.clock import as_datetime, format_duration
from widgets.models import Token
from widgets.push import tokens
from widgets.push.tokens import BadToken


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_staff
def page(request: HttpRequest) -> HttpResponseBase:
    """The list, with the form beside it."""
    if request.method != "POST":
        return _shown(request)
    try:
        if "revoke" in request.POST:
            tokens.revoke(request.POST["revoke"])
            return redirect("tokens")
        made = _make(request)
    except BadToken as error:
        return _shown(request, status=400, error=str(error), given=request.POST)
    # Shown in this answer and kept nowhere: a redirect would need it somewhere in between.
    return _shown(request, made=made, made_for=request.POST["name"].strip())


def _make(request: HttpRequest) -> str:
    given = request.POST
    return tokens.create(
        given.get("name", ""),
        given.get("feeds", "").replace(",", "\n").splitlines(),
        may_push="push" in given,
        may_create="push" in given and "create" in given,
        may_read="read" in given,
        as_uuid="uuid" in given,
    )


def _shown(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    now = clock.now()
    rows = [
        {
            "token": token,
            "may": ", ".join(_may(token)),
            "feeds": ", ".join(token.feeds),
            "created": f"{as_datetime(token.created):%Y-%m-%d}",
            "used": _ago(token.used, now),
        }
        for token in Token.objects.order_by(F("revoked").asc(nulls_first=True), "name")
    ]
    alive = sum(row["token"].revoked is None for row in rows)  # type: ignore[attr-defined]
    context = {"rows": rows, "alive": alive, "here": "tokens", **more}
    return render(request, "dashboard/tokens.html", context, status=status)


def _may(token: Token) -> list[str]:
    found = ["hand in"] if token.may_push else []
    if token.may_push and token.may_create:
        found.append("make feeds")
    return [*found, "read back"] if token.may_read else found


def _ago(moment: int | None, now: int) -> str:
    """How long ago in its largest unit; it is written once a minute, so no finer."""
    if moment is None:
        return "never"
    passed = max(now - moment, 0) // clock.MINUTE * clock.MINUTE
    return f"{' '.join(format_duration(passed).split()[:2])} ago" if passed else "just now"
