"""What all sources over HTTP share: the options of a request, its answer, its errors."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from http import HTTPStatus
from typing import Any

import aiohttp
from django import forms
from django.core.exceptions import ValidationError
from yarl import URL

from widgets.egress import Refused
from widgets.options import BoolField, MappingField, Options, excerpt
from widgets.sources import SourceError
from widgets.sources._sessions import session

MOST_BODY = 1_000_000
MOST_REDIRECTS = 5
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
AGENT = "watchwall"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class TargetOptions(Options):
    """What is asked over HTTP, and how it is known that it is the right one."""

    url = forms.CharField(max_length=4000, help_text="The address, with http:// or https://.")
    headers = MappingField(required=False, help_text="Headers to send, each as name: text.")
    user = forms.CharField(required=False, help_text="The user for basic authentication.")
    password = forms.CharField(
        required=False, help_text="Its password, such as ${env:WATCHWALL_SECRET_PASSWORD}."
    )
    token = forms.CharField(
        required=False, help_text="A bearer token, such as ${env:WATCHWALL_SECRET_TOKEN}."
    )
    ca = forms.CharField(
        required=False,
        help_text="A PEM file on the server with the authorities to trust instead of the system's.",
    )
    verify = BoolField(initial=True, help_text="Whether the certificate must be valid.")
    redirects = BoolField(
        initial=True, help_text=f"Whether redirects are followed, {MOST_REDIRECTS} at most."
    )

    def clean_url(self) -> str:
        given = str(self.cleaned_data["url"])
        if "${env:" not in given:
            try:
                read_url(given)
            except SourceError as error:
                raise ValidationError(str(error)) from None
        return given

    def clean_headers(self) -> dict[str, str]:
        given: dict[str, str] = self.cleaned_data["headers"]
        for name, text in given.items():
            if not _TOKEN.fullmatch(name):
                raise ValidationError(f"{name[:40]!r} is no name of a header")
            if not _one_line(text):
                raise ValidationError(f"{name} has a line break or another control character")
        return given

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        named = {name.lower() for name in given.get("headers", ())}
        ways = [bool(given.get("user")), bool(given.get("token")), "authorization" in named]
        if sum(ways) > 1:
            raise ValidationError("user, token and an Authorization header exclude each other")
        if given.get("password") and not given.get("user"):
            raise ValidationError("a password is given without a user")
        return given


class RequestOptions(TargetOptions):
    """One HTTP request."""

    field_order = ["url", "method", "headers", "body"]

    method = forms.ChoiceField(
        choices=[(method, method) for method in METHODS],
        initial="GET",
        help_text="The HTTP method.",
    )
    body = forms.CharField(
        required=False,
        strip=False,
        widget=forms.Textarea,
        help_text="What to send, as text; say what it is with the header Content-Type.",
    )


def read_url(given: str) -> URL:
    """The address, or a SourceError that says what is wrong with it."""
    try:
        url = URL(given)
        # A port out of range is noticed only here.
        known = url.scheme in {"http", "https"} and url.host and url.port is not None
    except ValueError:
        known = False
    if not known:
        raise SourceError(
            f"{excerpt(given, 100)!r} is no address; write one like https://host:port/path"
        )
    if url.user or url.password:
        raise SourceError("write the user and the password as options, not in the address")
    return url


def _one_line(text: str) -> bool:
    return not any((ord(sign) < 32 and sign != "\t") or ord(sign) == 127 for sign in text)


@asynccontextmanager
async def answer(
    options: Mapping[str, Any], *, fresh: bool = False
) -> AsyncIterator[aiohttp.ClientResponse]:
    """The answer to the request that the options describe, once its headers are there.

    TargetOptions describe a GET, RequestOptions any.
    `fresh`: over a connection of its own. Runs on the I/O loop. Raises SourceError for what is
    wrong with the options or refused by WATCHWALL_EGRESS, and what aiohttp raises for the rest:
    see `why`.
    """
    try:
        async with _answer(options, fresh) as response:
            yield response
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, Refused):
            raise SourceError(f"{error.host}: {error.os_error.reason}") from None
        raise


@asynccontextmanager
async def _answer(options: Mapping[str, Any], fresh: bool) -> AsyncIterator[aiohttp.ClientResponse]:
    url = read_url(options["url"])
    headers = _headers(options)
    body = options.get("body", "").encode() or None
    shared = await session(options, fresh)
    async with shared.request(
        options.get("method", "GET"),
        url,
        headers=headers,
        data=body,
        allow_redirects=options["redirects"],
        # aiohttp raises at the one that makes it this many.
        max_redirects=MOST_REDIRECTS + 1,
        middlewares=[_Keeper(url, set(headers), body is not None)],
    ) as response:
        yield response


def _headers(options: Mapping[str, Any]) -> dict[str, str]:
    headers = {"User-Agent": AGENT, **options["headers"]}
    if options["user"]:
        headers["Authorization"] = _login(options)
    elif options["token"]:
        headers["Authorization"] = f"Bearer {options['token']}"
    for name, text in headers.items():
        # With the secrets in: a file's last line break is the usual one.
        if not _one_line(text):
            raise SourceError(f"the header {name} would have a line break in it; see its secret")
    return headers


def _login(options: Mapping[str, Any]) -> str:
    return aiohttp.encode_basic_auth(options["user"], options["password"], "utf-8")


def without_login(body: bytes, options: Mapping[str, Any]) -> bytes:
    """The body without user and password as they were sent, where a server echoes its request."""
    if not options["user"]:
        return body
    sent = _login(options).removeprefix("Basic ").encode()
    # Some write JSON with a backslash before each slash.
    return body.replace(sent, b"***").replace(sent.replace(b"/", b"\\/"), b"***")


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Sends what the options hold to the address they name, and nowhere that it redirects to.

    aiohttp itself takes only the Authorization header away, and keeps X-Api-Key and the body.
    """

    url: URL
    names: set[str]
    has_body: bool

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if request.url.origin() != self.url.origin():
            for name in self.names - {"User-Agent"}:
                request.headers.popall(name, None)
            if self.has_body and request.method not in {"GET", "HEAD"}:
                raise SourceError(
                    f"it redirects to {request.url.origin()}, where the body is not sent; "
                    "write that address if it is the right one"
                )
        return await handler(request)


async def body_of(response: aiohttp.ClientResponse, most: int = MOST_BODY) -> tuple[bytes, bool]:
    """The body, uncompressed, and whether it is whole: of a larger one the first `most` bytes."""
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            # Or aiohttp would read the rest, to use the connection again.
            response.close()
            return b"".join(parts)[:most], False
    return b"".join(parts), True


@dataclass(frozen=True, slots=True)
class Page:
    """A whole answer. `type`: its media type, without parameters; `charset`: "" if not said."""

    status: int
    body: bytes
    type: str
    charset: str


async def page(options: Mapping[str, Any], most: int = MOST_BODY) -> Page:
    """The answer of `most` bytes at most, whatever its status; everything else is a SourceError."""
    where = place(options)
    try:
        async with answer(options) as response:
            body, whole = await body_of(response, most)
            charset = response.charset or ""
    except (aiohttp.ClientError, OSError) as error:
        raise SourceError(f"{where}: {why(error)}") from None
    if not whole:
        raise SourceError(
            f"{where} answered with more than {most // 1_000_000} MB; ask it for less"
        )
    body = without_login(body, options)
    return Page(response.status, body, response.content_type, charset)


async def good_page(options: Mapping[str, Any], most: int = MOST_BODY) -> Page:
    """`page`, and a SourceError also where its status is 400 or above."""
    found = await page(options, most)
    if found.status >= 400:
        raise SourceError(f"{place(options)} answered {said(found.status)}")
    return found


def fingerprint(*parts: object) -> str:
    """What tells what was asked for last time from what is asked for now, to be kept in a memo.

    A hash, since a secret may be in it.
    """
    return blake2b(repr(parts).encode(), digest_size=12).hexdigest()


def said(status: int) -> str:
    """`404 Not Found`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def why(error: BaseException) -> str:
    """What kept a request from its answer, in words: "connection refused"."""
    match error:
        case aiohttp.TooManyRedirects():
            return f"more than {MOST_REDIRECTS} redirects"
        case aiohttp.RedirectClientError():
            return "it redirects to what is no address over HTTP"
        case aiohttp.ClientConnectorCertificateError():
            found = error.certificate_error
            return f"the certificate is not valid: {getattr(found, 'verify_message', found)}"
        case aiohttp.ClientConnectorDNSError():
            reason = system_words(error.os_error)
            return f"the name {error.host} cannot be resolved ({reason})"
        case aiohttp.ClientConnectorSSLError():
            reason = getattr(error.os_error, "reason", None) or str(error.os_error)
            return f"no TLS connection: {reason.replace('_', ' ').lower()}"
        case aiohttp.ClientConnectorError():
            return system_words(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return "the connection was closed without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer broke off or is badly encoded"
        case aiohttp.ClientResponseError():
            return "the answer is not HTTP"
        case OSError():
            return system_words(error)
        case _:
            return f"{type(error).__name__}: {error}"


def system_words(error: OSError) -> str:
    """The system's own words: `connection refused`. Of several tries the first counts."""
    if error.errno and error.errno > 0:
        return os.strerror(error.errno).lower()
    return (error.strerror or str(error) or type(error).__name__).lower()


def place(options: Mapping[str, Any]) -> str:
    """Where the request goes, as errors name it: without path and query, which may tell much."""
    return str(read_url(options["url"]).origin())
