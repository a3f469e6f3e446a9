"""The wall as a newcomer sees it: real numbers at once, moving, and right to look at."""

from __future__ import annotations

import gzip
import os
import re
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect

from e2e.conftest import OUT, OpenPage
from e2e.wall import ROOT, Wall, eventually

TILES = "#wall article.widget"


def live(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def has_numbers(wall: Wall) -> bool:
    """Every tile that waits for a reading has had one."""
    return 'data-face="waiting"' not in fetched(wall.url)


def test_the_first_page_carries_every_tile_with_its_data(shared_wall: Wall) -> None:
    eventually(lambda: has_numbers(shared_wall), 20, "all feeds were read")

    html = fetched(shared_wall.url)

    assert html.count("<article") >= 10
    assert re.search(r'class="value[^"]*">\s*[\d.,]+', html), "a number at first paint"
    assert '<noscript><meta http-equiv="refresh"' in html


def test_without_javascript_the_page_shows_numbers_and_comes_again(
    shared_wall: Wall, open_page: OpenPage
) -> None:
    # The processor's load needs two readings; without JavaScript nothing changes for 30 s.
    first = re.compile(r'class="value[^"]*">\s*[\d.,]+')
    eventually(lambda: first.search(fetched(shared_wall.url).split("</article>")[0]), 20)

    page = open_page(shared_wall.url, java_script_enabled=False)

    expect(page.locator(f"{TILES}.widget-stat .value").first).to_contain_text(re.compile(r"\d"))


def test_values_change_without_a_reload_and_the_tile_stays_the_same_node(
    shared_wall: Wall, open_page: OpenPage
) -> None:
    page = open_page(shared_wall.url)
    live(page)
    moving = page.locator(f"{TILES}.widget-line").first
    before = moving.get_attribute("data-version")
    path = moving.locator("svg path.k1").first.get_attribute("d")
    moving.evaluate("node => { node.mark = 1; window.mark = 1; }")

    page.wait_for_function(
        "([id, before]) => document.getElementById(id).dataset.version !== before",
        arg=[moving.get_attribute("id"), before],
        timeout=15_000,
    )

    assert moving.evaluate("node => node.mark") == 1
    assert page.evaluate("window.mark") == 1
    assert moving.locator("svg path.k1").first.get_attribute("d") != path


def test_the_page_fetches_nothing_from_elsewhere(shared_wall: Wall, open_page: OpenPage) -> None:
    page = open_page("about:blank")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(shared_wall.url)
    live(page)

    assert asked
    assert [url for url in asked if not url.startswith((shared_wall.url, "data:"))] == []


def test_every_page_has_the_policy(shared_wall: Wall) -> None:
    for path in ("/", "/login/", "/admin/login/", "/walls/", "/static/live.js"):
        with urllib.request.urlopen(shared_wall.url + path, timeout=10) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert "script-src 'self'" in policy, path
            assert "unsafe" not in policy, path


def test_all_scripts_together_stay_under_20_kB_compressed() -> None:
    scripts = [path for path in Path(ROOT, "static").rglob("*.js") if "admin" not in path.parts]

    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in scripts}

    assert sum(sizes.values()) < 20_000, sizes


def test_a_tile_opens_its_detail_page_which_is_live_too(
    shared_wall: Wall, open_page: OpenPage
) -> None:
    page = open_page(shared_wall.url)
    page.locator(f"{TILES}.widget-line h2 a").first.click()

    live(page)
    expect(page.locator("article.widget-line").first).to_be_visible()
    expect(page.locator("table").first).to_be_visible()


def test_pictures_for_the_readme(shared_wall: Wall, open_page: OpenPage) -> None:
    OUT.mkdir(exist_ok=True)
    # `make pictures` waits for a history to show.
    open_page("about:blank").wait_for_timeout(1000 * int(os.environ.get("PICTURES_AFTER", "0")))
    for name, width, height in (("wall", 1920, 1080), ("wall-4k", 3840, 2160), ("phone", 390, 844)):
        page = open_page(shared_wall.url, width, height)
        live(page)
        page.screenshot(path=OUT / f"{name}.png", full_page=name == "phone")

        assert (OUT / f"{name}.png").stat().st_size > 20_000


def test_a_screen_stays_awake_hides_its_cursor_and_fills_itself_at_a_key(
    shared_wall: Wall, open_page: OpenPage
) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "window.locks = 0; Object.defineProperty(navigator, 'wakeLock', {value:"
        " {request: async () => { window.locks++; return {}; }}})"
    )
    page.goto(shared_wall.url)
    live(page)

    assert page.evaluate("window.locks") == 1
    expect(page.locator("html")).to_have_class(re.compile(r"\bidle\b"), timeout=6_000)
    assert page.evaluate("getComputedStyle(document.body).cursor") == "none"
    page.mouse.move(100, 100)
    expect(page.locator("html")).not_to_have_class(re.compile(r"\bidle\b"))

    page.keyboard.press("f")
    eventually(lambda: page.evaluate("document.fullscreenElement?.localName") == "html", 5)
    page.keyboard.press("f")
    eventually(lambda: page.evaluate("document.fullscreenElement") is None, 5)


def test_a_new_build_makes_the_page_reload_once(shared_wall: Wall, open_page: OpenPage) -> None:
    page = open_page(shared_wall.url)
    live(page)

    with page.expect_event("load", timeout=15_000):
        page.evaluate("document.documentElement.dataset.build = 'older'; window.mark = 1")

    live(page)
    assert page.evaluate("window.mark") is None
    page.evaluate("document.documentElement.dataset.build = 'older'; window.mark = 1")
    page.wait_for_timeout(9_000)
    assert page.evaluate("window.mark") == 1, "once for each build"
