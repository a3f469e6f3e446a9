"""What operators ask of a wall of many processes, while it runs."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from e2e.boards import board, feed_of, stat
from e2e.cluster import Cluster
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.test_breaks import link, shows
from e2e.wall import eventually


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path, webs=1, hueys=1) as cluster:
        yield cluster


def ask(cluster: Cluster, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(cluster.webs[0].url + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_web_process_is_ready_as_long_as_a_consumer_ticks_somewhere_and_redis_answers(
    cluster: Cluster,
) -> None:
    eventually(lambda: ask(cluster, "/readyz") == (200, "ready\n"), 20, "it is ready")
    roles = {"web", "huey"}

    def told() -> set[str]:
        families = {f.name: f for f in text_string_to_metric_families(ask(cluster, "/metrics")[1])}
        return {s.labels["role"] for s in families["watchwall_memory_bytes"].samples}

    eventually(lambda: told() == roles, 20, "one scrape shows both")

    cluster.hueys[0].end(signal.SIGKILL)
    eventually(lambda: ask(cluster, "/readyz")[0] == 503, 20, "no ticker is left")
    assert ask(cluster, "/readyz")[1].startswith("No ticker has looked")
    eventually(lambda: told() == {"web"}, 20, "what is gone is not shown")
    cluster.hueys[0].start()
    eventually(lambda: ask(cluster, "/readyz")[0] == 200, 20, "another ticker")

    cluster.redis.end(signal.SIGKILL)
    assert "Redis cannot be used; the log says why.\n" in ask(cluster, "/readyz")[1]
    assert ask(cluster, "/healthz") == (200, "alive\n")


def test_a_restore_on_postgresql_reaches_pages_and_feeds_go_on(
    cluster: Cluster, target: Target, open_page: OpenPage
) -> None:
    target.answers["x"] = {"a": 41}
    feeds = {"x": feed_of(target.url("x")), "still": {"source": "push"}}
    cluster.apply(board(feeds, [stat("x", [0, 0, 3, 2], "x")]))
    page = open_page(f"{cluster.webs[0].url}/d/test/")
    shows(page, "x", "41")
    path = cluster.data / "wall.sqlite3"
    cluster.manage("backup", str(path))
    tiles = [stat("x", [0, 0, 3, 2], "x"), stat("new", [3, 0, 3, 2], "x")]
    cluster.apply(board(feeds, tiles))
    expect(page.locator("article.widget")).to_have_count(2, timeout=10_000)

    cluster.manage("restore", str(path))

    expect(page.locator("article.widget")).to_have_count(1, timeout=10_000)
    target.answers["x"] = {"a": 43}
    shows(page, "x", "43", 10)
    link(page, "live", 1)
