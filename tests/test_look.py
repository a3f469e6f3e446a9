"""What a person would complain about on a wall, found by geometry in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.gallery import WALLS, page

pytestmark = pytest.mark.slow

OUT = Path(__file__).resolve().parent.parent / "e2e" / "out"
SCRIPT = (Path(__file__).parent / "look.js").read_text()
# Width, height, the least size of text, and of values, titles and states.
SCREENS = {
    "1080p": (1920, 1080, 14, 24),
    "4k": (3840, 2160, 28, 48),
    "phone": (390, 844, 12, 15),
}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("wall", WALLS)
def test_nothing_overlaps_is_cut_too_small_or_too_faint(
    browser: Browser, wall: str, theme: str, tmp_path: Path
) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    file = tmp_path / "wall.html"
    file.write_text(page(WALLS[wall](), theme))

    complaints = []
    for screen, (width, height, least, main) in SCREENS.items():
        tab = browser.new_page(viewport={"width": width, "height": height})
        tab.goto(file.as_uri())
        tab.evaluate("document.fonts.ready.then(() => null)")
        limits = {"least": least, "main": main, "still": screen != "phone"}
        complaints += [f"{screen}: {said}" for said in tab.evaluate(SCRIPT, limits)]
        tab.screenshot(path=OUT / f"{wall}-{theme}-{screen}.png", full_page=screen == "phone")
        tab.close()

    assert not complaints, "\n".join(complaints)
