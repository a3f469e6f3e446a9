"""The push addresses: who may, how much, and what is answered when."""

from __future__ import annotations

import asyncio
import base64
import gzip
import sqlite3
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from asgiref.sync import sync_to_async
from django.conf import LazySettings
from django.db import OperationalError

from tests.feeds import make_feed, polled
from tests.pushing import Sender
from widgets import record
from widgets.commit import commit
from widgets.models import Feed, Handled, Sample, Series, Token
from widgets.push import application, directory, tokens

R = TypeVar("R")


async def ask(work: Callable[[], R]) -> R:
    """Something of the database, in a thread."""
    return await sync_to_async(work)()


def names() -> list[str]:
    return list(Feed.objects.values_list("name", flat=True))


def values() -> dict[str, float | None]:
    return {f"{s.feed.name}/{s.name}": s.value for s in Series.objects.select_related("feed")}


# Who may


async def test_a_push_makes_the_feed_and_is_committed_before_it_is_answered(
    sender: Sender,
) -> None:
    answer = await sender.post("/api/feeds/shop.orders", {"open": 3, "late": 1})

    assert (answer.status, answer.json) == (200, {"taken": 2})
    assert await ask(values) == {"shop.orders/open": 3.0, "shop.orders/late": 1.0}
    feed = await ask(lambda: Feed.objects.select_related("made_by").get())
    assert (feed.source, feed.private) == ("push", True)
    assert feed.made_by is not None
    assert feed.made_by.name == "everything"


@pytest.mark.parametrize(
    ("header", "query"),
    [
        ("Bearer {}", ""),
        ("bearer {}", ""),
        ("Token {}", ""),
        ("Token somebody:{}", ""),
        ("Basic {basic}", ""),
        ("Basic {alone}", ""),
        ("", "?token={}"),
    ],
)
async def test_a_token_may_stand_where_senders_put_it(
    sender: Sender, header: str, query: str
) -> None:
    token = sender.token
    basic = base64.b64encode(f"somebody:{token}".encode()).decode()
    alone = base64.b64encode(f"{token}:".encode()).decode()
    headers = {"Authorization": header.format(token, basic=basic, alone=alone)} if header else {}
    sender.token = ""

    answer = await sender.post(f"/api/feeds/a{query.format(token)}", "1", **headers)

    assert answer.status == 200


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer nonsense", "Basic !!!", "Basic " + "A" * 5_000, "Digest x",
     "Bearer " + "x" * 10_000, "Bearer \udcff".encode("utf-8", "replace").decode()],
)  # fmt: skip
async def test_a_stranger_gets_401_and_leaves_no_trace(sender: Sender, header: str) -> None:
    sender.token = ""

    answer = await sender.post("/api/feeds/a", "1", Authorization=header)

    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "token" in answer.json["error"]
    assert await ask(names) == []
    assert await ask(lambda: Token.objects.get().used) is None


async def test_a_stranger_costs_one_look_up_and_a_known_sender_none(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    look_up = tokens.look_up

    def counted(token: str) -> tokens.Grant | None:
        asked.append(token)
        return look_up(token)

    monkeypatch.setattr(tokens, "look_up", counted)
    for _ in range(3):
        await sender.post("/api/feeds/a", "1")
    sender.token = "ww_of-a-stranger"
    await sender.post("/api/feeds/a", "1")

    assert asked[1:] == ["ww_of-a-stranger"]


async def test_a_revoked_token_is_a_strangers(sender: Sender) -> None:
    assert (await sender.post("/api/feeds/a", "1")).status == 200

    await ask(lambda: tokens.revoke("everything"))

    assert (await sender.post("/api/feeds/a", "2")).status == 401
    assert await ask(values) == {"a/value": 1.0}


async def test_a_token_that_another_process_revoked_is_soon_a_strangers(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REMEMBERED", 0.0)
    await sender.post("/api/feeds/a", "1")

    # No signal: as if it were somewhere else.
    await ask(lambda: Token.objects.update(revoked=1))

    assert (await sender.post("/api/feeds/a", "2")).status == 401


async def test_a_token_cannot_write_outside_its_feeds(sender: Sender) -> None:
    sender.token = await ask(lambda: tokens.create("shop", ["shop.*", "till"]))

    found = {
        name: (await sender.post(f"/api/feeds/{name}", "1")).status
        for name in ("shop.a", "till", "shop", "tills", "other", "SHOP.a", "%73hop.b", "x%2Fshop.a")
    }

    assert found == {
        "shop.a": 200, "till": 200, "shop": 403, "tills": 403, "other": 403, "SHOP.a": 403,
        "%73hop.b": 200, "x%2Fshop.a": 403,
    }  # fmt: skip
    assert sorted(await ask(names)) == ["shop.a", "shop.b", "till"]


async def test_a_refusal_says_whose_token_is_for_what(sender: Sender) -> None:
    sender.token = await ask(lambda: tokens.create("shop", ["shop.*"]))

    answer = await sender.post("/api/feeds/other", "1")

    assert answer.json["error"] == 'the token "shop" is for shop.* and not for "other"'


async def test_a_token_that_may_make_no_feed_writes_to_those_there_are(sender: Sender) -> None:
    await ask(lambda: make_feed("there"))
    sender.token = await ask(lambda: tokens.create("t", ["*"], may_create=False))

    there = await sender.post("/api/feeds/there", "1")
    elsewhere = await sender.post("/api/feeds/elsewhere", "1")

    assert (there.status, elsewhere.status) == (200, 404)
    assert "may not make one" in elsewhere.json["error"]
    assert await ask(names) == ["there"]


async def test_a_reading_token_hands_nothing_in(sender: Sender) -> None:
    sender.token = await ask(
        lambda: tokens.create("r", ["*"], may_push=False, may_create=False, may_read=True)
    )

    answer = await sender.post("/api/feeds/a", "1")

    assert answer.status == 403
    assert await ask(names) == []


async def test_nothing_is_handed_in_to_a_feed_that_is_asked_or_paused(sender: Sender) -> None:
    await ask(lambda: polled("host"))
    await ask(lambda: make_feed("off", paused=True))

    asked = await sender.post("/api/feeds/host", "1")
    paused = await sender.post("/api/feeds/off", "1")

    assert (asked.status, paused.status) == (403, 403)
    assert "has the source host" in asked.json["error"]
    assert "paused" in paused.json["error"]
    assert await ask(values) == {}


async def test_when_a_token_was_used_is_written_once_a_minute(sender: Sender) -> None:
    await sender.post("/api/feeds/a", "1")
    first = await ask(lambda: Token.objects.get().used)
    await sender.post("/api/feeds/a", "2")

    assert first
    assert await ask(lambda: Token.objects.get().used) == first


# Feeds come and go


async def test_edits_of_a_feed_are_followed(sender: Sender) -> None:
    await sender.post("/api/feeds/a", "1")

    def pause() -> None:
        feed = Feed.objects.get()
        feed.paused = True
        feed.save()

    await ask(pause)

    assert (await sender.post("/api/feeds/a", "2")).status == 403


async def test_a_feed_that_was_deleted_elsewhere_is_made_again(sender: Sender) -> None:
    await sender.post("/api/feeds/a", "1")
    remembered = dict(sender.application.feeds._known)
    await ask(Feed.objects.all().delete)
    # As another process would: nothing was said of it here.
    sender.application.feeds._known.update(remembered)

    answer = await sender.post("/api/feeds/a", "2")

    assert answer.json == {"taken": 1}
    assert await ask(names) == ["a"]


async def test_series_of_a_feed_are_capped_and_the_rest_is_taken(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "MAX_SERIES", 3)
    await sender.post("/api/feeds/a", {"one": 1, "two": 2})

    answer = await sender.post("/api/feeds/a", {"two": 3, "three": 3, "four": 4})

    assert answer.status == 400
    assert answer.json["taken"] == 2
    assert "3 series, which is the most; three is not taken" in answer.json["error"]
    assert await ask(values) == {"a/one": 1.0, "a/two": 3.0, "a/four": 4.0}


async def test_series_of_a_token_are_capped(sender: Sender) -> None:
    await ask(lambda: Token.objects.update(most_series=2))

    await sender.post("/api/feeds/a", {"one": 1})
    answer = await sender.post("/api/feeds/b", {"two": 2, "three": 3})

    assert answer.json["taken"] == 1
    assert 'the token "everything" has 2 series in its feeds' in answer.json["error"]


async def test_feeds_of_a_token_are_capped(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(directory, "MOST_FEEDS", 1)

    first = await sender.post("/api/feeds/a", "1")
    second = await sender.post("/api/feeds/b", "1")

    assert (first.status, second.status) == (200, 403)
    assert "has made 1, which is the most it may" in second.json["error"]


# How much


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


# When the database would not


async def test_what_was_not_recorded_is_to_be_sent_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OperationalError("disk full")

    monkeypatch.setattr(record, "commit", broken)

    answer = await sender.post("/api/feeds/a", "1")

    assert answer.status == 503
    assert "send it again" in answer.json["error"]
    assert "retry-after" in answer.headers


async def test_a_full_disk_is_said_as_what_only_somebody_there_can_help(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        cause = sqlite3.OperationalError("database or disk is full")
        cause.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise OperationalError("database or disk is full") from cause

    monkeypatch.setattr(record, "commit", full)

    answer = await sender.post("/api/feeds/a", "1")

    assert answer.status == 507
    assert answer.json["error"].endswith("the disk of the database is full; make room there")
    assert "retry-after" in answer.headers


async def test_a_full_queue_is_said_and_not_waited_for(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "MOST_WAITING", 0)

    assert (await sender.post("/api/feeds/a", "1")).status == 503


# Sent again


async def test_a_push_with_a_key_counts_once_however_often_it_comes(sender: Sender) -> None:
    found = [
        await sender.post("/api/feeds/a", "[[1750000000, 1], 5]", Idempotency_Key="k1")
        for _ in range(3)
    ]

    assert {answer.status for answer in found} == {400}
    assert len({answer.body for answer in found}) == 1

    found = [await sender.post("/api/feeds/a", "7", Idempotency_Key="k2") for _ in range(3)]

    assert [answer.json for answer in found] == [{"taken": 1}] * 3
    assert await ask(lambda: list(Sample.objects.values_list("value", flat=True))) == [7.0]


async def test_a_push_whose_answer_was_lost_is_recorded_as_of_when_it_first_came(
    sender: Sender,
) -> None:
    await sender.post("/api/feeds/a", "7", Idempotency_Key="k")
    # The process died between the commit and the answer.
    await ask(lambda: Handled.objects.update(answer=None))
    await sender.post("/api/feeds/a", "8")

    again = await sender.post("/api/feeds/a", "7", Idempotency_Key="k")

    assert again.json == {"taken": 1}
    assert await ask(Sample.objects.count) == 2
    assert await ask(values) == {"a/value": 8.0}


async def test_a_key_is_for_one_body_and_one_token(sender: Sender) -> None:
    await sender.post("/api/feeds/a", "7", Idempotency_Key="k")

    other_body = await sender.post("/api/feeds/a", "8", Idempotency_Key="k")
    sender.token = await ask(lambda: tokens.create("second", ["*"]))
    other_token = await sender.post("/api/feeds/a", "8", Idempotency_Key="k")

    assert other_body.status == 422
    assert "another body" in other_body.json["error"]
    assert other_token.status == 200


# And everything else


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/api/feeds/a"), ("POST", "/api/feeds/"), ("POST", "/api/feeds/a/b"),
     ("POST", "/login/"), ("DELETE", "/api/feeds/a"), ("POST", "//"), ("POST", "")],
)  # fmt: skip
async def test_what_belongs_to_no_format_goes_on_to_django(
    sender: Sender, method: str, path: str
) -> None:
    answer = await sender.send(method, path)

    assert (answer.status, answer.text) == (299, "Django")


async def test_many_at_a_time_are_all_answered_and_share_commits(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sender.post("/api/feeds/a", "0")
    commits: list[int] = []

    def counted(arrivals: Any, now: int) -> Any:
        commits.append(len(arrivals))
        return commit(arrivals, now)

    monkeypatch.setattr(record, "commit", counted)

    found = await asyncio.gather(
        *(sender.post("/api/feeds/a", f"[[{1_750_000_000 + i}, {i}]]") for i in range(100))
    )

    assert {answer.status for answer in found} == {200}
    assert sum(commits) == 100
    assert len(commits) < 50


async def test_a_large_body_is_decoded_in_a_thread(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "LARGE", 10)
    to_thread = asyncio.to_thread
    handed: list[Any] = []

    async def counted(work: Any) -> Any:
        handed.append(work)
        return await to_thread(work)

    monkeypatch.setattr(asyncio, "to_thread", counted)

    await sender.post("/api/feeds/a", '{"a": 1}')
    await sender.post("/api/feeds/a", '{"a": 1, "bbbbbbbbbbbbbb": 2}')

    assert await ask(values) == {"a/a": 1.0, "a/bbbbbbbbbbbbbb": 2.0}
    assert len(handed) == 2  # unpacked and decoded, the second alone
