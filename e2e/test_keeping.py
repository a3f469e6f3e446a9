"""A backup and a restore under a wall that runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from playwright.sync_api import expect

from e2e.boards import board, stat
from e2e.conftest import OpenPage
from e2e.test_breaks import PUSH, freshness, link, shows
from e2e.wall import Wall


def test_a_page_shows_what_was_restored_and_the_wall_goes_on(
    wall: Wall, open_page: OpenPage
) -> None:
    wall.apply(board({"x": {"source": "push"}}, [stat("x", [0, 0, 3, 2], "x")]))
    wall.python(PUSH.format(feed="x", numbers={"a": 41}))
    path = wall.data / "wall.sqlite3"
    page = open_page(f"{wall.url}/d/test/")
    shows(page, "x", "41")
    link(page, "live", 5)
    page.evaluate("window.mark = 1")

    wall.manage("backup", str(path))
    wall.python(PUSH.format(feed="x", numbers={"a": 43}))
    shows(page, "x", "43")
    tiles = [stat("x", [0, 0, 3, 2], "x"), stat("new", [3, 0, 3, 2], "x")]
    wall.apply(board({"x": {"source": "push"}}, tiles))
    expect(page.locator("article.widget")).to_have_count(2, timeout=5_000)

    wall.manage("restore", str(path))

    shows(page, "x", "41", 5)
    expect(page.locator("article.widget")).to_have_count(1, timeout=5_000)
    freshness(page, "x", "aged", 5)
    wall.python(PUSH.format(feed="x", numbers={"a": 47}))
    shows(page, "x", "47", 5)
    link(page, "live", 1)
    assert page.evaluate("window.mark") == 1
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("SELECT value FROM widgets_series WHERE name = 'a'").fetchall() == [
            (41,)
        ]
