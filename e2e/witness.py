"""Who looks on while something is broken: sockets that come back as pages do, and a page.

Under a feed of numbered readings they show whether a wall is right again, and whether it lied.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from e2e.boards import board, stat
from e2e.wall import Managed, Program, eventually

VALUE = re.compile(r'class="value[^"]*">\s*([0-9][0-9,\u202f]*)')
RETRY = 0.3  # s; a page waits 0.2 to 1.5
# Late was passed by more than a second, and the tile still says that it is fresh.
WATCH_FOR_LIES = """
window.lies = [];
setInterval(() => {
  for (const tile of document.querySelectorAll("article[data-late-at]")) {
    const since = Date.now() - Number(tile.dataset.lateAt || Infinity);
    if (tile.dataset.freshness === "fresh" && since > 1000) window.lies.push(since);
  }
}, 50);
"""


def number_in(html: str) -> int | None:
    """The number that a stat tile shows."""
    found = VALUE.search(html)
    return int(re.sub(r"\D", "", found.group(1))) if found else None


class Witness:
    """A socket in a thread of its own. It opens another as soon as one breaks."""

    def __init__(self, url: str, slug: str) -> None:
        self.newest = 0
        self.opened = 0
        self.codes: list[int | None] = []
        # The moments of all that was heard, by the monotonic clock.
        self.heard: list[float] = []
        self._address = f"{url.replace('http', 'ws', 1)}/ws/d/{slug}/"
        self._origin = Origin(url)
        self._socket: ClientConnection | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def longest_silence(self, since: float) -> float:
        """The longest time without a word (s), from a moment on and until now."""
        moments = [since, *(at for at in self.heard if at > since), time.monotonic()]
        return max(after - before for before, after in itertools.pairwise(moments))

    def close(self) -> None:
        self._ending.set()
        if self._socket:
            self._socket.close_socket()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._ending.wait(RETRY if self.opened else 0):
            try:
                with connect(
                    self._address, origin=self._origin, open_timeout=3, close_timeout=1,
                    max_size=None, ping_interval=None, compression=None, proxy=None,
                ) as here:  # fmt: skip
                    self._socket = here
                    self.opened += 1
                    self._listen(here)
            except (OSError, TimeoutError, WebSocketException):
                continue  # Broken off, as expected here; it comes back.

    def _listen(self, here: ClientConnection) -> None:
        try:
            while not self._ending.is_set():
                # As the page does: twelve seconds without a word are a lost link.
                text = here.recv(timeout=12)
                self.heard.append(time.monotonic())
                if isinstance(text, str) and not text.startswith("{"):
                    self.newest = max(self.newest, number_in(text) or 0)
        finally:
            self.codes.append(here.close_code)


class Scene:
    """A wall, a feed of numbered readings, three sockets and a page."""

    def __init__(self, wall: Any, url: str, open_page: Callable[..., Page], slug: str) -> None:
        self.wall, self.slug = wall, slug
        feeds = {slug: {"source": "push", "expect_every": "2s"}}
        Managed.apply(wall, board(feeds, [stat(slug, [0, 0, 6, 4], slug)], slug=slug))
        feed = wall.query(f"SELECT id FROM widgets_feed WHERE name = '{slug}'")[0][0]
        self._told = wall.data / f"{slug}.told"
        self._told.touch()
        command = [sys.executable, "-m", "e2e.teller", str(feed), str(self._told), "0.1"]
        self.teller = Program(command, wall.environment, wall.data / f"{slug}.teller.txt")
        self.teller.spawn()
        self.page = open_page("about:blank")
        self.page.add_init_script(WATCH_FOR_LIES)
        self.page.goto(f"{url}/d/{slug}/")
        self.page.evaluate("window.mark = 1")
        self.witnesses = [Witness(url, slug) for _ in range(3)]
        self.right_within(30)

    @property
    def acknowledged(self) -> list[int]:
        lines = self._told.read_text().splitlines()
        return [int(line.split()[0]) for line in lines]

    @property
    def last(self) -> int:
        return max(self.acknowledged, default=0)

    @property
    def shown(self) -> list[int]:
        """What each of the sockets and the page shows."""
        return [*(witness.newest for witness in self.witnesses), self._on_page()]

    def _on_page(self) -> int:
        return number_in(self.page.locator("#wall").inner_html(timeout=5000)) or 0

    def right_within(self, seconds: float) -> None:
        """From now on: new readings are taken, and every screen shows one of them."""
        before = self.last
        eventually(
            lambda: self.last > before and min(self.shown) > before,
            seconds,
            f"all show more than {before}; see {self.teller.log}",
        )

    def end(self) -> None:
        """What must be true of every scene: nothing was lost, all end on the newest, no lie."""
        assert self.teller.end() == 0, self.teller.log.read_text()
        eventually(
            lambda: set(self.shown) == {self.last}, 5, f"all end on {self.last}: {self.shown}"
        )
        stored = self.wall.query(
            "SELECT s.value FROM widgets_sample s JOIN widgets_series r ON r.id = s.series_id "
            f"JOIN widgets_feed f ON f.id = r.feed_id WHERE f.name = '{self.slug}'"
        )
        values = [int(value) for (value,) in stored]
        assert set(self.acknowledged) <= set(values), "what was acknowledged is there"
        assert len(values) == len(set(values)), "and once"
        assert json.loads(self.page.evaluate("JSON.stringify(window.lies)")) == []
        assert self.page.evaluate("window.mark") == 1, "it healed without a reload"

    def close(self) -> None:
        self.teller.close()
        for witness in self.witnesses:
            witness.close()


@contextmanager
def scene(wall: Any, url: str, open_page: Callable[..., Page], slug: str) -> Iterator[Scene]:
    """A scene; what must be true at its end is asserted if nothing went wrong before."""
    here = Scene(wall, url, open_page, slug)
    try:
        yield here
        here.end()
    finally:
        here.close()
