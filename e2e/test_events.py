"""Where a proxy breaks WebSockets, the page lives over server-sent events by itself."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.deployed import Parent, found
from e2e.relay import Relay, Sockets
from e2e.target import Target
from e2e.wall import Wall, free_port, listens

# The page tries its socket again every five minutes; here every three seconds.
IMPATIENT = """
const wait = window.setInterval;
window.setInterval = (work, ms, ...rest) => wait(work, ms === 300000 ? 3000 : ms, ...rest);
"""


@pytest.fixture
def proxy(wall: Wall, target: Target) -> Iterator[Relay]:
    """In front of a wall whose one tile shows 41."""
    target.answers["x"] = {"a": 41}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    proxy = Relay(wall.port, sockets="refuse")
    yield proxy
    proxy.close()


def visit(proxy: Relay, open_page: OpenPage) -> Page:
    page = open_page("about:blank")
    page.add_init_script(IMPATIENT)
    page.goto(f"{proxy.url}/d/test/")
    return page


def link(page: Page, state: str, says: str, within: float) -> None:
    expect(page.locator("html")).to_have_attribute("data-link", state, timeout=within * 1000)
    expect(page.locator("#link")).to_contain_text(says, timeout=within * 1000)


@pytest.mark.parametrize("sockets", ["refuse", "stall"])
def test_a_page_behind_a_proxy_that_breaks_sockets_is_live_over_events(
    proxy: Relay, target: Target, open_page: OpenPage, sockets: Sockets
) -> None:
    proxy.sockets = sockets
    page = visit(proxy, open_page)
    tile = page.locator("article.widget-stat")
    link(page, "live", "live over events", 60)
    tile.evaluate("node => { node.mark = 1; window.mark = 1; }")

    target.answers["x"] = {"a": 42}
    expect(tile).to_contain_text("42")
    for _ in range(2):
        # It says what it has painted, and the server knows whose page it is.
        with page.expect_response(lambda r: r.request.method == "POST", timeout=15_000) as answer:
            pass
        assert answer.value.status == 204

    assert tile.evaluate("node => node.mark") == 1
    assert page.evaluate("window.mark") == 1
    link(page, "live", "live over events", 0.1)


class PlainNginx(Parent):
    """nginx as it is mostly set up first: in front of a port, told nothing of WebSockets."""

    def __init__(self, folder: Path, port: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
        conf = folder / "nginx.conf"
        conf.write_text(
            f"pid {folder}/nginx.pid; events {{}} http {{ access_log off; {temporary} server {{ "
            f"listen 127.0.0.1:{self.port}; location / {{ proxy_pass http://127.0.0.1:{port}; "
            "proxy_set_header Host $http_host; } } }"
        )
        user = " user root;" if os.geteuid() == 0 else ""
        command = [found("nginx"), "-c", str(conf), "-e", str(folder / "nginx-error.txt"),
                   "-g", f"daemon off;{user}"]  # fmt: skip
        super().__init__(command, os.environ, folder / "nginx.txt")

    def is_ready(self) -> bool:
        return listens(self.port)


def test_a_page_behind_an_nginx_that_knows_no_sockets_is_live_over_events(
    wall: Wall, target: Target, open_page: OpenPage, tmp_path: Path
) -> None:
    target.answers["x"] = {"a": 41}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    nginx = PlainNginx(tmp_path, wall.port).start()
    try:
        page = open_page(f"{nginx.url}/d/test/")
        link(page, "live", "live over events", 60)

        target.answers["x"] = {"a": 42}
        # As soon as over a socket: nginx holds nothing of it back.
        expect(page.locator("article.widget-stat")).to_contain_text("42", timeout=5_000)
        with page.expect_response(lambda r: r.request.method == "POST", timeout=15_000) as answer:
            pass
        assert answer.value.status == 204
        page.close()
    finally:
        nginx.close()


def test_a_page_on_events_grows_old_comes_back_and_returns_to_its_socket(
    proxy: Relay, wall: Wall, target: Target, open_page: OpenPage
) -> None:
    page = visit(proxy, open_page)
    tile = page.locator("article.widget-stat")
    link(page, "live", "live over events", 60)
    page.evaluate("window.mark = 1")

    wall.end(signal.SIGKILL)
    link(page, "lost", "connection lost", 5)
    expect(tile).to_have_attribute("data-freshness", "late", timeout=8_000)
    wall.start()
    target.answers["x"] = {"a": 43}
    link(page, "live", "live over events", 20)
    expect(tile).to_contain_text("43", timeout=15_000)
    expect(tile).to_have_attribute("data-freshness", "fresh", timeout=5_000)

    proxy.sockets = "pass"
    link(page, "live", "live, ", 15)
    target.answers["x"] = {"a": 44}
    expect(tile).to_contain_text("44")
    assert page.evaluate("window.mark") == 1


def test_a_page_that_is_signed_out_while_on_events_asks_for_a_login(
    proxy: Relay, wall: Wall, open_page: OpenPage
) -> None:
    page = visit(proxy, open_page)
    link(page, "live", "live over events", 60)

    wall.python("from dashboard.models import Dashboard\nb = Dashboard.objects.get(slug='test')\n"
                "b.public = False\nb.save()")  # fmt: skip

    page.wait_for_url("**/login/?next=*", timeout=10_000)
