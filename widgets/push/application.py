"""The ASGI application of the push addresses; everything else goes on to Django.

Django's handler costs more than all the rest of a push, and a sender needs none of what it does:
no session, no CSRF token, no host. So: token, limit, unpack, decode, record, answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import DatabaseError
from django.db.models.signals import post_delete, post_save

from widgets import clock
from widgets.directory import Directory
from widgets.formats import Answer, BadPush, Format, Push, Request, Result, formats
from widgets.models import Feed, Token
from widgets.outage import meaning
from widgets.push import body as bodies
from widgets.push import keys, tokens
from widgets.push.door import Door, Tally, Threads, gathered
from widgets.push.routing import Found, Router
from widgets.push.tokens import Grant, Remembered
from widgets.record import DiskFull, NotRecorded

R = TypeVar("R")

# A body larger than this (bytes) is unpacked and decoded in a thread, so that sockets and other
# senders do not wait for it; two at a time, since each takes many times its size in memory.
LARGE = 32_768
# Of a packed one, which may become a thousand times as long.
LARGE_PACKED = 4_096
DECODING = 2
# So many bytes of bodies at a time in all, by the limit of one: more must wait outside.
BODIES = 8
RETRY_AFTER = "2"
UNSIGNED = "a token is needed, such as Authorization: Bearer …; the page Tokens makes one"
UNKNOWN = "this token is not known here, or was revoked"


class Refused(Exception):
    """The push ends here, with this result."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.result = Result(status, message=message)


@dataclass(slots=True)
class Budget:
    """How many bytes of bodies are in this process now."""

    most: int
    used: int = 0


@dataclass(slots=True)
class Share:
    """What one request has of the budget."""

    budget: Budget
    held: int = 0

    def take(self, size: int) -> None:
        if self.budget.used + size > self.budget.most:
            raise Refused(503, "too much is being handed in at a time; come again in a moment")
        self.budget.used += size
        self.held += size

    def give_back(self) -> None:
        self.budget.used -= self.held


class PushApplication:
    """Answers the addresses of all formats, and hands every other request on."""

    def __init__(self, otherwise: Any) -> None:
        self.otherwise = otherwise
        self.router = Router(formats)
        self.grants = Remembered()
        self.feeds = Directory()
        self.threads = Threads()
        self.door = Door(self.feeds, self.threads)
        self.decoding: asyncio.Semaphore | None = None
        self.budget = Budget(BODIES * settings.PUSH_LIMIT)
        for signal in (post_save, post_delete):
            signal.connect(self._feed_changed, sender=Feed)
            signal.connect(self._token_changed, sender=Token)

    def _feed_changed(self, **_: Any) -> None:
        self.feeds.forget()

    def _token_changed(self, **_: Any) -> None:
        self.grants.forget()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("raw_path") or scope["path"].encode()
        found = self.router.find(scope["method"], path.partition(b"?")[0].decode("latin-1"))
        if found is None:
            await self.otherwise(scope, receive, send)
            return
        request = request_of(scope, found)
        try:
            answer = await self._answer(found, request, receive)
        except bodies.Gone:
            return
        await respond(send, answer, request)

    async def _answer(self, found: Found, request: Request, receive: Any) -> Answer:
        one = found.format
        if found.route.open:
            return one.greet(request)
        share = Share(self.budget)
        try:
            grant = await self._grant(one, request, b"")
            length = request.headers.get("content-length", "")
            body = await bodies.read(receive, length, settings.PUSH_LIMIT, share.take)
            request = replace(request, now=clock.now())
            return await self._handle(one, request, body, grant, share)
        except Refused as refused:
            return one.answer(request, refused.result)
        except BadPush as bad:
            return one.answer(request, Result(bad.status, 0, [bad], message=str(bad)))
        except (NotRecorded, DatabaseError) as error:
            return one.answer(request, _not_recorded(error))
        finally:
            share.give_back()

    async def _handle(
        self, one: Format, request: Request, sent: bytes, grant: Grant | None, share: Share
    ) -> Answer:
        body = await self._unpacked(one, request, sent, share)
        grant = grant or await self._grant(one, request, body)
        if grant is None:
            raise Refused(401, UNSIGNED)
        if not grant.may_push:
            raise Refused(403, f'the token "{grant.name}" may read back but not hand in')
        key = await self._key(request, body, grant)
        if key and key.answer:
            return key.answer
        if key:
            request = replace(request, now=key.at)
        result = await self._take(one, request, body, grant, at=key.at if key else None)
        if self.grants.due(grant, request.now):
            await self.threads.write(tokens.note_use, grant, request.now)
        answer = one.answer(request, result)
        if key:
            await self.threads.write(keys.finish, key, answer)
        return answer

    async def _unpacked(self, one: Format, request: Request, sent: bytes, share: Share) -> bytes:
        encoding = request.headers.get("content-encoding", "").strip().lower()
        if encoding in {"", "identity", *one.unpacks}:
            return sent

        def unpack() -> bytes:
            return bodies.unpack(sent, encoding, settings.PUSH_LIMIT)

        body = await self._work(len(sent) > LARGE_PACKED, unpack)
        share.take(len(body))
        return body

    async def _grant(self, one: Format, request: Request, body: bytes) -> Grant | None:
        """What the sender may do; None if the token must be in the body, which is not here yet."""
        token = tokens.presented(request.headers, request.query, one.token_query)
        token = (
            token
            or request.parts.get(one.credential_part, "")
            or (one.token_in(body) if body else "")
        )
        if not token:
            if body or type(one).token_in is Format.token_in:
                raise Refused(401, UNSIGNED)
            return None
        if len(token) > tokens.LONGEST:
            raise Refused(401, UNKNOWN)
        grant = self.grants.get(token)
        if grant is None:
            grant = await self.threads.look(tokens.look_up, token)
            if grant is None:
                raise Refused(401, UNKNOWN)
            self.grants.put(grant)
        return grant

    async def _key(self, request: Request, body: bytes, grant: Grant) -> keys.Key | None:
        key = request.headers.get("idempotency-key", "").strip()
        if not key:
            return None
        return await self.threads.write(keys.begin, grant.id, key, request, body)

    async def _take(
        self, one: Format, request: Request, body: bytes, grant: Grant, at: int | None
    ) -> Result:
        """Decode and deliver. `at`: the moment of what says none, where it may come again."""
        tally = Tally()
        for_whom = replace(request, only_feed=grant.only_feed)
        pushes = await self._work(
            len(body) > LARGE, lambda: gathered(one.decode(body, for_whom), tally)
        )
        if at is not None:
            pushes = [_dated(push, at) for push in pushes]
        await self.door.deliver(pushes, tally, grant, request.now)
        return tally.result()

    async def _work(self, much: bool, work: Callable[[], R]) -> R:
        """Here, or in a thread if there is much of it."""
        if not much:
            return work()
        if self.decoding is None:
            self.decoding = asyncio.Semaphore(DECODING)
        async with self.decoding:
            return await asyncio.to_thread(work)

    def stop(self) -> None:
        """Let go of the threads, their connections and the signals."""
        for signal in (post_save, post_delete):
            signal.disconnect(self._feed_changed, sender=Feed)
            signal.disconnect(self._token_changed, sender=Token)
        self.threads.stop()


def _dated(push: Push, at: int) -> Push:
    if push.reading.at is not None:
        return push
    return replace(push, reading=replace(push.reading, at=at))


def _not_recorded(error: Exception) -> Result:
    """507 where only somebody who makes room can help."""
    if isinstance(error, DiskFull) or meaning(error) == "full":
        return Result(507, message=str(DiskFull()))
    return Result(503, message="it could not be recorded now; send it again")


def request_of(scope: Mapping[str, Any], found: Found) -> Request:
    """What was sent besides its body."""
    return Request(
        method=scope["method"],
        path="/" + scope["path"].strip("/"),
        now=clock.now(),
        parts=found.parts,
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
    )


async def respond(send: Any, answer: Answer, request: Request) -> None:
    headers = {"Content-Length": str(len(answer.body)), "Cache-Control": "no-store"}
    if answer.status in {503, 507}:
        headers["Retry-After"] = RETRY_AFTER
    if answer.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Watchwall"'
    if answer.status == 204:
        del headers["Content-Length"]
    headers |= answer.headers
    await send(
        {
            "type": "http.response.start",
            "status": answer.status,
            "headers": [(k.lower().encode(), v.encode("latin-1", "replace"))
                        for k, v in headers.items()],
        }
    )  # fmt: skip
    body = b"" if request.method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
