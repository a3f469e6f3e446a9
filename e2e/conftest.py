from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from e2e.chromium import chromium
from e2e.target import Target
from e2e.wall import Wall

OUT = Path(__file__).parent / "out"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Watched:
    """What a page complained of. A lost connection is the browser's own complaint, not ours, and
    so is a form that was refused."""

    LOST = (
        "WebSocket connection to",
        "net::ERR_CONNECTION",
        "net::ERR_EMPTY_RESPONSE",
        "net::ERR_INCOMPLETE_CHUNKED_ENCODING",
        "htmx:ws:error",
        "htmx:error: Failed to fetch",
        "status of 400",
        "status of 409",
    )

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", self._note)
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation', (e) =>"
            " console.error('policy: ' + e.violatedDirective + ' ' + e.blockedURI))"
        )

    def _note(self, message: ConsoleMessage) -> None:
        lost = any(sign in message.text for sign in self.LOST)
        if message.type in {"error", "warning"} and not lost:
            self.complaints.append(message.text)


OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Opens pages; at the end none of them may have complained of anything."""
    watched: list[Watched] = []

    def open_(url: str, width: int = 1920, height: int = 1080, **context: object) -> Page:
        context_ = browser.new_context(
            viewport={"width": width, "height": height},
            **context,  # type: ignore[arg-type]
        )
        page = context_.new_page()
        watched.append(Watched(page))
        page.goto(url)
        return page

    yield open_
    for one in watched:
        one.page.context.close()
    assert [complaint for one in watched for complaint in one.complaints] == []


@pytest.fixture(scope="session")
def shared_wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    """The wall as a newcomer gets it, for tests that only look."""
    wall = Wall(tmp_path_factory.mktemp("wall")).start()
    yield wall
    assert wall.end() == 0, wall.log.read_text()


@pytest.fixture
def wall(tmp_path: Path) -> Iterator[Wall]:
    """A wall that a test may break."""
    wall = Wall(tmp_path).start()
    yield wall
    if wall.process is not None and wall.process.poll() is None:
        wall.end()


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    yield target
    target.close()
