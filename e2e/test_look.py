"""The wall as shipped, looked at on a TV, a large TV and a phone."""

from __future__ import annotations

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import expect

from e2e.conftest import OUT, OpenPage
from e2e.look import SCREENS, SCRIPT
from e2e.test_page import has_numbers, live
from e2e.wall import Wall, eventually


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_on_the_first_board_overlaps_is_cut_or_scrolls(
    shared_wall: Wall, open_page: OpenPage, screen: str
) -> None:
    width, height, least, main = SCREENS[screen]
    eventually(lambda: has_numbers(shared_wall), 20, "all feeds were read")
    page = open_page(shared_wall.url, width, height)
    live(page)
    page.evaluate("document.fonts.ready.then(() => null)")

    limits = {"least": least, "main": main, "still": screen != "phone"}
    said = page.evaluate(SCRIPT, limits)

    OUT.mkdir(exist_ok=True)
    page.screenshot(path=OUT / f"first-{screen}.png", full_page=screen == "phone")
    assert said == []


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("path", ["/", "/walls/", "/login/", "tile"])
def test_axe_finds_nothing_serious(
    shared_wall: Wall, open_page: OpenPage, path: str, theme: str
) -> None:
    page = open_page(shared_wall.url, color_scheme=theme)
    if path == "tile":
        page.locator("article.widget-line h2 a").first.click()
    elif path != "/":
        page.goto(shared_wall.url + path)
    expect(page.locator("h1").first).to_be_visible()
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)

    found = Axe().run(page)["violations"]

    serious = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
    assert serious == []
