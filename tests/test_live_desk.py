"""Many who come at once are looked up at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client

from dashboard.live.board import Key
from dashboard.live.desk import Ask, Desk, Verdict, admit
from dashboard.live.hub import Hub
from dashboard.models import Dashboard
from tests.walls import make_board


def session_of(name: str) -> str:
    client = Client()
    client.force_login(User.objects.create_user(name))
    return str(client.session.session_key)


@pytest.mark.django_db
def test_each_gets_an_answer_of_his_own(django_assert_num_queries: Any) -> None:
    public, private = make_board("open"), make_board("closed", public=False)
    viewer, other = session_of("viewer"), session_of("other")
    asks = [
        Ask("", "open", None),
        Ask("", "closed", None),
        Ask("nonsense", "closed", 3),
        Ask(viewer, "closed", 3),
        Ask(other, "open", None),
        Ask(other, "nope", None),
    ]

    with django_assert_num_queries(3):
        found = admit(asks)

    assert [found[ask].answer for ask in asks] == [
        Key(public.pk), 4401, 4401, Key(private.pk, 3), Key(public.pk), 4404
    ]  # fmt: skip
    assert found[asks[3]].viewer == User.objects.get(username="viewer")


async def test_a_thousand_at_once_are_a_few_batches(hub: Hub) -> None:
    await hub.query(make_board)
    asked: list[int] = []

    async def query(work: Any, asks: Any) -> Any:
        asked.append(len(asks))
        return await hub.query(work, asks)

    desk = Desk(query)  # type: ignore[arg-type]
    verdicts = await asyncio.gather(*(desk.admit(Ask("", "ops", n)) for n in range(1000)))

    key = await hub.query(lambda: Dashboard.objects.get().pk)
    assert [verdict.answer for verdict in verdicts] == [Key(key, n) for n in range(1000)]
    assert len(asked) <= 3


async def test_a_database_that_is_away_fails_those_who_asked_and_not_the_next(hub: Hub) -> None:
    await hub.query(make_board)
    failing = True

    async def query(work: Any, asks: Any) -> dict[Ask, Verdict]:
        if failing:
            raise OperationalError("gone")
        found: dict[Ask, Verdict] = await hub.query(work, asks)
        return found

    desk = Desk(query)  # type: ignore[arg-type]
    ask = Ask("", "ops", None)
    failed = await asyncio.gather(desk.admit(ask), desk.admit(ask), return_exceptions=True)
    failing = False

    assert [type(one) for one in failed] == [OperationalError, OperationalError]
    assert isinstance((await desk.admit(ask)).answer, Key)


@pytest.mark.parametrize("cookie", ["", "x" * 41, "a\0b", "é", "../..", "a;b"])
async def test_what_can_be_no_session_is_none(hub: Hub, cookie: str) -> None:
    from dashboard.live.admission import session_of

    scope = {"headers": [(b"cookie", f"sessionid={cookie}".encode())]}

    assert session_of(scope) in {"", "a"}
