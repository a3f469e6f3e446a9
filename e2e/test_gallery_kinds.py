"""Every kind in every size and condition, looked at as a person would, on the gallery's data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from dashboard.gallery import FACES
from e2e.conftest import OUT
from e2e.gallery_pages import page
from e2e.look import SCREENS, SCRIPT
from widgets.kinds import kinds

pytestmark = pytest.mark.slow


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    tab = browser.new_page(viewport={"width": 1920, "height": 1080})
    yield tab
    tab.close()


def look(
    tab: Page, folder: Path, kind: str, face: str, theme: str = "dark", screen: str = "1080p"
) -> list[str]:
    """What a person would complain about; the picture is kept."""
    OUT.mkdir(parents=True, exist_ok=True)
    file = folder / "gallery.html"
    file.write_text(page(kind, face, theme))
    width, height, least, main = SCREENS[screen]
    tab.set_viewport_size({"width": width, "height": height})
    tab.goto(file.as_uri())
    tab.evaluate("document.fonts.ready.then(() => null)")
    said: list[str] = tab.evaluate(SCRIPT, {"least": least, "main": main, "still": False})
    tab.screenshot(path=OUT / f"{kind}-{face}-{theme}-{screen}.png", full_page=True)
    return [f"{kind}, {face}: {one}" for one in said]


@pytest.mark.parametrize("kind", kinds.slugs())
def test_a_kind_is_well_in_every_size_and_condition(tab: Page, kind: str, tmp_path: Path) -> None:
    complaints = [said for face in FACES for said in look(tab, tmp_path, kind, face)]

    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("kind", kinds.slugs())
def test_a_kind_is_well_in_the_light_and_on_a_phone(tab: Page, kind: str, tmp_path: Path) -> None:
    complaints = [
        *look(tab, tmp_path, kind, "fresh", theme="light"),
        *look(tab, tmp_path, kind, "stale", theme="light"),
        *look(tab, tmp_path, kind, "fresh", screen="phone"),
    ]

    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("kind", kinds.slugs())
def test_axe_finds_nothing_serious(tab: Page, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    found = []
    for face in ("fresh", "critical", "stale"):
        file.write_text(page(kind, face, "dark"))
        tab.goto(file.as_uri())
        found += Axe().run(tab)["violations"]

    serious = [
        (rule["id"], [node["html"][:200] for node in rule["nodes"]][:3])
        for rule in found
        if rule["impact"] in {"serious", "critical"}
    ]
    assert serious == []


@pytest.mark.parametrize("kind", kinds.slugs())
def test_a_state_is_said_without_its_colour(tab: Page, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "gallery.html"
    file.write_text(page(kind, "critical", "dark"))
    tab.goto(file.as_uri())

    said = tab.evaluate(
        """() => [...document.querySelectorAll('[data-state=critical], [data-state=warning]')]
          .filter((e) => !e.closest('.many > svg') && e.checkVisibility())
          .filter((e) => !/[▲◆]/.test(e.textContent))
          .map((e) => e.outerHTML.slice(0, 200))"""
    )

    assert said == []
