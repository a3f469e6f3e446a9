"""A Redis: what it tells of itself, how long its keys are, how far groups of its streams lag."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from redis.asyncio import Redis as Client
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from widgets.egress import Refused
from widgets.labels import printable
from widgets.options import BoolField, ListField, Options, excerpt
from widgets.reading import Reading
from widgets.shows import matches
from widgets.sources import Source, SourceError
from widgets.sources._http import system_words
from widgets.sources._sessions import trusting

# How long each type of key is.
LENGTHS = {
    "string": "STRLEN",
    "list": "LLEN",
    "set": "SCARD",
    "zset": "ZCARD",
    "hash": "HLEN",
    "stream": "XLEN",
}


class RedisOptions(Options):
    """Which Redis, and what of it."""

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
    info = ListField(
        required=False,
        initial=["used_memory", "connected_clients", "instantaneous_ops_per_sec"],
        help_text="Fields of INFO, or patterns: used_memory*, db0.keys.",
    )
    keys = ListField(required=False, help_text="Keys of any type whose length is wanted.")
    groups = ListField(
        required=False, help_text="Groups of streams, each as stream/group: lag and pending."
    )

    def clean_url(self) -> str:
        given = str(self.cleaned_data["url"])
        if "${env:" not in given:
            try:
                where(given)
            except SourceError as error:
                raise ValidationError(str(error)) from None
        return given

    def clean_groups(self) -> list[str]:
        given: list[str] = self.cleaned_data["groups"]
        for one in given:
            if not all(one.rpartition("/")):
                raise ValidationError(f"{one[:60]!r} is no group; write stream/group")
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


@dataclass(slots=True)
class Gathered:
    """What has been learned so far."""

    numbers: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class Redis(Source):
    """Series: fields of INFO by their names (memory in B, `db0.keys` for what is inside one),
    `length.<key>`, `lag.<stream>/<group>` and `pending.<stream>/<group>` in entries.

    A key that is not there has the length 0: Redis keeps nothing empty. Fields that are text are
    rows. Format: Redis, "INFO" and "XINFO GROUPS" (the lag from Redis 7.0 on).
    """

    slug = "redis"
    label = "Redis"
    Options = RedisOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        at = where(options["url"])
        name = f"Redis at {at.host}:{at.port}"
        got = Gathered()
        try:
            async with _connected(at, options) as client:
                if options["info"]:
                    take_info(got, await client.info(), options["info"])
                if options["keys"]:
                    await _lengths(got, client, options["keys"])
                if options["groups"]:
                    await _groups(got, client, options["groups"])
        except RedisError as error:
            raise SourceError(f"{name}: {_why(error)}") from None
        except (OSError, ValueError, TypeError, AttributeError, LookupError) as error:
            # What the library raises for what does not speak its protocol.
            raise SourceError(f"{name}: no Redis answers there: {error}") from None
        return Reading(numbers=got.numbers, units=got.units, rows=got.rows or None, notes=got.notes)


class _Tls(SSLConnection):
    """A connection with the context that all sources share: one of its own would read the
    system's authorities on the loop, each time."""

    def __init__(self, *, context: ssl.SSLContext, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.context = context

    def _connection_arguments(self) -> Mapping[str, Any]:
        return {"host": self.host, "port": self.port, "ssl": self.context}


@asynccontextmanager
async def _connected(at: Where, options: Mapping[str, Any]) -> AsyncIterator[Client[Any]]:
    more: dict[str, Any] = {"connection_class": Connection}
    if at.tls:
        _, context = await trusting(options)
        more = {"connection_class": _Tls, "context": context}
    pool = ConnectionPool(
        host=at.host,
        port=at.port,
        db=at.database,
        username=options["user"] or None,
        password=options["password"] or None,
        decode_responses=True,
        encoding_errors="replace",
        # The feed's own timeout and its own next try are the only ones.
        retry=Retry(NoBackoff(), 0),
        socket_timeout=None,
        **more,
    )
    try:
        yield Client(connection_pool=pool)
    finally:
        await pool.disconnect()


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


# -- INFO --------------------------------------------------------------------------------------


def take_info(got: Gathered, info: Mapping[str, Any], patterns: Sequence[str]) -> None:
    """The fields that a pattern means. Pure."""
    fields = dict(_flat(info))
    for name, value in fields.items():
        if not any(matches(name, pattern) for pattern in patterns):
            continue
        if isinstance(value, int | float):
            got.numbers[name] = value
            got.units[name] = unit(name)
        else:
            got.rows.append({"field": name, "value": str(value)})
    for pattern in patterns:
        if not any(matches(name, pattern) for name in fields):
            got.notes.append(f"INFO has no field {pattern}")


def _flat(info: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Fields by name; of one that holds others, such as db0, each."""
    for name, value in info.items():
        if isinstance(value, dict):
            yield from ((printable(f"{name}.{inner}"), one) for inner, one in value.items())
        else:
            yield printable(name), value


def unit(name: str) -> str:
    """The unit of a field, by the words in its name."""
    if "ratio" in name:
        return ""
    if name.endswith("_per_sec"):
        return "/s"
    if name.endswith(("_seconds", "_in_seconds", "_sec")):
        return "s"
    if name.endswith(("_bytes", "_rss", "_size")) or "_memory" in name:
        return "B"
    return ""


# -- keys and groups ---------------------------------------------------------------------------


async def _lengths(got: Gathered, client: Client[Any], keys: Sequence[str]) -> None:
    # One way there and back for all of them, and not one for each.
    asked = client.pipeline(transaction=False)
    for key in keys:
        asked.type(key)
    kinds = dict(zip(keys, await asked.execute(), strict=True))
    asked = client.pipeline(transaction=False)
    known = [key for key in keys if kinds[key] in LENGTHS]
    for key in known:
        asked.execute_command(LENGTHS[kinds[key]], key)
    lengths = dict(zip(known, await asked.execute(), strict=True)) if known else {}
    for key in keys:
        name = printable(f"length.{key}")
        if kinds[key] == "none":
            got.numbers[name] = 0
        elif key in lengths:
            got.numbers[name] = int(lengths[key])
            if kinds[key] == "string":
                got.units[name] = "B"
        else:
            got.notes.append(f"{key} is a {kinds[key]}, which has no length")


async def _groups(got: Gathered, client: Client[Any], wanted: Sequence[str]) -> None:
    for stream in dict.fromkeys(one.rpartition("/")[0] for one in wanted):
        try:
            found = await client.xinfo_groups(stream)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            got.notes.append(f"there is no stream {stream}")
            continue
        groups = {str(group["name"]): group for group in found}
        for one in wanted:
            if one.rpartition("/")[0] == stream:
                take_group(got, one, groups)


def take_group(got: Gathered, wanted: str, groups: Mapping[str, Mapping[str, Any]]) -> None:
    """Lag and pending of one group, as XINFO GROUPS tells of all of a stream. Pure."""
    stream, _, name = wanted.rpartition("/")
    if name not in groups:
        known = ", ".join(sorted(groups)) or "none"
        got.notes.append(f"the stream {stream} has no group {name}; there is {known}")
        return
    group = groups[name]
    got.numbers[printable(f"pending.{wanted}")] = int(group["pending"])
    if "lag" not in group:
        got.notes.append("this Redis tells no lag; it needs version 7.0")
    elif group["lag"] is None:
        got.notes.append(f"the lag of {wanted} is not known, as entries were deleted")
    else:
        got.numbers[printable(f"lag.{wanted}")] = int(group["lag"])
