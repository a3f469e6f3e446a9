"""What is known of feeds, for machines."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from dashboard.views import api
from tests.feeds import arrive, make_feed, polled
from widgets import clock
from widgets.clock import MINUTE, SECOND
from widgets.models import Feed, FeedState, Token
from widgets.push import tokens

pytestmark = pytest.mark.django_db
NOW = clock.now() // SECOND * SECOND


def ask(client: Client, address: str, token: str = "", status: int = 200) -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = client.get(address, headers=headers)
    assert answer.status_code == status, answer.content
    assert "no-store" in answer.headers["Cache-Control"]
    return answer.json()


def reader(*feeds: str) -> str:
    return tokens.create("r", feeds, may_push=False, may_create=False, may_read=True)


@pytest.fixture
def shop() -> Feed:
    feed = make_feed("shop.orders", expect_every=MINUTE, private=True,
                     thresholds=[{"series": "late", "warning_above": 1}])  # fmt: skip
    arrive(feed, {"open": 17, "late": 2}, at=NOW, units={"open": "orders"})
    return feed


ADDRESSES = ["/api/feeds/", "/api/feeds/shop.orders", "/api/feeds/shop.orders/samples"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_for_who_is_signed_in_or_has_a_reading_token(
    viewer: Client, stranger: Client, shop: Feed, address: str
) -> None:
    pusher = tokens.create("p", ["*"])

    assert ask(viewer, address)
    assert ask(stranger, address, reader("shop.*"))
    assert "a token that may read back" in ask(stranger, address, status=401)["error"]
    assert "not known here" in ask(stranger, address, "nonsense", 401)["error"]
    assert "not known here" in ask(viewer, address, "x" * 500, 401)["error"]
    assert 'the token "p" may not read back' in ask(stranger, address, pusher, 403)["error"]
    tokens.revoke("r")
    assert viewer.post(address).status_code == 405


def test_a_token_reads_nothing_but_its_feeds(stranger: Client, shop: Feed) -> None:
    make_feed("other")
    token = reader("shop.*")

    assert [f["name"] for f in ask(stranger, "/api/feeds/", token)["feeds"]] == ["shop.orders"]
    there = ask(stranger, "/api/feeds/other", token, 404)["error"]
    missing = ask(stranger, "/api/feeds/shop.no", token, 404)["error"]
    assert there.replace("other", "") == missing.replace("shop.no", "")


def test_that_a_token_read_is_written(stranger: Client, shop: Feed) -> None:
    ask(stranger, "/api/feeds/", reader("*"))

    assert Token.objects.get().used


def test_the_last_reading_and_whether_to_believe_it(viewer: Client, shop: Feed) -> None:
    found = ask(viewer, "/api/feeds/shop.orders")

    shop.now.refresh_from_db()
    assert found == {
        "name": "shop.orders", "source": "push", "version": shop.now.version, "state": "warning",
        "freshness": "fresh", "time": NOW / SECOND, "error": None, "rows": None, "text": None,
        "notes": [], "asked": None,
        "series": [
            {"name": "late", "value": 2.0, "unit": "", "time": NOW / SECOND, "state": "warning",
             "freshness": "fresh", "message": "2 is above 1"},
            {"name": "open", "value": 17.0, "unit": "orders", "time": NOW / SECOND, "state": "ok",
             "freshness": "fresh", "message": None},
        ],
    }  # fmt: skip


def test_the_list_goes_on_behind_a_name(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "MOST_LISTED", 2)
    for name in "abc":
        make_feed(name)

    first = ask(viewer, "/api/feeds/")
    second = ask(viewer, f"/api/feeds/?after={first['next']}")

    assert [f["name"] for f in first["feeds"]] == ["a", "b"]
    assert [f["name"] for f in second["feeds"]] == ["c"]
    assert second["next"] is None


def test_samples_between_two_moments(viewer: Client) -> None:
    feed = make_feed("a/b")
    now = clock.now() // SECOND * SECOND
    points = [("x", now - i * 10 * SECOND, float(i)) for i in range(1, 60)]
    arrive(feed, {"x": 0, "y": 5}, at=now, history=points)

    last = ask(viewer, "/api/feeds/a%2Fb/samples?from=30s&series=x")
    exact = ask(
        viewer,
        f"/api/feeds/a/b/samples?from={now // SECOND - 20}&to={now // SECOND - 10}&series=x",
    )
    coarse = ask(viewer, "/api/feeds/a/b/samples?from=10m&step=1m")

    seconds = now // SECOND
    assert last["series"][0]["points"][-1] == [seconds, 0.0]
    assert len(last["series"]) == 1
    assert exact["series"][0]["points"] == [[seconds - 20, 2.0], [seconds - 10, 1.0]]
    assert [one["name"] for one in coarse["series"]] == ["x", "y"]
    assert 2 <= len(coarse["series"][0]["points"]) <= 10


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=noon", "from: 'noon' is neither seconds since 1970 nor a span such as 6h"),
        ("from=1h&to=2h", "from: it is not before to"),
        ("from=20000d", "from: more than ten years at once"),
        ("from=-1", "from: it is less than nothing"),
        ("from=1e300", "from: '1e300' is no moment"),
        ("from=nan", "from: 'nan' is neither"),
        ("step=x", "step: 'x' is neither"),
    ],
)
def test_what_is_asked_wrongly_is_named(viewer: Client, shop: Feed, query: str, said: str) -> None:
    assert said in ask(viewer, f"/api/feeds/shop.orders/samples?{query}", status=400)["error"]


def test_so_many_series_at_once(
    viewer: Client, shop: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_SERIES", 1)

    refused = ask(viewer, "/api/feeds/shop.orders/samples", status=400)
    one = ask(viewer, "/api/feeds/shop.orders/samples?series=open")

    assert refused["error"] == "series: 2; name 1 at most"
    assert [s["name"] for s in one["series"]] == ["open"]


def test_how_the_asking_of_a_feed_goes(viewer: Client) -> None:
    feed = polled("cpu", interval=MINUTE, unwatched=5 * MINUTE)
    FeedState.objects.filter(pk=feed.pk).update(
        next_due=NOW, lateness=4_000, duration=1_250_000, last_error="no route", last_error_at=NOW
    )

    assert ask(viewer, "/api/feeds/cpu")["asked"] == {
        "schedule": "every 1 min while watched, else 5 min",
        "next": NOW / SECOND,
        "late_by": 0.004,
        "took": 1.25,
        "last_error": "no route",
        "last_error_time": NOW / SECOND,
    }
