"""Who may hand in, and to which feeds."""

from __future__ import annotations

import base64

import pytest

from tests.feeds import make_feed, polled
from tests.pushing import Sender, ask, names, values
from widgets.models import Feed, Token
from widgets.push import tokens


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
