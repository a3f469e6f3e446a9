"""A Redis: what it tells of itself, how long its keys are, how far groups of its streams lag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from redis.asyncio import Redis as Client
from redis.exceptions import ResponseError

from widgets.labels import printable
from widgets.options import ListField
from widgets.reading import Reading
from widgets.shows import matches
from widgets.sources import Source
from widgets.sources._redis import ServerOptions, connected, said, where
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


class RedisOptions(ServerOptions):
    """Which Redis, and what of it."""

    info = ListField(
        required=False,
        initial=["used_memory", "connected_clients", "instantaneous_ops_per_sec"],
        help_text="Fields of INFO, or patterns: used_memory*, db0.keys.",
    )
    keys = ListField(required=False, help_text="Keys of any type whose length is wanted.")
    groups = ListField(
        required=False, help_text="Groups of streams, each as stream/group: lag and pending."
    )

    def clean_groups(self) -> list[str]:
        given: list[str] = self.cleaned_data["groups"]
        for one in given:
            if not all(one.rpartition("/")):
                raise ValidationError(f"{one[:60]!r} is no group; write stream/group")
        return given


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
        got = Gathered()
        context = (await trusting(options))[1] if at.tls else None
        with said(at):
            async with connected(at, options, context) as client:
                if options["info"]:
                    take_info(got, await client.info(), options["info"])
                if options["keys"]:
                    await _lengths(got, client, options["keys"])
                if options["groups"]:
                    await _groups(got, client, options["groups"])
        return Reading(numbers=got.numbers, units=got.units, rows=got.rows or None, notes=got.notes)


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
