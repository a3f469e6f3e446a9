"""The Content-Security-Policy on every answer, and who may open a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port, validate_host

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)


class ContentSecurityPolicy:
    """Sets the policy. Scripts and styles come from our own files only: no inline, no eval."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers["Content-Security-Policy"] = POLICY
        return response


class SameOrigin:
    """Lets a socket, or a stream, through only to pages of this very host; all others get a 403.

    A browser sends the cookies of a signed-in person along with a socket that any page opens, and
    no CSRF token. A list of hosts is not enough where any name is allowed. What sends no Origin is
    no browser, and has no cookies of anybody else's.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if may_open(headers):
            return await self.application(scope, receive, send)
        deny = WebsocketDenier() if scope["type"] == "websocket" else forbid
        return await deny(scope, receive, send)


async def forbid(scope: Any, receive: Any, send: Any) -> None:
    """An HTTP answer that says no."""
    await send({"type": "http.response.start", "status": 403, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def may_open(headers: Mapping[bytes, str]) -> bool:
    """Whether a socket with these headers of its handshake may be opened."""
    host = headers.get(b"host", "")
    if settings.USE_X_FORWARDED_HOST:
        host = headers.get(b"x-forwarded-host", host)
    origin = headers.get(b"origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    return validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
