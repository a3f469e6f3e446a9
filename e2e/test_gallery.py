"""What a person would complain about on a wall, found by geometry in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from e2e.conftest import OUT
from e2e.gallery import WALLS, page
from e2e.look import SCREENS, SCRIPT

pytestmark = pytest.mark.slow


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


DEFECTS = """<!doctype html>
<style>
  body { margin: 0; background: #000; color: #fff; font: 20px sans-serif; }
  .over, .under { position: absolute; top: 0; }
  .under { top: 5px; }
  .cut { width: 60px; overflow: hidden; white-space: nowrap; }
  .end { text-overflow: ellipsis; }
</style>
<p class="over">lying</p><p class="under">beneath</p>
<p style="margin-top: 90px" class="cut">cut without an end</p>
<p class="cut end">no title here</p>
<p class="cut" style="height: 8px">lower half</p>
<p style="font-size: 9px">tiny</p>
<p style="color: #333">faint</p>
<p class="cut end" title="all">all is well here</p>
<p style="margin-top: 2000px">far down</p>"""


def test_the_eye_sees_each_defect(browser: Browser) -> None:
    tab = browser.new_page(viewport={"width": 800, "height": 600})
    tab.set_content(DEFECTS)

    complaints = "\n".join(tab.evaluate(SCRIPT, {"least": 14, "main": 24, "still": True}))

    tab.close()
    for said in (
        '"lying" lies on "beneath"',
        '"cut without an end" is cut across',
        '"no title here" is cut across',
        '"lower half" is cut below',
        '"tiny" is 9.0 px, 14 is the least',
        '"faint" has a contrast of 1.66',
        "the wall scrolls",
    ):
        assert said in complaints
    assert "all is well" not in complaints
