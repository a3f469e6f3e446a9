"""What is sent again: because the database would not, or with the same key."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from django.db import OperationalError

from tests.pushing import Sender, ask, values
from widgets import record
from widgets.models import Handled, Sample
from widgets.push import tokens


async def test_what_was_not_recorded_is_to_be_sent_again(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise OperationalError("disk full")

    monkeypatch.setattr(record, "commit", broken)
    monkeypatch.setattr(record, "PATIENCE", 0.0)

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
