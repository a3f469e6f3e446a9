"""Making a feed and changing it on the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from dashboard.models import Description
from tests.feeds import make_feed
from tests.forms import inputs, opened
from tests.walls import make_board
from widgets.clock import DAY, MINUTE, SECOND
from widgets.models import Feed, FeedState
from widgets.sources import sources

pytestmark = pytest.mark.django_db
NEW = "/feeds/new/?source=http"
HTTP = {"name": "shop", "options-url": "https://shop.example/health"}


def send(client: Client, path: str, given: dict[str, str], **typed: str) -> Any:
    return client.post(path, {**given, **typed, "save": ""})


def edit(feed: Feed) -> str:
    return f"/feeds/{feed.pk}/edit/"


@pytest.fixture
def shop() -> Feed:
    return Feed.objects.create(
        name="shop", source="http", interval=30 * SECOND, options={"url": "https://shop.example"}
    )


@pytest.mark.parametrize("path", ["new/", "new/?source=http", "{}/edit/", "{}/", "{}/delete/"])
def test_every_page_is_for_staff(
    owner: Client, viewer: Client, stranger: Client, shop: Feed, path: str
) -> None:
    address = "/feeds/" + path.format(shop.pk)

    assert [who.get(address).status_code for who in (owner, viewer)] == [200, 403]
    assert stranger.get(address).headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", ["new/?source=http", "{}/edit/", "{}/delete/", "{}/pause/",
                                  "{}/resume/", "{}/refresh/"])  # fmt: skip
def test_nobody_else_and_no_other_site_can_change_anything(
    viewer: Client, stranger: Client, shop: Feed, path: str
) -> None:
    address = "/feeds/" + path.format(shop.pk)
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(User.objects.create_superuser("another"))

    assert viewer.post(address, HTTP).status_code == 403
    assert stranger.post(address, HTTP).status_code == 302
    assert forged.post(address, HTTP).status_code == 403
    assert list(Feed.objects.values_list("name", "paused")) == [("shop", False)]


def test_a_source_is_chosen_first(owner: Client) -> None:
    html = owner.get("/feeds/new/").content.decode()

    assert 'href="?source=prometheus"' in html
    assert "Nothing is asked for" not in html
    assert owner.get("/feeds/new/?source=guage").status_code == 404


@pytest.mark.parametrize("slug", sources.slugs())
def test_every_source_has_a_form_with_what_it_usually_wants(owner: Client, slug: str) -> None:
    path = f"/feeds/new/?source={slug}"
    given = opened(owner, path)

    html = send(owner, path, given, name="it").content.decode()

    # What is not filled in may be missing; what stood there is never wrong.
    for name in sources[slug].Options.base_fields:
        wrong = html.partition(f'id="id_options-{name}_error"')[2].partition("</p>")[0]
        assert not wrong or not given.get(f"options-{name}"), (name, wrong)
    assert Feed.objects.exists() or "Not saved" in html


def test_a_feed_is_made_with_what_its_source_usually_wants(owner: Client) -> None:
    given = opened(owner, NEW)

    answer = send(owner, NEW, given, **HTTP)

    feed = Feed.objects.get()
    assert answer.headers["Location"] == f"/feeds/{feed.pk}/"
    assert (feed.name, feed.source, feed.private) == ("shop", "http", False)
    assert feed.options == {"url": "https://shop.example/health"}, "only what was set"
    assert feed.interval == 10 * SECOND
    assert feed.keep_raw == 7 * DAY
    assert FeedState.objects.get().next_due is not None


def test_everything_can_be_set(owner: Client) -> None:
    typed = {
        "interval": "5 min", "timeout": "2s", "private": "on", "keep_raw": "2 d",
        "options-method": "POST", "options-headers": "Accept: text/plain\nX-A: b",
        "limits-0-series": "latency", "limits-0-warning_above": "0.5",
        "limits-0-critical_above": "2", "limits-1-series": "", "limits-1-critical_below": "1.5",
    }  # fmt: skip
    given = opened(owner, NEW)
    del given["options-verify"]

    send(owner, NEW, given, **HTTP, **typed)

    feed = Feed.objects.get()
    assert (feed.interval, feed.timeout, feed.private) == (5 * MINUTE, 2 * SECOND, True)
    assert feed.options == {
        "url": HTTP["options-url"],
        "method": "POST",
        "headers": {"Accept": "text/plain", "X-A": "b"},
        "verify": False,
    }
    assert feed.thresholds == [
        {"series": "latency", "warning_above": 0.5, "critical_above": 2},
        {"series": "*", "critical_below": 1.5},
    ]


def test_a_calendar_stands_in_place_of_an_interval(owner: Client) -> None:
    typed = {"cron": "0 7 * * mon-fri", "time_zone": "Europe/Berlin"}
    given = opened(owner, NEW)

    both = send(owner, NEW, given, **HTTP, **typed)
    wrong = send(owner, NEW, given, **HTTP, interval="", cron="every day")
    good = send(owner, NEW, given, **HTTP, **typed, interval="")

    assert "in place of an interval" in both.content.decode()
    said = wrong.content.decode().partition('id="id_cron_error"')[2].partition("</p>")[0]
    assert said
    assert good.status_code == 302
    feed = Feed.objects.get()
    assert (feed.interval, feed.cron, feed.time_zone) == (None, *typed.values())


def test_a_feed_may_be_asked_less_often_while_nobody_watches(owner: Client) -> None:
    send(owner, NEW, opened(owner, NEW), **HTTP, interval="5 s", unwatched="10 min")

    assert Feed.objects.get().unwatched == 10 * MINUTE


def test_a_feed_for_pushes_promises_and_has_no_interval(owner: Client) -> None:
    path = "/feeds/new/?source=push"
    given = opened(owner, path)

    send(owner, path, given, name="backup", expect_every="1 d", grace="1 h")

    feed = Feed.objects.get()
    assert "interval" not in given
    assert (feed.interval, feed.expect_every, feed.grace) == (None, DAY, 3600 * SECOND)


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(owner: Client) -> None:
    make_feed("shop")
    typed = {
        "options-url": "ftp://<b>", "options-headers": "no colon", "interval": "soon",
        "private": "on", "limits-0-series": "cpu", "limits-0-warning_above": "much",
    }  # fmt: skip

    answer = send(owner, NEW, opened(owner, NEW), name="x" * 201, **typed)

    html = answer.content.decode()
    assert answer.status_code == 400
    for field, sentence in (
        ("id_options-url", "ftp://&lt;b&gt;&#x27; is no address"),
        ("id_options-headers", "`name: text` is expected on each line"),
        ("id_interval", "&#x27;soon&#x27; is no duration"),
        ("id_name", "at most 200 characters"),
        ("id_limits-0-warning_above", "Enter a number."),
    ):
        assert sentence in html.partition(f'id="{field}_error"')[2].partition("</p>")[0], field
    assert typed.items() <= inputs(html).items()
    assert ">URL</label>" in html.replace(" <", "<")
    assert "<b>" not in html.partition('<form class="feed-form"')[2].partition("<aside")[0]
    assert Feed.objects.count() == 1


def test_a_name_is_used_once(owner: Client, shop: Feed) -> None:
    answer = send(owner, NEW, opened(owner, NEW), **HTTP)

    assert answer.status_code == 400
    assert "There is a feed of that name already." in answer.content.decode()


def test_what_no_field_is_to_blame_for_is_said_as_well(owner: Client) -> None:
    typed = {"options-password": "${env:WATCHWALL_SECRET_P}"}

    html = send(owner, NEW, opened(owner, NEW), **HTTP, **typed).content.decode()

    assert "a password is given without a user" in html


def test_a_feed_says_what_no_feed_may_read(owner: Client) -> None:
    typed = {"options-token": "${env:HOME}"}

    html = send(owner, NEW, opened(owner, NEW), **HTTP, **typed).content.decode()

    said = html.partition('id="id_options-token_error"')[2].partition("</p>")[0]
    assert "only names that begin with WATCHWALL_SECRET_" in said
    assert not Feed.objects.exists()


# -- editing ---------------------------------------------------------------------------------


def test_an_edit_writes_what_was_changed_and_raises_the_revision(owner: Client, shop: Feed) -> None:
    given = opened(owner, edit(shop))
    # The page knows nothing of it, and must not put it back.
    Feed.objects.update(paused=True, node="elsewhere-is-shown")
    Feed.objects.update(node="")

    answer = send(owner, edit(shop), given, interval="1 min", timeout="5s")

    after = Feed.objects.get()
    assert answer.status_code == 302
    assert (after.interval, after.timeout, after.paused) == (MINUTE, 5 * SECOND, True)
    assert after.revision > shop.revision


def test_nothing_changed_writes_nothing(owner: Client, shop: Feed) -> None:
    given = opened(owner, edit(shop))

    answer = send(owner, edit(shop), given, interval="0.5 min")

    assert answer.status_code == 302
    assert Feed.objects.get().revision == shop.revision, "written another way it is the same"


def test_who_comes_later_is_told_what_was_changed_meanwhile(owner: Client, shop: Feed) -> None:
    given = opened(owner, edit(shop))
    shop.interval, shop.timeout = MINUTE, 7 * SECOND
    shop.options = {"url": "https://other.example", "contains": "ok"}
    shop.thresholds = [{"series": "up", "critical_below": 1}]
    shop.save()

    typed = {"interval": "5 s", "options-url": "https://mine.example"}
    answer = send(owner, edit(shop), given, **typed)

    html = answer.content.decode()
    assert answer.status_code == 409
    assert "somebody else has changed this feed" in html
    assert "Meanwhile changed to 1 min. What you typed is kept" in html
    assert "Meanwhile changed to https://other.example. What you typed is kept" in html
    assert "Meanwhile changed to 7 s." in html
    shown = inputs(html)
    assert typed.items() <= shown.items(), "what was typed is kept"
    assert shown["timeout"] == "7 s", "and what was not is taken over"
    assert shown["options-contains"] == "ok"
    assert shown["limits-0-critical_below"] == "1"
    assert Feed.objects.get().interval == MINUTE

    assert send(owner, edit(shop), shown).status_code == 302
    after = Feed.objects.get()
    assert (after.interval, after.timeout) == (5 * SECOND, 7 * SECOND)
    assert after.options == {"url": "https://mine.example", "contains": "ok"}
    assert after.thresholds == shop.thresholds


def test_a_page_that_says_nothing_of_what_it_showed_overwrites_nothing(
    owner: Client, shop: Feed
) -> None:
    given = opened(owner, edit(shop))

    for seen in ("", "[1]", "{", "[" * 100_000):
        answer = send(owner, edit(shop), given, seen=seen, interval="5 s")
        assert answer.status_code == 409
    assert Feed.objects.get().interval == shop.interval


def test_a_wrong_edit_keeps_the_feed_as_it_is(owner: Client, shop: Feed) -> None:
    answer = send(owner, edit(shop), opened(owner, edit(shop)), interval="0.1 s", name="")

    html = answer.content.decode()
    assert answer.status_code == 400
    assert inputs(html)["interval"] == "0.1 s"
    assert Feed.objects.get().name == "shop"


def test_a_file_that_describes_the_feed_is_named(owner: Client, shop: Feed) -> None:
    board = make_board(title="Production")
    Description.objects.create(dashboard=board, noun="feed", name="shop", said={})

    assert "The file of Production describes this feed" in owner.get(edit(shop)).content.decode()


def test_a_feed_that_is_gone_is_not_there(owner: Client, shop: Feed) -> None:
    path = edit(shop)
    given = opened(owner, path)
    shop.delete()

    assert send(owner, path, given).status_code == 404
