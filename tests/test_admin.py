"""Everything can be changed in Django's admin, and nobody's edit is lost there."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from dashboard.models import Dashboard, Tile
from tests.feeds import NOON, arrive, fail, make_feed, polled
from widgets.clock import DAY, SECOND
from widgets.models import Feed, FeedState, Process, Revisioned, Series, Widget

pytestmark = pytest.mark.django_db


def form_of(client: Client, address: str) -> dict[str, str]:
    """What a browser would send of the form at an address, if nobody touched it."""
    html = client.get(address).content.decode()
    data = {}
    for tag in re.findall(r"<input [^>]*>", html):
        given = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        boxed = given.get("type") == "checkbox"
        if "name" in given and (not boxed or " checked" in tag):
            data[given["name"]] = unescape(given.get("value", "on" if boxed else ""))
    for name, text in re.findall(r'<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>', html, re.S):
        data[name] = unescape(text)
    for name, inner in re.findall(r'<select name="([^"]*)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', inner)
        data[name] = unescape(chosen[1]) if chosen else ""
    return {k: v for k, v in data.items() if not k.startswith("_") and k != "action"}


def change_page(row: Any) -> str:
    meta = type(row)._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def send(client: Client, row: Any, form: dict[str, str], **changes: str) -> str:
    """Send a form; "" if it was taken, or the errors."""
    response = client.post(change_page(row), {**form, **changes})
    if response.status_code == 302:
        return ""
    found = re.findall(r'class="errorlist[^>]*>(.*?)</ul>', response.content.decode(), re.S)
    return unescape(" ".join(re.sub("<[^>]*>", "", part) for part in found))


def make_board() -> Dashboard:
    board = Dashboard.objects.create(slug="wall", title="The wall")
    for key, x in (("a", 0), ("b", 3)):
        widget = Widget.objects.create(key=key, kind="stat", title=key)
        Tile.objects.create(dashboard=board, widget=widget, x=x, y=0, width=3, height=2)
    return board


PAGES = ["dashboard_dashboard", "dashboard_tile", "dashboard_description", "widgets_feed"]
PAGES += ["widgets_widget", "widgets_feedstate", "widgets_series", "widgets_event"]
PAGES += ["widgets_process"]
SEEN_ONLY = [*PAGES[5:], "dashboard_description"]


def test_every_model_is_there_but_samples_and_roll_ups() -> None:
    ours = {
        model._meta.label_lower.replace(".", "_")
        for model in admin.site._registry
        if model._meta.app_label in {"widgets", "dashboard"}
    }

    assert set(PAGES) <= ours
    assert not ours & {"widgets_sample", "widgets_minute", "widgets_hour"}


@pytest.mark.parametrize("page", PAGES)
def test_the_owner_sees_every_list_and_searches_it(page: str, owner: Client) -> None:
    make_board()
    feed = polled("web")
    arrive(feed, {"a": 1})
    fail(feed)
    fail(feed, at=NOON + SECOND)
    Process.objects.create(
        key="here-1", role="up", node="here", pid=1, build="1", started=NOON, seen=NOON
    )

    response = owner.get(reverse(f"admin:{page}_changelist"), {"q": "a"})

    assert response.status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_viewers_and_strangers_are_sent_away(page: str, viewer: Client, stranger: Client) -> None:
    address = reverse(f"admin:{page}_changelist")

    for client in (viewer, stranger):
        response = client.get(address)
        assert response.status_code == 302
        assert response["Location"].startswith("/admin/login/")


@pytest.mark.parametrize("page", SEEN_ONLY)
def test_what_machines_write_can_only_be_looked_at(page: str, owner: Client) -> None:
    assert owner.get(reverse(f"admin:{page}_add")).status_code == 403


def test_what_machines_wrote_of_a_feed_is_shown_with_its_moments(owner: Client) -> None:
    feed = make_feed("web")
    arrive(feed, {"a": 1})

    state = owner.get(change_page(FeedState.objects.get())).content.decode()
    series = owner.get(change_page(Series.objects.get())).content.decode()

    assert "2026-06-01 12:00:30.000000 UTC" in state
    assert "2026-06-01 12:00:30.000000 UTC" in series
    assert 'name="version"' not in state
    assert owner.post(change_page(FeedState.objects.get()), {"version": 0}).status_code == 403


def test_the_list_of_feeds_says_how_they_are(owner: Client) -> None:
    feed = polled("web")
    arrive(feed, {"a": 1})
    fail(feed, "no route to host", NOON + SECOND)
    fail(feed, "no route to host", NOON + 2 * SECOND)

    html = owner.get(reverse("admin:widgets_feed_changelist")).content.decode()

    for words in ("10 s", "failed", "no route to host"):
        assert words in html


def test_a_form_that_nobody_touched_changes_nothing(owner: Client) -> None:
    feed = make_feed(
        "web", expect_every=90 * SECOND, keep_raw=3 * DAY, thresholds=[{"series": "ü"}]
    )
    board = make_board()
    widget = Widget.objects.get(key="a")
    Widget.objects.filter(pk=widget.pk).update(options={"target": "<b> & ü"})
    rows: list[Revisioned] = [feed, board, widget, *board.tiles.all()]

    for row in rows[:3]:
        assert send(owner, row, form_of(owner, change_page(row))) == ""

    for row in rows:
        before = row.revision
        row.refresh_from_db()
        assert row.revision == before


def test_spans_are_written_as_people_write_them(owner: Client) -> None:
    feed = make_feed("web", expect_every=90 * SECOND)
    form = form_of(owner, change_page(feed))
    assert form["expect_every"] == "1 min 30 s"
    assert form["keep_raw"] == "7 d"

    assert send(owner, feed, form, expect_every="90s") == ""
    feed.refresh_from_db()
    assert feed.expect_every == 90 * SECOND
    assert send(owner, feed, form, expect_every="5 min", keep_raw="12 h") == ""

    feed.refresh_from_db()
    assert (feed.expect_every, feed.keep_raw) == (300 * SECOND, DAY // 2)
    assert "'soon' is no duration" in send(owner, feed, form, expect_every="soon")


def test_a_form_opened_an_hour_ago_puts_nothing_back(owner: Client) -> None:
    feed = polled("web")
    old = form_of(owner, change_page(feed))
    feed.interval, feed.thresholds, feed.paused = 20 * SECOND, [{"series": "a"}], True
    feed.save()
    arrive(feed, {"a": 1})
    FeedState.objects.filter(pk=feed.pk).update(claim=7, lease_until=NOON)
    before = FeedState.objects.get()

    assert send(owner, feed, old, private="on") == ""

    after = Feed.objects.get()
    assert after.private
    assert after.interval == 20 * SECOND
    assert after.thresholds == [{"series": "a"}]
    assert after.paused
    assert after.revision > feed.revision
    state = FeedState.objects.get()
    for name in ("version", "claim", "lease_until", "at", "next_due"):
        assert getattr(state, name) == getattr(before, name)


def test_a_mistake_in_an_old_form_can_be_mended_without_putting_anything_back(
    owner: Client,
) -> None:
    feed = polled("web")
    old = form_of(owner, change_page(feed))
    Feed.objects.filter(pk=feed.pk).update(paused=True)
    html = owner.post(change_page(feed), {**old, "timeout": "soon"}).content.decode()
    assert 'name="initial-paused" value="False"' in html

    assert send(owner, feed, old, timeout="2 s") == ""

    feed.refresh_from_db()
    assert (feed.paused, feed.timeout) == (True, 2 * SECOND)


def test_an_old_form_of_a_dashboard_moves_only_the_tile_that_was_moved(owner: Client) -> None:
    board = make_board()
    old = form_of(owner, change_page(board))
    first, second = board.tiles.all()
    first.y, second.height = 4, 6
    first.save()
    second.save()
    board.title = "Renamed"
    board.save()

    assert send(owner, board, old, **{"tiles-1-x": "6", "public": "on"}) == ""

    board.refresh_from_db()
    assert (board.title, board.public) == ("Renamed", True)
    places = list(board.tiles.order_by("pk").values_list("x", "y", "width", "height"))
    assert places == [(0, 4, 3, 2), (6, 0, 3, 6)]
    assert Tile.objects.get(pk=first.pk).revision == first.revision


def test_tiles_are_added_and_removed_with_their_dashboard(owner: Client) -> None:
    board = make_board()
    form = form_of(owner, change_page(board))
    widget = str(Widget.objects.get(key="a").pk)
    new = {"widget": widget, "x": "6", "y": "0", "width": "3", "height": "2"}

    changes = {f"tiles-2-{key}": value for key, value in new.items()} | {"tiles-0-DELETE": "on"}
    assert send(owner, board, form, **changes) == ""

    assert list(board.tiles.values_list("widget__key", "x")) == [("b", 3), ("a", 6)]


@pytest.mark.parametrize(
    ("field", "given", "sentence"),
    [
        ("options", "{", "Enter a valid JSON."),
        ("options", '{"a": 1}', "options.a: unknown option"),
        ("options", '{"spark": "perhaps"}', "is neither true nor false"),
        ("kind", "dail", "Select a valid choice."),
        ("shows", '[{"fed": "web"}]', "shows[0]: a feed is expected"),
        ("window", "long", "'long' is no duration; write 10s, 5 min, 1h30m or 7d"),
    ],
)
def test_errors_are_sentences(field: str, given: str, sentence: str, owner: Client) -> None:
    widget = Widget.objects.create(key="a", kind="stat")

    errors = send(owner, widget, form_of(owner, change_page(widget)), **{field: given})

    assert sentence in errors


def test_options_and_thresholds_are_checked_as_the_file_s_are(owner: Client) -> None:
    feed = make_feed("web")
    form = form_of(owner, change_page(feed))

    options = json.dumps({"tokn": "x"})
    thresholds = json.dumps([{"warning_abov": 1}])

    assert "options.tokn: unknown option" in send(owner, feed, form, options=options)
    assert "thresholds[0].warning_abov: unknown key" in send(
        owner, feed, form, thresholds=thresholds
    )


def test_an_emptied_json_field_is_its_default(owner: Client) -> None:
    feed = make_feed("web", thresholds=[{"series": "a"}])

    assert send(owner, feed, form_of(owner, change_page(feed)), options="", thresholds="") == ""

    feed.refresh_from_db()
    assert (feed.options, feed.thresholds) == ({}, [])


def test_a_feed_of_another_source_is_no_longer_asked(owner: Client) -> None:
    feed = polled("web")

    form = form_of(owner, change_page(feed))
    assert send(owner, feed, form, source="push", node="") == ""

    feed.refresh_from_db()
    assert (feed.source, feed.interval, feed.node) == ("push", None, "")


def test_a_feed_is_added_with_its_state(owner: Client) -> None:
    form = form_of(owner, reverse("admin:widgets_feed_add"))

    response = owner.post(
        reverse("admin:widgets_feed_add"), {**form, "name": "new", "source": "push"}
    )

    assert response.status_code == 302
    assert Feed.objects.get(name="new").now.version == 0


def test_what_is_deleted_takes_its_own_along(owner: Client) -> None:
    board = make_board()
    feed = make_feed("web", thresholds=[{"series": "a", "warning_above": 0}])
    arrive(feed, {"a": 1})
    board.descriptions.create(noun="feed", name="web", said={})

    for row in (feed, board, Widget.objects.get(key="a")):
        address = change_page(row).replace("change", "delete")
        assert owner.post(address, {"post": "yes"}).status_code == 302

    assert not Feed.objects.exists()
    assert not Series.objects.exists()
    assert not Dashboard.objects.exists()
    assert list(Widget.objects.values_list("key", flat=True)) == ["b"]


def test_a_widget_that_a_tile_shows_is_not_deleted(owner: Client) -> None:
    make_board()
    address = change_page(Widget.objects.get(key="a")).replace("change", "delete")

    html = owner.get(address).content.decode()

    assert "would require deleting the following protected related objects" in html
    assert owner.post(address, {"post": "yes"}).status_code == 200
    assert Widget.objects.filter(key="a").exists()
