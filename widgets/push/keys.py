"""Idempotency-Key: a push that is sent again gets the answer it got before, for a day.

The first push under a key writes when it came. If the process dies between the commit and the
answer, the push that is sent again is recorded as of that same moment, and so changes nothing:
a sample's key is its series and its moment.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from widgets.clock import DAY
from widgets.formats import Answer, BadPush, Request
from widgets.models import Handled
from widgets.turns import writing

KEPT = DAY
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Key:
    """A push under a key: when it first came, µs, and the answer it got, if it got one."""

    id: int
    at: int
    answer: Answer | None


def begin(token: int, key: str, request: Request, body: bytes) -> Key:
    """Note that a push has come under a key, or find that it had; BadPush for a misused key."""
    if len(key) > LONGEST or not key.isprintable():
        raise BadPush("Idempotency-Key", f"it is 1 to {LONGEST} printable characters")
    digest = _digest(request, body)
    with writing():
        row, _ = Handled.objects.get_or_create(
            token_id=token, key=key, defaults={"digest": digest, "at": request.now}
        )
    if row.digest != digest:
        raise BadPush("Idempotency-Key", "it was used for another body; take a new one", 422)
    return Key(row.pk, row.at, None if row.answer is None else Answer(
        row.answer["status"], row.answer["body"].encode("latin-1"), row.answer["headers"]
    ))  # fmt: skip


def finish(key: Key, answer: Answer) -> None:
    """Keep the answer for whoever sends it again."""
    kept = {
        "status": answer.status,
        "body": answer.body.decode("latin-1"),
        "headers": dict(answer.headers),
    }
    with writing():
        Handled.objects.filter(pk=key.id).update(answer=kept)


def remove_old(now: int) -> None:
    """Forget keys after a day."""
    old = Handled.objects.filter(at__lt=now - KEPT)
    if old.exists():
        with writing():
            old.delete()


def _digest(request: Request, body: bytes) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode("utf-8", "replace"))
    digest.update(body)
    return digest.hexdigest()
