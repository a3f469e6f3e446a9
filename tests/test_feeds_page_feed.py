"""The page of one feed, and what can be done with it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils.html import strip_tags

from dashboard.models import Description
from tests.feeds import arrive, fail, make_feed, polled
from tests.walls import make_board, put
from widgets import clock
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.models import Event, Feed, FeedState, Series, Token
from widgets.push import tokens

pytestmark = pytest.mark.django_db


def html_of(client: Client, feed: Feed, more: str = "") -> str:
    return client.get(f"/feeds/{feed.pk}/{more}").content.decode()


def text_of(html: str) -> str:
    return " ".join(strip_tags(html.partition("<main")[2].replace("<", " <")).split())


def test_it_says_what_is_known_of_the_feed(owner: Client) -> None:
    now = clock.now()
    feed = polled(
        "api", interval=HOUR, options={"top": 3}, thresholds=[{"series": "b", "warning_above": 1}]
    )
    for i in range(20):
        arrive(feed, {"a": i, "b": 2}, now - (30 - i) * MINUTE)
    arrive(feed, {"a": 21.5, "b": 2}, now - 3 * MINUTE, units={"a": "%"}, text="All is well")
    FeedState.objects.update(
        lateness=3_000, duration=41_000, next_due=now + 7 * MINUTE + 40 * SECOND
    )
    put(make_board(title="Production"), "api", title="Latency")

    html = html_of(owner, feed)
    said = text_of(html)

    assert re.search(r"api ◆ warning, \d+ min", said)
    assert "Obtained polled, every 1 h" in said
    assert "Next run in 7 min" in said
    assert "Late by 3 ms Took 41 ms" in said
    assert "Shown on Production: Latency" in said
    assert "top 3" in said
    assert "b ◆ warning" in said
    assert "a ok 21.5 % 3 min ago" in said
    assert said.index("b ◆ warning") < said.index("a ok"), "what is wrong comes first"
    assert 'class="widget widget-line"' in html
    assert "All is well" in html, "the last reading as it came"


def test_an_error_stands_above_the_last_good_reading(owner: Client) -> None:
    now = clock.now()
    feed = polled("api")
    arrive(feed, {"value": 7}, now - MINUTE)
    fail(feed, "connection <b>refused</b>", now - 20 * SECOND)
    fail(feed, "connection <b>refused</b>", now - 10 * SECOND)

    html = html_of(owner, feed)

    assert "✕ failed" in text_of(html)
    assert "connection &lt;b&gt;refused&lt;/b&gt;" in html
    assert "2 times in a row; what is shown is the last good reading" in text_of(html)
    assert "failed" in text_of(html).partition("Events")[2], "it is among the events"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("shop.orders", "shop.orders"),
        ("it's/a b", "it%27s%2Fa%20b"),
        ("$(rm x)", "%24%28rm%20x%29"),
    ],
)
def test_a_feed_that_waits_for_pushes_says_how_to_push(owner: Client, name: str, path: str) -> None:
    html = html_of(owner, make_feed(name))

    commands = [part.partition("<")[0] for part in html.split('<code tabindex="0">')[1:]]
    assert f"http://testserver/api/feeds/{path} " in commands[0]
    assert "$TOKEN" in commands[0]
    assert f"/ping/$TOKEN/{path}" in commands[1].replace("&quot;", "")
    assert "/ping/" not in html_of(owner, polled("other"))


def test_a_job_that_reports_says_how_to_report_first(owner: Client) -> None:
    html = html_of(owner, make_feed("job", expect_every=DAY, grace=HOUR))

    assert html.index("/ping/$TOKEN/") < html.index("/api/feeds/job")


def test_a_feed_of_thousands_of_series_shows_the_worst(
    owner: Client, django_assert_max_num_queries: Any
) -> None:
    feed = make_feed("many")
    arrive(feed, {"last": 1}, clock.now())
    Series.objects.filter(name="last").update(state="critical")
    Series.objects.bulk_create(
        Series(feed=feed, name=f"{n:04}", value=n, at=1, arrived=1) for n in range(3_000)
    )

    with django_assert_max_num_queries(12):
        html = html_of(owner, feed)

    assert "+2801 more" in text_of(html)
    listed = text_of(html).partition("Series State Value Age")[2]
    assert listed.index("last ▲ critical") < listed.index("0000")


@pytest.mark.parametrize("span", ["6h", "no", "%00"])
def test_any_span_is_answered(owner: Client, span: str) -> None:
    assert owner.get(f"/feeds/{make_feed().pk}/?span={span}").status_code == 200


def test_what_is_not_there_is_not_there(owner: Client) -> None:
    for path in ("", "edit/", "delete/"):
        assert owner.get(f"/feeds/4711/{path}").status_code == 404
    assert owner.post("/feeds/4711/pause/").status_code == 404


def test_an_open_page_of_a_feed_that_was_deleted_goes_to_the_list(owner: Client) -> None:
    answer = owner.get("/feeds/4711/", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["HX-Redirect"]) == (404, "/feeds/")


def test_what_was_done_is_said_to_whoever_did_it_and_not_to_a_poll(owner: Client) -> None:
    feed = make_feed()
    owner.post(f"/feeds/{feed.pk}/pause/")

    assert "Paused." not in owner.get("/feeds/", headers={"HX-Request": "true"}).content.decode()
    assert "Paused." in html_of(owner, feed)
    assert "Paused." not in html_of(owner, feed)


# -- what can be done ------------------------------------------------------------------------


def test_it_is_paused_and_resumed(owner: Client) -> None:
    feed = polled("api")

    owner.post(f"/feeds/{feed.pk}/pause/")
    paused = html_of(owner, feed)
    assert Feed.objects.get().paused
    assert FeedState.objects.get().next_due is None
    assert "Resume" in paused
    assert "Refresh now" not in paused

    owner.post(f"/feeds/{feed.pk}/resume/")
    after = Feed.objects.get()
    assert not after.paused
    assert after.revision > feed.revision
    assert FeedState.objects.get().next_due is not None


def test_it_is_asked_now_whatever_its_slot(owner: Client) -> None:
    feed = polled("api", interval=DAY)
    FeedState.objects.update(next_due=clock.now() + DAY)

    answer = owner.post(f"/feeds/{feed.pk}/refresh/", follow=True)

    assert FeedState.objects.get().next_due <= clock.now()  # type: ignore[operator]
    assert "Its source is asked now" in answer.content.decode()


def test_what_is_paused_or_handed_in_is_not_asked(owner: Client) -> None:
    for feed, why in (
        (polled("api", paused=True), "&quot;api&quot; is paused"),
        (make_feed("pushed"), "its readings come by themselves"),
    ):
        answer = owner.post(f"/feeds/{feed.pk}/refresh/", follow=True)

        assert why in answer.content.decode()
        assert FeedState.objects.get(feed=feed).next_due is None


def test_what_is_being_asked_is_not_asked_twice(owner: Client) -> None:
    feed = polled("api")
    FeedState.objects.update(lease_until=clock.now() + HOUR)

    answer = owner.post(f"/feeds/{feed.pk}/refresh/", follow=True)

    assert "being asked at this moment" in answer.content.decode()
    assert "Next run under way" in text_of(answer.content.decode())


def test_an_error_that_is_over_is_still_said(owner: Client) -> None:
    feed = polled("api")
    fail(feed, "connection refused", clock.now() - MINUTE)
    arrive(feed, {"value": 1}, clock.now())

    assert "It was connection refused" in text_of(html_of(owner, feed))


def test_reading_a_page_changes_nothing(owner: Client) -> None:
    feed = polled("api")

    for what in ("pause", "resume", "refresh"):
        assert owner.get(f"/feeds/{feed.pk}/{what}/").status_code == 405


def test_before_a_feed_is_deleted_it_is_said_what_goes(owner: Client) -> None:
    tokens.create("till", ["*"])
    feed = make_feed("shop.orders", made_by=Token.objects.get())
    arrive(feed, {"a": 1, "b": 2}, clock.now() - 3 * DAY)
    Event.objects.create(feed=feed, axis="note", what="note", start=1)
    board = make_board(title="Production")
    put(board, "shop.*", title="Orders")
    put(board, "other", title="Other")
    Description.objects.create(dashboard=board, noun="feed", name="shop.orders", said={})

    said = text_of(html_of(owner, feed, "delete/"))

    assert "2 series and 1 event, and all samples since 20" in said
    assert "1 tile will have nothing" in said
    assert "Production: Orders" in said
    assert "Other" not in said
    assert "makes it anew, as the token till did" in said
    assert "The file of Production describes it" in said
    assert Feed.objects.exists()


def test_it_is_deleted_with_all_it_has(owner: Client) -> None:
    feed = make_feed("<b>orders")
    arrive(feed, {"a": 1}, clock.now())

    answer = owner.post(f"/feeds/{feed.pk}/delete/", follow=True)

    assert not Feed.objects.exists()
    assert not Series.objects.exists()
    assert "&lt;b&gt;orders was deleted" in answer.content.decode()


def test_a_long_name_of_a_stranger_is_text_everywhere(owner: Client) -> None:
    feed = make_feed(f"<script>{'x' * 190}")
    arrive(feed, {"<script>": 1}, clock.now(), text="<script>")

    for more in ("", "edit/", "delete/"):
        html = html_of(owner, feed, more)
        assert "<script>x" not in html
        assert "<script>1" not in html
