"""What one look at the database costs, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dashboard.live import board
from dashboard.live.board import Key
from dashboard.live.survey import Mark, Survey, Surveyor
from dashboard.models import Dashboard
from tests.feeds import NOON, arrive, make_feed
from tests.walls import make_board, put
from widgets.models import Feed, FeedState

pytestmark = pytest.mark.django_db


class Watching:
    """A board with a tile, two feeds of which one is watched, and somebody who is signed in."""

    def __init__(self) -> None:
        self.feed, self.other = make_feed("f"), make_feed("other")
        arrive(self.feed, {"a": 1})
        self.board = make_board()
        self.tile = put(self.board)
        self.user = User.objects.create_user("viewer")
        client = Client()
        client.force_login(self.user)
        self.session = str(client.session.session_key)
        self.key = Key(self.board.pk)
        self.held = {self.key: board.read([self.key])[self.key].fingerprint}
        self.surveyor = Surveyor()
        self.look()

    def look(self) -> Survey:
        return self.surveyor.survey(self.held, {self.feed.pk}, {self.session, "no such"})


@pytest.fixture
def watching() -> Watching:
    watching = Watching()
    # The first look at a session asks who it is.
    watching.look()
    return watching


@contextmanager
def queries(count: int) -> Iterator[None]:
    with CaptureQueriesContext(connection) as found:
        yield
    assert len(found) == count, [query["sql"] for query in found]


def test_as_long_as_nothing_changed_it_is_one_query(watching: Watching) -> None:
    for n in range(20):
        put(make_board(f"more{n}"), "other")

    with queries(1):
        found = watching.look()

    version = FeedState.objects.get(pk=watching.feed.pk).version
    assert found.feeds == {watching.feed.pk: Mark(watching.feed.revision, version)}
    assert found.names is None
    assert found.changed == {}
    assert set(found.there) == {watching.key}
    assert found.viewers[watching.session] == watching.user
    assert not found.viewers["no such"].is_authenticated


def test_a_new_version_of_a_feed_costs_nothing_more(watching: Watching) -> None:
    before = watching.look().feeds[watching.feed.pk]
    arrive(watching.feed, {"a": 2}, at=NOON + 1)

    with queries(1):
        found = watching.look()

    assert found.feeds[watching.feed.pk].version > before.version


def test_a_feed_that_is_new_named_anew_or_gone_brings_the_names(watching: Watching) -> None:
    feed = make_feed("new")
    assert "new" in (watching.look().names or {}).values()

    feed.name = "renamed"
    feed.save()
    with queries(2):
        assert "renamed" in (watching.look().names or {}).values()

    feed.delete()
    assert watching.look().names == {watching.feed.pk: "f", watching.other.pk: "other"}
    assert watching.look().names is None


def test_a_board_that_was_edited_is_read_and_one_that_is_gone_is_missed(watching: Watching) -> None:
    watching.tile.width = 5
    watching.tile.save()

    assert watching.look().changed[watching.key].tiles[0].width == 5

    Dashboard.objects.all().delete()

    assert watching.look().there == set()


def test_a_session_that_ended_belongs_to_nobody(watching: Watching) -> None:
    Session.objects.all().delete()

    with queries(1):
        assert not watching.look().viewers[watching.session].is_authenticated


def test_an_account_that_changed_is_looked_at_again(watching: Watching) -> None:
    watching.user.is_active = False
    watching.user.save()

    assert not watching.look().viewers[watching.session].is_active

    watching.user.is_active = True
    watching.user.set_password("another")
    watching.user.save()

    assert not watching.look().viewers[watching.session].is_authenticated


def test_with_nothing_at_all_it_still_looks_for_new_feeds() -> None:
    surveyor = Surveyor()

    assert surveyor.survey({}, (), ()).names == {}
    Feed.objects.create(name="f", source="push")
    with queries(2):
        assert list((surveyor.survey({}, (), ()).names or {}).values()) == ["f"]
