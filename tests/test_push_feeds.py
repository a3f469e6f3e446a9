"""Feeds that pushes make and meet, and how much of them there may be."""

from __future__ import annotations

import pytest

from tests.pushing import Sender, ask, names, values
from widgets import directory
from widgets.models import Feed, Token


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
