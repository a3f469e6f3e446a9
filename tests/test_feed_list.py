"""manage.py feed list, show and refresh."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.feeds import make_feed, polled
from widgets import clock
from widgets.change import Arrival
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.commit import commit
from widgets.management import feeds
from widgets.models import Feed, FeedState
from widgets.reading import Reading
from widgets.schedule import claim_due

pytestmark = pytest.mark.django_db


def printed(*words: str) -> list[str]:
    out = StringIO()
    call_command("feed", *words, stdout=out)
    return out.getvalue().splitlines()


def answered(error: str = "") -> None:
    """What a consumer would do with whatever is due."""
    now = clock.now()
    for claim in claim_due(now, "here"):
        reading = None if error else Reading({"a": 1})
        commit([Arrival(claim.feed, now, reading, error, claim.number, 23_000, 1_500_000, {})], now)


def test_the_list_has_a_line_for_every_feed() -> None:
    polled("cpu", interval=MINUTE)
    answered("no route\x1b[31m to host")
    make_feed("shop.orders")
    polled("paused", paused=True)

    head, cpu, paused, shop = printed("list")

    assert " ".join(head.split()) == "FEED SOURCE ASKED STATE FRESHNESS LATE BY TOOK NEXT ERROR"
    assert cpu.startswith("cpu          host    every 1 min  ok")
    assert "1 s 500 ms  23 ms  in " in cpu
    assert cpu.endswith("no route [31m to host")
    assert paused.split()[-1] == "–"
    assert "paused" in paused
    assert shop.startswith("shop.orders  push    –")


def test_one_feed_is_shown_with_its_last_error() -> None:
    feed = polled("cpu", interval=HOUR)
    answered("connection refused")
    failed = "\n".join(printed("show", "cpu"))
    FeedState.objects.filter(pk=feed.pk).update(next_due=clock.now())
    answered()

    text = "\n".join(printed("show", "cpu"))

    assert "UTC: connection refused" in failed.split("error, since")[1]
    assert "cpu, host" in text
    assert "asked: every 1 h" in text
    assert "late by: 1 s 500 ms" in text
    assert "took: 23 ms" in text
    assert "UTC: connection refused" in text.split("last error, at")[1]


def test_a_feed_is_asked_now_and_what_came_of_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = polled("cpu", interval=HOUR)
    answered()
    monkeypatch.setattr("widgets.management.feeds.time.sleep", lambda seconds: answered())

    lines = printed("refresh", "cpu")

    assert "took: 23 ms" in lines
    assert FeedState.objects.get(pk=feed.pk).claim == 2


def test_where_nobody_asks_feeds_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    polled("cpu", timeout=SECOND)
    monkeypatch.setattr(feeds, "PATIENCE", -2 * SECOND)

    with pytest.raises(CommandError, match=r'does `manage.py up` or .* run on "here"\?'):
        printed("refresh", "cpu")


def test_what_cannot_be_asked_and_what_is_not_there_is_said() -> None:
    make_feed("shop.orders")

    with pytest.raises(CommandError, match="its readings come by themselves"):
        printed("refresh", "shop.orders")
    with pytest.raises(CommandError, match="did you mean"):
        printed("show", "shop.order")
    assert Feed.objects.count() == 1
