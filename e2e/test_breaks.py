"""What is broken on purpose, and how soon the page is honest and right again."""

from __future__ import annotations

import re
import signal
import time

import pytest
from playwright.sync_api import Page, expect

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.wall import Wall, eventually


def link(page: Page, state: str, within: float) -> None:
    expect(page.locator("html")).to_have_attribute("data-link", state, timeout=within * 1000)


def tile(page: Page, title: str) -> str:
    """The selector of a tile by its title."""
    return f'article.widget:has(h2 [title="{title}"])'


def freshness(page: Page, title: str, word: str, within: float) -> None:
    expect(page.locator(tile(page, title))).to_have_attribute(
        "data-freshness", word, timeout=within * 1000
    )


def shows(page: Page, title: str, text: str, within: float = 10) -> None:
    expect(page.locator(tile(page, title))).to_contain_text(text, timeout=within * 1000)


def test_a_killed_server_is_noticed_aged_and_healed_without_a_reload(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    shows(page, "x", "41")
    link(page, "live", 5)
    page.evaluate("window.mark = 1")

    wall.end(signal.SIGKILL)
    link(page, "lost", 5)
    # Late after 2 intervals and the timeout, stale after 10 s, with nobody left to say so.
    freshness(page, "x", "late", 8)
    freshness(page, "x", "stale", 12)
    expect(page.locator(f"{tile(page, 'x')} .on-stale")).to_be_visible()

    target.answers["x"] = {"a": 42}
    wall.start()
    link(page, "live", 5)
    # The claim the dead process held ends after timeout + 5 s; it died at least 10 s ago.
    shows(page, "x", "42", 5)
    freshness(page, "x", "fresh", 5)
    assert page.evaluate("window.mark") == 1


@pytest.mark.slow
def test_a_frozen_server_is_noticed_and_forgiven(
    wall: Wall, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    wall.apply(board({"x": feed_of(target.url("x"))}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    shows(page, "x", "41")
    page.evaluate("window.mark = 1")

    stopped = time.monotonic()
    wall.send(signal.SIGSTOP)
    link(page, "lost", 15)
    page.wait_for_timeout(max(0, 20 - (time.monotonic() - stopped)) * 1000)
    freshness(page, "x", "stale", 1)
    wall.send(signal.SIGCONT)

    link(page, "live", 8)
    freshness(page, "x", "fresh", 8)
    assert page.evaluate("window.mark") == 1


def test_nothing_arrives_and_still_it_grows_late_and_stale_everywhere(
    wall: Wall, open_page: OpenPage
) -> None:
    pushed = {"source": "push", "expect_every": "2s"}
    wall.apply(board({"x": pushed}, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{wall.url}/d/test/")
    link(page, "live", 5)
    wall.python(PUSH.format(feed="x", numbers={"a": 5}))

    shows(page, "x", "5")
    freshness(page, "x", "late", 10)
    freshness(page, "x", "stale", 15)

    expect(page.locator("#status")).to_contain_text("stale", timeout=5000)
    noted = (
        "SELECT what, end IS NULL FROM widgets_event e JOIN widgets_feed f ON f.id = e.feed_id "
        "WHERE f.name = 'x' ORDER BY start"
    )
    assert eventually(lambda: wall.query(noted)[1:], 5) == [("stale", 1)]
    assert wall.query(noted)[0] == ("late", 0)


PUSH = """
from widgets import clock, record
from widgets.models import Feed
from widgets.reading import Reading
record.record(record.Arrival(Feed.objects.get(name="{feed}").pk, clock.now(),
    Reading({numbers}, complete=False)), timeout=20)
record.stop()
"""


def test_one_host_of_fifty_that_falls_silent_shows(wall: Wall, open_page: OpenPage) -> None:
    tiles = [
        {"at": [0, 0, 12, 6], "widget": "hosts", "title": "hosts", "kind": "status",
         "shows": {"feed": "hosts", "series": "*"}},
    ]  # fmt: skip
    wall.apply(board({"hosts": {"source": "push", "expect_every": "3s"}}, tiles))
    hosts = {f"host{i}": 1 for i in range(50)}
    page = open_page(f"{wall.url}/d/test/")
    wall.python(PUSH.format(feed="hosts", numbers=hosts))
    expect(page.locator(f"{tile(page, 'hosts')} li")).to_have_count(50, timeout=10_000)
    del hosts["host7"]

    def silent_shows() -> bool:
        wall.python(PUSH.format(feed="hosts", numbers=hosts))
        return page.locator("li[data-freshness=late], li[data-freshness=stale]").count() == 1

    eventually(silent_shows, 30, "one cell is late or stale")
    expect(page.locator("li[data-freshness=late], li[data-freshness=stale]")).to_contain_text(
        "host7"
    )


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_the_end_loses_nothing_in_flight(wall: Wall, target: Target, sig: signal.Signals) -> None:
    target.answers["slow"] = Target.HANG
    slow = feed_of(target.url("slow"), interval="1s", timeout="20s")
    wall.apply(board({"slow": slow}, [stat("slow", [0, 0, 3, 2], "slow")]))
    eventually(lambda: target.asked.get("slow"), 10, "the fetch is under way")
    target.answers["slow"] = {"a": 1}

    wall.send(sig)
    target.released.set()
    assert wall.process is not None
    code = wall.process.wait(40)

    assert code == 0, wall.log.read_text()
    claim, lease, duration = wall.query(
        "SELECT claim, lease_until, duration FROM widgets_feedstate s "
        "JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name = 'slow'"
    )[0]
    assert claim == 1
    assert lease == 0, "what was claimed was recorded"
    assert duration is not None


def test_a_worker_killed_in_the_middle_of_a_refresh_is_made_good_and_nothing_twice(
    wall: Wall, target: Target
) -> None:
    target.answers["x"] = Target.HANG
    wall.apply(board({"x": feed_of(target.url("x"), timeout="3s")}, [stat("x", [0, 0, 3, 2], "x")]))
    eventually(lambda: target.asked.get("x"), 10, "the fetch is under way")
    lease = (
        "SELECT lease_until / 1e6 FROM widgets_feedstate s JOIN widgets_feed f ON f.id = feed_id"
    )
    until = wall.query(f"{lease} WHERE f.name = 'x'")[0][0]

    wall.end(signal.SIGKILL)
    target.answers["x"] = {"a": 7}
    wall.start()

    samples = (
        "SELECT t.ts, t.value FROM widgets_sample t JOIN widgets_series s ON s.id = t.series_id "
        "JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name = 'x'"
    )
    found = eventually(lambda: wall.query(samples), 15, "it was asked again")
    assert found[0][0] / 1e6 > until, "not before the lease of the dead worker ended"
    assert {value for _, value in found} == {7}


def test_a_taken_port_is_one_clear_line(wall: Wall) -> None:
    import subprocess
    import sys

    second = subprocess.run(
        [sys.executable, "manage.py", "up", "--port", str(wall.port)],
        cwd=wall_root(), env=wall.environment, capture_output=True, check=False, timeout=30,
    )  # fmt: skip

    said = second.stderr.decode().strip()
    assert second.returncode != 0
    assert re.search(rf"Port {wall.port} of 127.0.0.1 cannot be used", said)
    assert len(said.splitlines()) == 1


def wall_root() -> str:
    from e2e.wall import ROOT

    return str(ROOT)
