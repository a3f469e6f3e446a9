"""Feeds that fail, hang, or answer rubbish: each says so on its tile, and delays nobody."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.test_breaks import tile
from e2e.wall import Wall, eventually

DEEP = b"[" * 100_000 + b"]" * 100_000
RUBBISH: dict[str, tuple[object, str]] = {
    "html": (b"<!doctype html><h1>502 Bad Gateway</h1>", "HTML"),
    "nan": (b'{"a": NaN}', "a"),
    "large": (b'{"a": 1, "x": "' + b"x" * 10_000_000 + b'"}', "MB"),
    "text": ({"a": "12"}, "number"),
    "deep": (DEEP, "deep"),
    "missing": ({"b": 1}, "a"),
}
MENDED: dict[str, object] = {
    "nul": b'{"a": 1, "t": "x\\u0000y"}',
    "surrogate": b'{"a": 1, "t": "x\\ud800y"}',
    "large-number": json.dumps({"a": 2**64}).encode(),
}


def test_each_says_what_is_wrong_and_the_others_stay_on_time(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers |= {name: body for name, (body, _) in RUBBISH.items()} | MENDED
    target.answers |= {"good": {"a": 1}, "hang": Target.HANG}
    names = [*RUBBISH, *MENDED, "hang", "good", "refused"]
    feeds = {name: feed_of(target.url(name)) for name in names}
    feeds["nul"]["options"]["text"] = feeds["surrogate"]["options"]["text"] = "t"
    feeds["refused"] = feed_of("http://127.0.0.1:1/")
    # A hundred that hang, for minutes if they may.
    feeds |= {f"hang.{i}": feed_of(target.url("hang"), timeout="60s") for i in range(100)}
    tiles = [stat(n, [i % 6 * 2, i // 6 * 2, 2, 2], n) for i, n in enumerate(names)]

    wall.apply(board(feeds, tiles))
    page = open_page(f"{wall.url}/d/test/")

    for name, (_, word) in RUBBISH.items():
        expect(page.locator(tile(page, name))).to_contain_text(word, timeout=20_000)
    expect(page.locator(tile(page, "refused"))).to_contain_text("refused", timeout=10_000)
    expect(page.locator(tile(page, "hang"))).to_contain_text("no answer within 1 s", timeout=20_000)
    for name in ("nul", "surrogate", "good"):
        expect(page.locator(f"{tile(page, name)} .value")).to_contain_text("1", timeout=10_000)
    expect(page.locator(f"{tile(page, 'large-number')} .value")).to_have_text(
        "1.8e19", timeout=9_000
    )

    def refreshes() -> int:
        sql = "SELECT claim FROM widgets_feedstate JOIN widgets_feed f ON f.id = feed_id"
        claims: int = wall.query(f"{sql} WHERE f.name = 'good'")[0][0]
        return claims

    eventually(lambda: target.asked.get("hang", 0) >= 100, 20, "a hundred hang")
    before = refreshes()
    page.wait_for_timeout(5_000)
    # A count and no span: one a second was due, whatever else hangs.
    assert refreshes() - before >= 4
    expect(page.locator(tile(page, "good"))).to_have_attribute("data-freshness", "fresh")


def test_a_feed_that_fails_keeps_its_last_reading_with_the_error_and_its_age(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 77}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 4, 3], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    shown = page.locator(tile(page, "x"))
    expect(shown.locator(".value")).to_contain_text("77", timeout=10_000)

    target.answers["x"] = b"<html>"
    expect(shown).to_have_attribute("data-freshness", "failed", timeout=10_000)
    expect(shown.locator(".value")).to_contain_text("77")
    expect(shown.locator(".error")).to_be_visible()
    expect(shown.locator("footer time")).to_be_visible()

    target.answers["x"] = {"a": 78}
    expect(shown).to_have_attribute("data-freshness", "fresh", timeout=20_000)
    expect(shown.locator(".value")).to_contain_text("78")
    expect(shown.locator(".error")).to_have_count(0)


def test_what_a_stranger_writes_arrives_as_text(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    evil = """<script>window.evil=1</script>"'&amp;<img src=x onerror=window.evil=1>"""
    target.answers["x"] = {"n": {evil: 1, "b": 2}, "rows": [{evil: evil}], "t": evil}
    options = {"url": target.url("x"), "series": "n", "rows": "rows", "text": "t"}
    feed = {"source": "json", "interval": "1s", "options": options}
    kinds = ["stat", "line", "bars", "gauge", "status", "table", "text"]
    tiles = [
        {"at": [i % 4 * 3, i // 4 * 3, 3, 3], "widget": kind, "kind": kind,
         "title": f"{kind} {evil}", "shows": {"feed": "x"}}
        for i, kind in enumerate(kinds)
    ]  # fmt: skip
    wall.apply(board({"x": feed}, tiles))

    page = open_page(f"{wall.url}/d/test/")
    expect(page.locator("article.widget-bars")).to_contain_text("<script>", timeout=10_000)
    expect(page.locator("article.widget-table")).to_contain_text(evil)
    page.locator("article.widget-line h2 a").click()
    page.wait_for_url("**/w/*/")
    expect(page.locator("body")).to_contain_text(evil)

    assert page.evaluate("window.evil") is None
