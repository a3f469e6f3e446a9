"""The pages: who may see them, what the first answer carries, and the guards htmx needs."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from tests.feeds import arrive, fail, make_feed
from tests.walls import make_board, put
from widgets import clock
from widgets.clock import MINUTE, SECOND

pytestmark = pytest.mark.django_db
STATIC = Path(settings.BASE_DIR) / "static"


def page(client: Client, path: str = "/d/ops/") -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/d/ops/", "/d/ops/w/{tile}/", "/"])
def test_a_dashboard_for_all_is_seen_by_all(
    owner: Client, viewer: Client, stranger: Client, path: str
) -> None:
    tile = put(make_board(first=True))

    found = [who.get(path.format(tile=tile.pk)).status_code for who in (owner, viewer, stranger)]

    assert found == [200, 200, 200]


@pytest.mark.parametrize("path", ["/d/ops/", "/d/ops/w/{tile}/", "/"])
def test_any_other_is_seen_by_who_is_signed_in(
    owner: Client, viewer: Client, stranger: Client, path: str
) -> None:
    tile = put(make_board(first=True, public=False))
    address = path.format(tile=tile.pk)

    assert [who.get(address).status_code for who in (owner, viewer)] == [200, 200]
    answer = stranger.get(address)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/login/?next={address}"


def test_what_is_not_there_is_not_found(viewer: Client) -> None:
    make_board()
    elsewhere = put(make_board("other"))

    paths = ["/d/nope/", "/d/ops/w/12345/", f"/d/ops/w/{elsewhere.pk}/", "/nope/"]

    assert [viewer.get(path).status_code for path in paths] == [404] * 4
    assert "There is no such page" in viewer.get("/nope/").content.decode()


def test_the_list_names_what_one_may_see(viewer: Client, stranger: Client) -> None:
    make_board("open")
    make_board("closed", public=False)

    assert re.findall(r'href="/d/(\w+)/"', page(viewer, "/walls/")) == ["closed", "open"]
    assert re.findall(r'href="/d/(\w+)/"', page(stranger, "/")) == ["open"]


def test_a_stranger_with_nothing_to_see_is_asked_to_sign_in(stranger: Client) -> None:
    make_board(public=False)

    assert stranger.get("/").headers["Location"] == "/login/?next=/"
    assert 'name="password"' in page(stranger, "/login/?next=/")


def test_signing_in_and_out(stranger: Client, viewer: Client) -> None:
    wrong = stranger.post("/login/", {"username": "viewer", "password": "wrong"})
    assert "User name and password do not match" in wrong.content.decode()
    assert "Sign out" in page(viewer, "/walls/")

    assert viewer.get("/logout/").status_code == 405
    assert viewer.post("/logout/").status_code == 302
    assert "Sign in" in page(viewer, "/login/")


def test_the_first_answer_carries_every_tile_with_its_data(stranger: Client) -> None:
    feed = make_feed(expect_every=MINUTE)
    arrive(feed, {"a": 41.5}, at=clock.now())
    made = make_board(theme="light", title="Ops & more")
    tile = put(made, title="Load")

    html = page(stranger)

    assert f'<article id="w{tile.pk}"' in html
    assert "41.5" in html
    assert 'data-freshness="fresh"' in html
    assert '<html lang="en" data-theme="light" class="on-wall" data-link="connecting"' in html
    assert "<title>Ops &amp; more</title>" in html
    assert '<noscript><meta http-equiv="refresh" content="30"></noscript>' in html
    assert stranger.head("/d/ops/").status_code == 200
    assert "no-store" in stranger.get("/d/ops/").headers["Cache-Control"]


def test_a_private_feed_is_nowhere_on_a_page_for_all(stranger: Client) -> None:
    feed = make_feed("hidden", private=True)
    arrive(feed, {"zzz": 77.25}, at=clock.now(), text="inner", rows=[{"k": "row"}])
    fail(feed, "cannot reach 10.1.2.3", at=clock.now())
    tile = put(make_board(), "hid*")

    for path in ("/d/ops/", f"/d/ops/w/{tile.pk}/"):
        html = page(stranger, path)
        for secret in ("zzz", "77.2", "inner", "10.1.2.3", "hidden:"):
            assert secret not in html.replace("hidden>", "")


def test_the_page_of_a_tile_has_its_picture_as_a_table(stranger: Client) -> None:
    arrive(make_feed("api"), {"p95": 200}, at=clock.now())
    tile = put(make_board(), "api", kind="line")

    html = page(stranger, f"/d/ops/w/{tile.pk}/")

    assert "The picture as a table" in html
    assert '<th scope="col">From, each 2 min 30 s</th>' in html


def test_the_page_of_a_tile_has_series_error_reading_and_history(stranger: Client) -> None:
    now = clock.now()
    feed = make_feed("api", thresholds=[{"series": "p95", "critical_above": 300}])
    arrive(feed, {"p95": 200, "p50": 20}, at=now - 30 * SECOND, units={"p95": "ms"})
    arrive(feed, {"p95": 412}, at=now - 20 * SECOND, text="<i>slow</i>")
    fail(feed, "connection <refused>", at=now)
    tile = put(make_board(), "api", kind="line")

    html = page(stranger, f"/d/ops/w/{tile.pk}/")

    assert html.count("<tr data-state=") == 2
    assert re.search(r'<tr data-state="critical"><td><b title="p95">p95</b>', html)
    assert "412\N{NO-BREAK SPACE}ms" in html
    assert "connection &lt;refused&gt;" in html
    assert "&quot;text&quot;: &quot;&lt;i&gt;slow&lt;/i&gt;&quot;" in html
    assert '<article id="history"' in html
    assert '<span class="chip critical">▲ critical</span>' in html
    assert f'hx-ws:connect="/ws/d/ops/?tile={tile.pk}"' in html


def test_an_unknown_span_of_history_is_the_usual_one(stranger: Client) -> None:
    tile = put(make_board())

    html = page(stranger, f"/d/ops/w/{tile.pk}/?span=<script>")

    assert '<a href="?span=24h" aria-current="true">24h</a>' in html
    assert "<script>" not in html


def test_a_very_long_reading_is_cut_and_says_so(stranger: Client) -> None:
    arrive(make_feed(), {}, at=clock.now(), text="x" * 50_000)
    tile = put(make_board(), kind="text")

    html = page(stranger, f"/d/ops/w/{tile.pk}/")

    assert "more characters" in html
    assert html.count("x" * 20_000) <= 1 or len(html) < 200_000


# What htmx needs, each learned the hard way; see docs/decisions.

WANTED = {
    "extensions": "ws",
    "history": False,
    "includeIndicatorCSS": False,
    "defaultSwap": "outerMorph",
    "defaultSettleDelay": 0,
    "ws": {
        "pauseOnBackground": False,
        "reconnectCodes": [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 4503],
        "reconnectDelay": 500,
        "reconnectMaxDelay": 3000,
    },
}


@pytest.mark.parametrize("path", ["/d/ops/", "/d/ops/w/{tile}/"])
def test_htmx_is_configured_before_it_starts(stranger: Client, path: str) -> None:
    tile = put(make_board())

    html = page(stranger, path.format(tile=tile.pk))
    meta = re.search(r"<meta name=\"htmx-config\" content='([^']*)'>", html)

    assert meta
    assert json.loads(meta[1]) == WANTED
    assert meta.start() < html.index("<script")


@pytest.mark.parametrize("path", ["/d/ops/", "/d/ops/w/{tile}/"])
def test_the_connecting_element_swaps_nothing_and_is_swapped_by_nothing(
    stranger: Client, path: str
) -> None:
    tile = put(make_board())

    html = page(stranger, path.format(tile=tile.pk))

    assert len(re.findall(r'<div hx-ws:connect="[^"]+" hx-swap="none" hidden></div>', html)) == 1
    assert html.count("hx-") == 2
    for element in ("wall", "status"):
        assert f'id="{element}"' in html
    assert html.index("hx-ws:connect") > html.index("</main>")


def test_htmx_and_its_extension_are_one_file() -> None:
    script = (STATIC / "vendor" / "htmx-4.0.1-ws.min.js").read_text()

    assert 'registerExtension("ws"' in script
    assert 'version="4.0.1"' in script or "4.0.1" in script


def test_all_scripts_together_stay_under_20_kilobytes() -> None:
    scripts = STATIC.glob("**/*.js")

    assert sum(len(gzip.compress(path.read_bytes())) for path in scripts) < 20_000


@pytest.mark.parametrize("path", ["/d/ops/", "/d/ops/w/{tile}/", "/walls/", "/login/", "/nope/"])
def test_no_page_has_inline_style_or_script(viewer: Client, path: str) -> None:
    arrive(make_feed(), {"a": 1}, at=clock.now())
    tile = put(make_board(), kind="line")

    answer = viewer.get(path.format(tile=tile.pk))
    html = answer.content.decode()

    assert " style=" not in html
    assert "<style" not in html
    assert not re.search(r"<script(?![^>]* src=)", html)
    assert not re.search(r"\son\w+=", html)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_the_address_of_a_static_file_names_the_build(stranger: Client) -> None:
    make_board()

    html = page(stranger)

    found = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    assert len(found) >= 6
    assert all(address.endswith(f"?v={settings.BUILD}") for address in found)
    assert f'data-build="{settings.BUILD}"' in html
