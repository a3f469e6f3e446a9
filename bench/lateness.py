"""How late feeds are asked: 200 of them, 50 every second, 150 every 10 s.

`python -m bench.lateness [--quick]`. Lateness is the moment a fetch begins less the moment it was
due; every refresh counts from the third of each feed on. The feeds ask a web server in this
process, so that the whole way is used: ticker, claim, queue, worker, I/O loop, record, commit.

First in one process, `manage.py up` on SQLite. Then by two consumers on Redis and PostgreSQL, of
which one is killed with signal 9 on the way. The web server then answers after 100 ms, so that the
dead one has fetches under way: those feeds are held by its lease, which is their timeout and 5 s.
"""

from __future__ import annotations

import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from bench.answering import answering, asking
from e2e.cluster import Cluster
from e2e.wall import Managed, Wall, eventually

FEEDS = 200
FAST = 50
SLOW = 10  # s; the interval of the others
TIMEOUT = 1.0  # s; of each feed
LEASE = TIMEOUT + 5
SLACK = 2.0  # s after the end of the lease in which what it held must be back

Query = Callable[[str], list[tuple[Any, ...]]]
Claim = tuple[int, int]  # feed, number
# By claim: its lateness, ms, and when it was seen to be recorded, s by the monotonic clock.
Seen = dict[Claim, tuple[float, float]]

# Each is due in its slot, and not all of them now.
MAKE = """
from django.db import transaction
from widgets import clock
from widgets.models import Feed, FeedState
with transaction.atomic():
    for i in range({count}):
        feed = Feed.objects.create(
            name=f"bench.{{i}}", source="json", interval=(1 if i < {fast} else {slow}) * 1_000_000,
            timeout={timeout}, options={options!r},
        )
        slot = feed.cadence.next_run(clock.now(), watched=False)
        FeedState.objects.filter(pk=feed.pk).update(next_due=slot)
"""
OF = "FROM widgets_feedstate s JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name LIKE 'bench.%'"
LEAST = f"SELECT MIN(s.claim), COUNT(*) {OF} AND s.failures = 0"
DONE = f"SELECT s.feed_id, s.claim, s.lateness {OF} AND s.lease_until = 0 AND s.lateness >= 0"
HELD = f"SELECT s.feed_id, s.claim {OF} AND s.lease_until > 0"


@dataclass(frozen=True, slots=True)
class Death:
    """`held`: how many feeds the dead consumer had under way; `back`: s until each was asked anew,
    and that was recorded."""

    held: int
    back: float


def one_process(seconds: float) -> Seen:
    with tempfile.TemporaryDirectory() as folder:
        wall = Wall(Path(folder))
        try:
            wall.start()
            make(wall, wall.query, delay=0)
            return watch(wall.query, seconds)
        finally:
            wall.close()


def two_consumers(seconds: float) -> tuple[Seen, Death]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(Path(folder), webs=0, hueys=2) as cluster,
    ):
        make(cluster, cluster.query, delay=0.1)
        seen = watch(cluster.query, seconds / 2)
        cluster.hueys[0].end(signal.SIGKILL)
        died = time.monotonic()
        held = _held(cluster.query)
        seen |= watch(cluster.query, TIMEOUT)
        # The other one has ended by now what it had.
        held &= _held(cluster.query)
        seen |= watch(cluster.query, max(seconds / 2, SLOW + SLACK))
    back = max((after(seen, claim) - died for claim in held), default=0.0)
    return seen, Death(len(held), back)


def make(
    managed: Managed,
    query: Query,
    delay: float,
    count: int = FEEDS,
    fast: int = FAST,
    timeout: float = TIMEOUT,
) -> None:
    """Make the feeds, and wait until all were asked twice: the making of so many at once is not
    what is measured."""
    given = {"count": count, "fast": fast, "slow": SLOW, "timeout": int(timeout * 1_000_000)}
    managed.python(MAKE.format(options=asking(answering(delay)), **given))
    eventually(lambda: query(LEAST)[0] >= (3, count), 90, "all were asked twice")


def watch(query: Query, seconds: float, look_every: float = 0.2) -> Seen:
    """Every refresh that is recorded in so many seconds; feeds are further apart than its looks."""
    before = {(feed, claim) for feed, claim, _ in query(DONE)}
    until = time.monotonic() + seconds
    found: Seen = {}
    while time.monotonic() < until:
        for feed, claim, lateness in query(DONE):
            if (feed, claim) not in before:
                found.setdefault((feed, claim), (lateness / 1000, time.monotonic()))
        time.sleep(look_every)
    return found


def _held(query: Query) -> set[Claim]:
    """The claims that somebody has and has not settled."""
    return {(feed, claim) for feed, claim in query(HELD)}


def after(seen: Seen, lost: Claim) -> float:
    """When the first claim of the same feed after the lost one was recorded; infinite if none."""
    moments = [at for (feed, n), (_, at) in seen.items() if feed == lost[0] and n > lost[1]]
    return min(moments, default=float("inf"))


def run(quick: bool) -> Iterator[str]:
    seconds, rounds = (10, 1) if quick else (60, 3)
    mixed = f"{FEEDS} feeds, {FAST} of them every second and the others every {SLOW} s"
    head = ["run", "refreshes", "p50", "p99", "max"]
    yield (
        f"## How late feeds are asked\n\n{mixed}, asking a web server for a small JSON, on one "
        "`manage.py up` with SQLite. Lateness is the moment a fetch begins less the moment it was "
        f"due; every refresh of {seconds} s counts, once each feed has been asked twice."
    )
    rows = []
    for turn in range(rounds):
        report.progress(f"lateness in one process, {turn + 1} of {rounds}")
        rows.append(figures(one_process(seconds)))
    middle = [statistics.median(column) for column in zip(*rows, strict=True)]
    lines = [[i + 1, *said(row)] for i, row in enumerate(rows)]
    yield report.table(head, [*lines, ["**median**", *said(middle)]] if rounds > 1 else lines)
    yield (
        "The same by two `manage.py run_huey` on Redis and PostgreSQL, one of which is killed with "
        "signal 9 in the middle; the web server answers after 100 ms. What the dead one had under "
        f"way is asked anew when its lease is over, after {LEASE:g} s, and counts as late as that."
    )
    report.progress("lateness with two consumers, one killed")
    seen, death = two_consumers(seconds)
    yield report.table(head, [[1, *said(figures(seen))]])
    what = f"the {death.held} feeds that the dead consumer had under way are back"
    yield report.at_most(what, death.back, LEASE + SLACK, " s")


def figures(seen: Seen) -> list[float]:
    """How many, p50, p99 and the greatest, ms."""
    late = sorted(lateness for lateness, _ in seen.values())
    return [len(late), report.quantile(late, 0.5), report.quantile(late, 0.99), late[-1]]


def said(figures: Sequence[float]) -> list[str]:
    count, *spans = figures
    return [f"{count:,.0f}", *map(report.ms, spans)]


if __name__ == "__main__":
    report.main(run)
