"""Tokens: made, told from a stranger's, and remembered for a moment."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from widgets import clock
from widgets.clock import MINUTE
from widgets.directory import Maker
from widgets.models import Token
from widgets.registry import nearest
from widgets.shows import matches
from widgets.turns import writing

# How long a token that was revoked in another process is still good in this one, s.
REMEMBERED = 3.0
MOST_REMEMBERED = 1_000
LONGEST = 200


class BadToken(ValueError):
    """A token that cannot be made, or is not there; the message says why."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, as the door needs it."""

    id: int
    name: str
    digest: str
    feeds: Sequence[str]
    may_push: bool
    may_create: bool
    may_read: bool
    most_series: int
    used: int | None
    # The one feed it is for; "" if its patterns may mean several.
    only_feed: str = field(init=False)

    def __post_init__(self) -> None:
        plain = [pattern for pattern in self.feeds if not any(sign in pattern for sign in "*?[")]
        only = plain[0] if len(plain) == len(self.feeds) == 1 else ""
        object.__setattr__(self, "only_feed", only)

    def covers(self, feed: str) -> bool:
        """Whether it is for the feed of that name."""
        return any(matches(feed, pattern) for pattern in self.feeds)

    @property
    def said(self) -> str:
        """Its patterns, for a person."""
        return ", ".join(self.feeds)

    @property
    def maker(self) -> Maker:
        return Maker("made_by", self.id, f'the token "{self.name}"', self.most_series)


def digest_of(token: str) -> str:
    """What is stored. A token is 160 random bits and more, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def create(
    name: str, feeds: Sequence[str], *, may_push: bool = True, may_create: bool = True,
    may_read: bool = False, as_uuid: bool = False,
) -> str:  # fmt: skip
    """Make a token and return it, for the only time; BadToken says what is wrong.

    `as_uuid`: senders of Healthchecks' pings expect a UUID in their address.
    """
    name = name.strip()
    patterns = [pattern.strip() for pattern in feeds if pattern.strip()]
    if not name or len(name) > 200 or not name.isprintable():
        raise BadToken("a token's name is 1 to 200 printable characters")
    if not patterns:
        raise BadToken("name the feeds it is for, such as shop.* or *")
    for pattern in patterns:
        if len(pattern) > 200 or not pattern.isprintable():
            raise BadToken(f"{pattern[:40]!r} is no name or pattern of feeds")
    if not may_push and not may_read:
        raise BadToken("it would allow nothing; let it hand in, read back, or both")
    if Token.objects.filter(name=name).exists():
        raise BadToken(f'there is a token "{name}" already; names are not used twice')
    secret = _uuid() if as_uuid else f"ww_{secrets.token_urlsafe(30)}"
    Token.objects.create(
        name=name, digest=digest_of(secret), hint=secret[:8], feeds=patterns, may_push=may_push,
        may_create=may_create, may_read=may_read, created=clock.now(),
    )  # fmt: skip
    return secret


def _uuid() -> str:
    import uuid

    return str(uuid.uuid4())


def revoke(name: str) -> None:
    """End a token for good; BadToken if there is none."""
    token = Token.objects.filter(name=name).first()
    if token is None:
        names = list(Token.objects.filter(revoked=None).values_list("name", flat=True))
        raise BadToken(f'no token "{name}"{nearest(name, names)}')
    if token.revoked is None:
        token.revoked = clock.now()
        token.save(update_fields=["revoked"])


def look_up(token: str) -> Grant | None:
    """What the token allows, from the database: one look-up by what is unique, whoever asks."""
    digest = digest_of(token)
    row = Token.objects.filter(digest=digest, revoked=None).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    return Grant(
        id=row.pk, name=row.name, digest=row.digest, feeds=tuple(row.feeds),
        may_push=row.may_push, may_create=row.may_create, may_read=row.may_read,
        most_series=row.most_series, used=row.used,
    )  # fmt: skip


@dataclass(slots=True)
class Remembered:
    """The grants that were looked up lately. Any thread may ask."""

    _grants: dict[str, tuple[float, Grant]] = field(default_factory=dict)
    _noted: dict[int, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, token: str) -> Grant | None:
        """A grant that is still good; None: look it up."""
        digest = digest_of(token)
        with self._lock:
            known = self._grants.get(digest)
        if known is None or known[0] < time.monotonic():
            return None
        return known[1] if hmac.compare_digest(known[1].digest, digest) else None

    def put(self, grant: Grant) -> None:
        """Only good ones are remembered: strangers must not fill the memory."""
        with self._lock:
            if len(self._grants) >= MOST_REMEMBERED:
                self._grants.clear()
            self._grants[grant.digest] = (time.monotonic() + REMEMBERED, grant)

    def forget(self) -> None:
        with self._lock:
            self._grants.clear()

    def due(self, grant: Grant, now: int) -> bool:
        """Whether it is to be written that the token was used; once a minute at most."""
        with self._lock:
            last = max(self._noted.get(grant.id, 0), grant.used or 0)
            if now - last < MINUTE:
                return False
            self._noted[grant.id] = now
            return True


def note_use(grant: Grant, now: int) -> None:
    """Write that the token was used."""
    with writing():
        Token.objects.filter(pk=grant.id).update(used=now)


def presented(headers: Mapping[str, str], query: Mapping[str, str], names: Sequence[str]) -> str:
    """The token that a request carries in its header or query; "" if there is none.

    `Bearer x`, `Token x`, `Token user:x` (InfluxDB 1), or Basic with it as password, or as the
    user where there is no password.
    """
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() == "token":
        return rest.rpartition(":")[2]
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return ""
        return password or user
    return next((query[name] for name in names if query.get(name)), "")
