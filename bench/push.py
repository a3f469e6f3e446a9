"""How much can be handed in: `python -m bench.push [--quick]`.

Senders with a connection each send batches of samples of a hundred series and wait for the answer,
which comes after the commit. One feed takes all of a run, so that senders meet at it. SQLite is
written to by `manage.py up`, PostgreSQL by `manage.py serve`, each with commits that survive the
end of the process, and with commits that survive the loss of power. The same line protocol goes
into InfluxDB 1.x, which syncs each write before it answers. All are on one disk, run at the same
time, and are asked in turn; of three rounds the median counts. Afterwards it is looked whether all
that was acknowledged is there.
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import report
from bench.batches import FORMATS, HOSTS, requests, send
from bench.influx import Influx, available
from e2e.cluster import Cluster
from e2e.wall import Managed, Wall, Web

# Samples in a body, and how many bodies a run has: about three seconds of what is wanted.
BATCHES = {1: 3_000, 100: 600, 5_000: 30}
SENDERS = (1, 4)
# On SQLite, in its default: samples a second by batch, with so many senders.
WANTED = {1: (4, 1_000), 100: (4, 20_000), 5_000: (4, 50_000)}
COUNT = (
    "SELECT COUNT(*) FROM widgets_sample x JOIN widgets_series s ON s.id = x.series_id"
    " JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name LIKE 'bench%'"
)
PEER = (
    "InfluxDB is Debian's 1.6, as it comes."
    if available()
    else "InfluxDB, the peer, is not here: apt-get install influxdb."
)
Query = Callable[[str], list[tuple[Any, ...]]]


@dataclass
class Taker:
    """One that takes samples in. `only`: the formats that it is asked with; empty is all."""

    name: str
    port: int
    token: str = ""
    only: tuple[str, ...] = ()
    acknowledged: int = 0
    rates: dict[tuple[str, int, int], list[float]] = field(default_factory=dict)

    def takes(self, form: str) -> bool:
        return not self.only or form in self.only

    def run(self, form: str, feed: str, batch: int, count: int, senders: int) -> None:
        """One run; its rate is kept."""
        first, *sent = requests(FORMATS[form], feed, self.token, batch, count)
        send(self.port, [first], 1)
        elapsed = send(self.port, sent, senders)
        self.acknowledged += HOSTS + batch * count
        self.rates.setdefault((form, batch, senders), []).append(batch * count / elapsed)

    def rate(self, form: str, batch: int, senders: int) -> float | None:
        rates = self.rates.get((form, batch, senders))
        return statistics.median(rates) if rates else None


def takers(stack: ExitStack) -> tuple[list[Taker], Callable[[], None]]:
    """All of them, at work; and what looks whether they have what they acknowledged."""
    found = []
    checks: list[tuple[Query, list[Taker]]] = []
    lines = ("line protocol",)
    for durable, only in (("process", ()), ("power", lines)):
        wall = Wall(Path(stack.enter_context(tempfile.TemporaryDirectory())),
                    WATCHWALL_DURABLE=durable)  # fmt: skip
        stack.callback(wall.close)
        wall.start()
        taker = Taker(f"SQLite, {durable}", wall.port, token(wall), only)
        found.append(taker)
        checks.append((wall.query, [taker]))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    cluster = stack.enter_context(Cluster(folder, webs=1, hueys=0, WATCHWALL_DURABLE="power"))
    other = Web(
        cluster.environment | {"WATCHWALL_DURABLE": "process"}, folder / "other.txt", "serve"
    )
    stack.callback(other.close)
    other.start()
    of_cluster = token(cluster)
    pair = [
        Taker("PostgreSQL, process", other.port, of_cluster, lines),
        Taker("PostgreSQL, power", cluster.webs[0].port, of_cluster),
    ]
    peers = []
    if available():
        influx = stack.enter_context(Influx())
        peers = [Taker("InfluxDB, power", influx.port, only=lines)]

    def check() -> None:
        for query, those in (*checks, (cluster.query, pair)):
            wanted = sum(one.acknowledged for one in those)
            assert query(COUNT) == [(wanted,)], (those[0].name, wanted, query(COUNT))

    return [*found, *pair, *peers], check


def token(wall: Managed) -> str:
    # Its own feeds would be asked meanwhile.
    wall.python("from widgets.models import Feed; Feed.objects.all().delete()")
    return wall.manage("token", "create", "bench", "--feeds", "*").strip()


def sync_time() -> float:
    """What it takes (ms) to have 4 kB on the disk, in the median."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(200):
            begun = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def run(quick: bool) -> Iterator[str]:
    rounds, part = (1, 20) if quick else (3, 1)
    yield (
        "## How much can be handed in\n\n"
        "Samples a second, acknowledged after the commit, of 100 series of one feed, in batches of "
        "1, 100 and 5,000, from 1 and 4 senders that wait for each answer. *process*: an "
        "acknowledged sample survives that Watchwall is killed. *power*: that the machine loses "
        f"its power, too; 4 kB are on this disk in {sync_time():.2f} ms. {PEER} "
        f"{'One round' if quick else 'Medians of three interleaved rounds'}."
    )
    with ExitStack() as stack:
        those, check = takers(stack)
        cases = list(itertools.product(FORMATS, BATCHES, SENDERS))
        for turn, (form, batch, senders) in itertools.product(range(rounds), cases):
            report.progress(f"{form}, {batch} a body, {senders} senders, {turn + 1} of {rounds}")
            for i, taker in enumerate(those):
                if taker.takes(form):
                    feed = f"bench{turn}.{cases.index((form, batch, senders))}.{i}"
                    taker.run(form, feed, batch, max(1, BATCHES[batch] // part), senders)
        check()
    rows = [
        [f"{form}, {batch:,}", senders, *(_said(one.rate(form, batch, senders)) for one in those)]
        for form, batch, senders in cases
    ]
    yield report.table(["format, samples a body", "senders", *(one.name for one in those)], rows)
    sqlite = those[0]
    yield "\n".join(
        report.at_least(
            f"line protocol into SQLite, {batch:,} a body, {senders} senders, samples a second",
            sqlite.rate("line protocol", batch, senders) or 0.0,
            wanted,
        )
        for batch, (senders, wanted) in WANTED.items()
    )


def _said(rate: float | None) -> str:
    return "" if rate is None else f"{rate:,.0f}"


if __name__ == "__main__":
    report.main(run)
