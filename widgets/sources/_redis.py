"""A Redis that sources connect to: where it is, how to get in, and what its errors mean."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from redis import ConnectionPool as BlockingPool
from redis import Redis as BlockingClient
from redis.asyncio import Redis as Client
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.connection import Connection as BlockingConnection
from redis.exceptions import RedisError
from redis.retry import Retry as BlockingRetry

from widgets import egress
from widgets.egress import Refused
from widgets.options import BoolField, Options, excerpt
from widgets.sources import SourceError
from widgets.sources._http import system_words
from widgets.sources._sessions import context as trust


class ServerOptions(Options):
    """Which Redis."""

    url = forms.CharField(
        max_length=1000,
        help_text="The address: redis://host:6379/0, or rediss:// for TLS; the last is the "
        "database.",
    )
    user = forms.CharField(required=False, help_text="The user, where there are several.")
    password = forms.CharField(
        required=False, help_text="The password, such as ${env:WATCHWALL_SECRET_REDIS}."
    )
    ca = forms.CharField(
        required=False, help_text="A PEM file on the server with the authorities to trust."
    )
    verify = BoolField(initial=True, help_text="Whether the certificate must be valid.")

    def clean_url(self) -> str:
        given = str(self.cleaned_data["url"])
        if "${env:" not in given:
            try:
                where(given)
            except SourceError as error:
                raise ValidationError(str(error)) from None
        return given

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if given.get("user") and not given.get("password"):
            raise ValidationError("a user is given without a password")
        return given


@dataclass(frozen=True, slots=True)
class Where:
    """An address of a Redis, taken apart."""

    host: str
    port: int
    database: int
    tls: bool


def where(given: str) -> Where:
    """The address, or a SourceError that says what is wrong with it."""
    try:
        parts = urlsplit(given)
        database = parts.path.strip("/") or "0"
        known = parts.scheme in {"redis", "rediss"} and parts.hostname and database.isdecimal()
        found = Where(
            parts.hostname or "", parts.port or 6379, int(database) if known else 0,
            parts.scheme == "rediss",
        )  # fmt: skip
    except ValueError:
        known = False
    if not known:
        raise SourceError(f"{excerpt(given, 100)!r} is no address; write redis://host:6379/0")
    if parts.username is not None or parts.password is not None:
        raise SourceError("write the user and the password as options, not in the address")
    return found


class _Tls(SSLConnection):
    """A connection with the context that all sources share: one of its own would read the
    system's authorities on the loop, each time."""

    def __init__(self, *, context: ssl.SSLContext, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context = context

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {"host": self.host, "port": self.port, "ssl": self.context}


@asynccontextmanager
async def connected(
    at: Where,
    options: Mapping[str, Any],
    context: ssl.SSLContext | None,
) -> AsyncIterator[Client[Any]]:
    """A client of that Redis, on an I/O loop; `context` where it speaks TLS."""
    more: dict[str, Any] = {"connection_class": Connection}
    if context is not None:
        more = {"connection_class": _Tls, "context": context}
    pool = ConnectionPool(
        host=at.host,
        port=at.port,
        db=at.database,
        username=options["user"] or None,
        password=options["password"] or None,
        decode_responses=True,
        encoding_errors="replace",
        # Whoever asks tries again by itself.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,
        **more,
    )
    try:
        yield Client(connection_pool=pool)
    finally:
        await pool.disconnect()


class _Checked(BlockingConnection):
    """A connection of a thread of its own, which looks at every address itself."""

    def __init__(self, *, context: ssl.SSLContext | None, patience: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context, self.patience = context, patience

    def _connect(self) -> socket.socket:
        made = egress.connect(self.host, self.port, self.patience)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context is not None:
            made = self.context.wrap_socket(made, server_hostname=self.host)
        made.settimeout(self.socket_timeout)
        return made


@contextmanager
def blocking(
    at: Where, options: Mapping[str, Any], timeout: float
) -> Iterator[BlockingClient[Any]]:
    """A client of that Redis for a thread of its own, which takes half as much of the processor.
    `timeout` of each answer, s."""
    pool = BlockingPool(
        connection_class=_Checked,
        host=at.host,
        port=at.port,
        db=at.database,
        username=options["user"] or None,
        password=options["password"] or None,
        decode_responses=True,
        encoding_errors="replace",
        # Whoever asks tries again by itself.
        retry=BlockingRetry(NoBackoff(), 0),
        socket_timeout=timeout,
        patience=timeout,
        context=trust(options) if at.tls else None,
    )
    try:
        yield BlockingClient(connection_pool=pool)
    finally:
        pool.disconnect()


@contextmanager
def said(at: Where) -> Iterator[None]:
    """What fails inside is a SourceError that names the Redis."""
    name = f"Redis at {at.host}:{at.port}"
    try:
        yield
    except RedisError as error:
        raise SourceError(f"{name}: {_why(error)}") from None
    except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
        # What the library raises for what does not speak its protocol.
        raise SourceError(f"{name}: no Redis answers there: {error}") from None


def _why(error: RedisError) -> str:
    """The system's words for a connection that failed, or else Redis's own."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Refused):
        return cause.reason
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {cause.verify_message}"
    if isinstance(cause, OSError):
        return system_words(cause)
    return " ".join(str(error).split()) or type(error).__name__
