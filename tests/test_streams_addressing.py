"""Streams that feed many: feeds are made by the names that come, and nobody else's is written."""

from __future__ import annotations

import pytest

from tests.feeds import make_feed
from tests.streaming import drained, error, intake, number, values
from widgets import directory
from widgets.clock import SECOND
from widgets.models import Feed, Series
from widgets.reading import Reading
from widgets.sources import Heard
from widgets.streams.intake import Outlet

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_name_that_came_along_makes_a_feed_that_is_private() -> None:
    owner = make_feed("f")
    with intake() as here:
        drained(
            here, owner.pk, [number(1, owner.pk, name="a"), number(2, owner.pk, name="b")],
            [number(3, owner.pk, name="a")],
        )  # fmt: skip

    made = Feed.objects.exclude(pk=owner.pk).order_by("name")
    assert [(feed.name, feed.private, feed.source, feed.made_from) for feed in made] == [
        ("a", True, "push", owner),
        ("b", True, "push", owner),
    ]
    assert (values("a"), values("b"), values("f")) == ([1, 3], [2], [])


def test_a_stream_writes_into_no_feed_that_is_anothers() -> None:
    owner, other = make_feed("f"), make_feed("other")
    make_feed("mine", made_from=owner)
    make_feed("theirs", made_from=other)
    make_feed("asked", source="host", interval=SECOND)
    make_feed("resting", paused=True)
    names = ["mine", "other", "theirs", "asked", "resting", "n\x00", "x" * 201]
    with intake() as here:
        for name in names:
            drained(here, owner.pk, [number(1, owner.pk, name=name)])
            said = error()
            if name in {"mine", "other"}:
                assert (said, values(name)) == ("", [1])
            elif name == "theirs":
                assert said == (
                    'the feed "theirs" is another\'s; the stream of the feed "f" '
                    "may not write into it"
                )
            elif name == "asked":
                assert "has the source host; nothing is handed in to it" in said
            elif name == "resting":
                assert said == 'the feed "resting" is paused'
            else:
                assert "is no name of a feed" in said
    assert Feed.objects.count() == 6


def test_a_feed_that_was_deleted_under_way_is_made_again() -> None:
    owner = make_feed("f")
    with intake() as here:
        drained(here, owner.pk, [number(1, owner.pk, name="a")])
        # As by another process: no signal comes here.
        Feed.objects.filter(name="a").update(name="gone")
        Feed.objects.get(name="gone").now.delete()
        drained(here, owner.pk, [number(2, owner.pk, name="a")])

    assert values("a") == [2]


def test_of_a_feed_that_was_deleted_nothing_is_made() -> None:
    owner = make_feed("f")
    with intake() as here:
        outlet = Outlet(here, {owner.pk: "f"})
        owner.delete()
        outlet.put([number(1, outlet_feed, name="a") for outlet_feed in outlet.feeds])
        outlet.put([number(1, outlet_feed) for outlet_feed in outlet.feeds])
        outlet.drain()

    assert not Feed.objects.exists()


def test_feeds_and_series_that_a_stream_makes_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = make_feed("f")
    monkeypatch.setattr(directory, "MOST_FEEDS", 1)
    monkeypatch.setattr(directory, "MAX_SERIES", 2)
    many = Reading({"a": 1, "b": 2, "c": 3}, complete=False)
    with intake() as here:
        drained(here, owner.pk, [Heard(owner.pk, many)])
        assert "which is the most; c is not taken" in error()
        drained(here, owner.pk, [number(1, owner.pk, name="a")])
        assert error() == "", "it was well heard"
        drained(here, owner.pk, [number(1, owner.pk, name="b")])

    assert 'there is no feed "b", and the stream of the feed "f" has made 1' in error()
    assert {one.name for one in Series.objects.filter(feed=owner)} == {"a", "b"}
