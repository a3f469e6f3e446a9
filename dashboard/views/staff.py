"""Pages for staff."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def for_staff(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Strangers are asked to sign in, everybody else who is no staff is refused."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            login = redirect_to_login(request.get_full_path())
            if "HX-Request" not in request.headers:
                return login
            # A page that asks for itself again would follow it and put the form where a list was.
            return HttpResponse(status=401, headers={"HX-Redirect": login.headers["Location"]})
        if not request.user.is_staff:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return guarded
