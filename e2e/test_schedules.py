"""Real processes, and feeds by a calendar or only while somebody watches."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from e2e.boards import board, stat
from e2e.cluster import Cluster
from e2e.target import Target
from e2e.wall import Wall, eventually

NEXT = "SELECT next_due FROM widgets_feedstate"


@pytest.fixture
def target() -> Iterator[Target]:
    target = Target()
    target.answers["orders"] = {"open": 17}
    yield target
    target.close()


def board_of(target: Target, **schedule: str) -> str:
    options = {"url": target.url("orders"), "numbers": {"a": "open"}}
    feed = {"source": "json", "options": options, **schedule}
    return board({"orders": feed}, [stat("orders", [0, 0, 3, 2], "orders")])


def test_a_feed_is_fast_while_a_page_shows_it_and_slow_again_when_its_server_was_killed(
    tmp_path: Path, target: Target
) -> None:
    with Cluster(tmp_path, webs=1, hueys=1) as cluster:
        cluster.apply(board_of(target, interval="1s", unwatched="1h"))
        eventually(lambda: target.asked.get("orders"), 10, "it is asked once when it is made")
        eventually(lambda: ahead(cluster) > 60, 10, "it is slow")

        [web] = cluster.webs
        with connect(f"ws://127.0.0.1:{web.port}/ws/d/test/", origin=Origin(web.url)):
            eventually(lambda: target.asked["orders"] >= 4, 20, "it is asked every second")
            web.end(signal.SIGKILL)

        eventually(lambda: ahead(cluster) > 60, 30, "it is slow again")


def ahead(cluster: Cluster) -> float:
    """For how long the feed is not due, s."""
    [(moment,)] = cluster.query(NEXT)
    return float(str(moment)) / 1e6 - time.time()


def test_a_calendar_is_edited_and_overruled_while_everything_runs(
    tmp_path: Path, target: Target
) -> None:
    wall = Wall(tmp_path)
    try:
        wall.start()
        wall.apply(board_of(target, cron="0 7 29 2 *"))
        assert "asked: 0 7 29 2 * UTC" in wall.manage("feed", "show", "orders")

        said = wall.manage("feed", "refresh", "orders")
        assert target.asked["orders"] == 1
        assert "took: " in said
        assert "-02-29 07:00:00 UTC" in said

        wall.apply(board_of(target, interval="1s"))
        eventually(lambda: target.asked["orders"] >= 3, 20, "it is asked every second")
    finally:
        wall.close()
