"""What is handed in: its size, and how it is packed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings

from tests.pushing import Sender, ask, names


@pytest.mark.parametrize("parts", [1, 5])
async def test_a_body_that_is_too_large_is_refused(
    sender: Sender, settings: LazySettings, parts: int
) -> None:
    settings.PUSH_LIMIT = 1_000

    answer = await sender.send("POST", "/api/feeds/a", b"[" + b" " * 2_000 + b"1]", parts=parts)

    assert answer.status == 413
    assert "larger than 1,000 bytes" in answer.json["error"]
    assert await ask(names) == []


async def test_a_declared_length_is_enough_to_refuse(
    sender: Sender, settings: LazySettings
) -> None:
    answer = await sender.post("/api/feeds/a", "1", Content_Length=str(settings.PUSH_LIMIT + 1))

    assert answer.status == 413
    assert sender.application.budget.used == 0


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:])),
        ("deflate", zlib.compress),
        ("identity", bytes),
    ],
)
async def test_packed_bodies_are_unpacked(
    sender: Sender, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = b'{"a": 1, "b": 2}'

    answer = await sender.post("/api/feeds/f", pack(body), Content_Encoding=encoding)

    assert answer.json == {"taken": 2}


def bomb() -> bytes:
    return gzip.compress(b" " * 50_000_000)


@pytest.mark.parametrize(
    ("encoding", "body", "status", "said"),
    [
        ("gzip", bomb(), 413, "unpacked, the body is larger than 16 MiB"),
        ("gzip", gzip.compress(b"") * 1_000, 413, "more than 64 packed ones"),
        ("gzip", b"nonsense", 400, "not packed as its Content-Encoding says"),
        ("gzip", gzip.compress(b"12345")[:-6], 400, "ends too early"),
        ("br", b"1", 415, "'br' is not known here"),
    ],
)
async def test_what_cannot_be_unpacked_is_refused(
    sender: Sender, encoding: str, body: bytes, status: int, said: str
) -> None:
    answer = await sender.post("/api/feeds/f", body, Content_Encoding=encoding)

    assert answer.status == status
    assert said in answer.json["error"]


async def test_bodies_of_all_senders_together_are_limited(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender.application.budget, "most", 10)

    answer = await sender.post("/api/feeds/a", "[[1, 2], [3, 4]]")

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert sender.application.budget.used == 0


async def test_what_bodies_become_is_limited_as_well(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender.application.budget, "most", 1_000)
    body = gzip.compress(b"[" + b" " * 2_000 + b"]")
    assert len(body) < 100

    answer = await sender.post("/api/feeds/a", body, Content_Encoding="gzip")

    assert answer.status == 503
    assert sender.application.budget.used == 0


async def test_a_sender_that_goes_away_is_answered_nothing(sender: Sender) -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http", "method": "POST", "path": "/api/feeds/a", "raw_path": b"/api/feeds/a",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {sender.token}".encode())],
    }  # fmt: skip

    await sender.application(scope, gone, None)

    assert sender.application.budget.used == 0
