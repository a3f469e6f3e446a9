"""Many processes on Redis and PostgreSQL, each broken on purpose: soon all is right again.

Three sockets and a page look on while readings with numbers come in (e2e/witness.py); at the end
of every test nothing that was acknowledged is missing, all screens show the newest, and no tile
was called fresh later than a second after it became late.
"""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.boards import board, feed_of, stat
from e2e.cluster import Cluster
from e2e.conftest import OpenPage
from e2e.relay import Relay
from e2e.target import Target
from e2e.wall import Wall, eventually
from e2e.witness import scene

pytestmark = pytest.mark.slow

LEASE = 1 + 5  # s: the feeds' timeout, and what a lease lasts longer


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests here: each leaves everything running."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def relay(cluster: Cluster) -> Iterator[Relay]:
    """To the first web process that answers, as a proxy in front of them does."""
    relay = Relay(*(web.port for web in cluster.webs))
    yield relay
    relay.close()


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM])
def test_a_web_process_that_ends(
    cluster: Cluster, relay: Relay, open_page: OpenPage, sig: signal.Signals
) -> None:
    with scene(cluster, relay.url, open_page, f"web-{sig.name.lower()}") as here:
        cluster.webs[0].send(sig)
        here.right_within(5)
        cluster.webs[0].end()
        cluster.webs[0].start()


def numbered_feeds(cluster: Cluster, target: Target, slug: str, n: int = 12) -> None:
    """Polled feeds, of which every answer is another number and takes a moment."""
    turn = itertools.count(1)

    def answer() -> dict[str, int]:
        time.sleep(0.3)
        return {"a": next(turn)}

    feeds = {}
    for i in range(n):
        target.answers[f"{slug}{i}"] = answer
        feeds[f"{slug}{i}"] = feed_of(target.url(f"{slug}{i}"))
    tiles = [stat(f"{slug}{i}", [i, 0, 1, 1], f"{slug}{i}") for i in range(n)]
    cluster.apply(board(feeds, tiles, slug=slug))


def moments(cluster: Cluster, slug: str) -> list[float]:
    """When each of the polled feeds was last read (s)."""
    rows = cluster.query(
        "SELECT s.at FROM widgets_feedstate s JOIN widgets_feed f ON f.id = s.feed_id "
        f"WHERE f.name ~ '^{slug}[0-9]+$'"
    )
    return [float(str(at or 0)) / 1e6 for (at,) in rows]


def each_once(cluster: Cluster, slug: str) -> None:
    values = cluster.query(
        "SELECT s.value FROM widgets_sample s JOIN widgets_series r ON r.id = s.series_id "
        f"JOIN widgets_feed f ON f.id = r.feed_id WHERE f.name ~ '^{slug}[0-9]+$'"
    )
    assert len(values) == len(set(values)) > 0


def read_again_within(cluster: Cluster, slug: str, seconds: float) -> None:
    since = time.time()
    eventually(lambda: min(moments(cluster, slug)) > since, seconds, "every feed is read again")


@pytest.mark.parametrize("which", [[0], [0, 1]], ids=["one", "both"])
def test_consumers_killed_in_the_middle_of_refreshes(
    cluster: Cluster, relay: Relay, open_page: OpenPage, target: Target, which: list[int]
) -> None:
    slug = f"killed{len(which)}-"
    numbered_feeds(cluster, target, slug)
    with scene(cluster, relay.url, open_page, slug.strip("-")) as here:
        eventually(lambda: min(moments(cluster, slug)) > 0, 15, "every feed was read once")
        for i in which:
            cluster.hueys[i].end(signal.SIGKILL)
        if len(which) == 2:
            # With nobody left to ask, they are started again; the leases of the dead hold on.
            for i in which:
                cluster.hueys[i].start()
        read_again_within(cluster, slug, LEASE + 2)
        here.right_within(5)
        for i in which:
            if not cluster.hueys[i].runs:
                cluster.hueys[i].start()
    each_once(cluster, slug)
    cluster.manage("shell", "--no-imports", "-c", PAUSE.format(slug=slug))


# So that the feeds of one test, whose target is gone, are not asked for in the next.
PAUSE = """
from widgets.models import Feed
for feed in Feed.objects.filter(name__startswith="{slug}"):
    feed.paused = True
    feed.save()
"""


def break_redis(cluster: Cluster, how: str) -> None:
    if how == "killed":
        cluster.redis.end(signal.SIGKILL)
        cluster.redis.start()
    elif how == "flushed":
        cluster.redis.client().flushall()
    elif how == "hung-up":
        cluster.redis.client().execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        cluster.redis.client().execute_command("CLIENT", "KILL", "TYPE", "normal")
    else:
        assert cluster.redis.process is not None
        cluster.redis.process.send_signal(signal.SIGSTOP)
        time.sleep(10)  # What is tested is ten seconds without Redis.
        cluster.redis.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("how", ["killed", "flushed", "hung-up", "paused"])
def test_redis_that_breaks(
    cluster: Cluster, relay: Relay, open_page: OpenPage, target: Target, how: str
) -> None:
    slug = f"redis-{how}-"
    numbered_feeds(cluster, target, slug)
    with scene(cluster, relay.url, open_page, slug.strip("-")) as here:
        eventually(lambda: min(moments(cluster, slug)) > 0, 15, "every feed was read once")
        break_redis(cluster, how)
        here.right_within(5)
        # What stood in its queue at that moment is gone, and comes again when the lease ends.
        read_again_within(cluster, slug, LEASE + 2)
    each_once(cluster, slug)
    cluster.manage("shell", "--no-imports", "-c", PAUSE.format(slug=slug))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_postgresql_that_restarts(
    cluster: Cluster, relay: Relay, open_page: OpenPage, mode: str
) -> None:
    with scene(cluster, relay.url, open_page, f"postgres-{mode}") as here:
        cluster.postgres.end(mode)
        cluster.postgres.start()
        here.right_within(5)


def test_a_network_cut_for_thirty_seconds(
    cluster: Cluster, relay: Relay, open_page: OpenPage
) -> None:
    with scene(cluster, relay.url, open_page, "cut") as here:
        relay.stall()
        here.page.wait_for_timeout(30_000)
        assert here.page.locator("html").get_attribute("data-link") == "lost"
        relay.reset()
        here.right_within(5)


def test_one_in_three_messages_of_the_layer_lost(tmp_path: Path, open_page: OpenPage) -> None:
    lossy = Cluster(tmp_path, webs=1, hueys=1, DJANGO_SETTINGS_MODULE="e2e.lossy")
    with lossy, scene(lossy, lossy.webs[0].url, open_page, "lossy") as here:
        for _ in range(5):
            here.right_within(5)


@pytest.mark.parametrize("server", ["daphne", "uvicorn"])
def test_a_socket_that_outlives_every_expiry_is_never_silent(
    tmp_path: Path, open_page: OpenPage, server: str
) -> None:
    short = Cluster(tmp_path, webs=1, hueys=1, server=server, WATCHWALL_SOCKET_LIFE="4")
    with short, scene(short, short.webs[0].url, open_page, "expiry") as here:
        since = time.monotonic()
        here.page.wait_for_timeout(20_000)
        # Readings come ten times a second; a socket that was closed is open again within one.
        assert max(witness.longest_silence(since) for witness in here.witnesses) < 3
        here.right_within(5)


def test_sqlite_locked_by_another_for_ten_seconds(wall: Wall, open_page: OpenPage) -> None:
    import sqlite3

    with scene(wall, wall.url, open_page, "locked") as here:
        other = sqlite3.connect(wall.data / "watchwall.sqlite3", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        here.page.wait_for_timeout(10_000)
        other.execute("ROLLBACK")
        here.right_within(5)
        other.close()
