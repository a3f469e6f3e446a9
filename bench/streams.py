"""How fast streams are stored and acknowledged: `python -m bench.streams [--quick]`.

The broker holds so many messages when listening begins: one number each, `{"value": 17}` for MQTT
and `value 17` for Redis Streams. They count from the first that is seen in the database until all
are, and until the broker has heard so; a look at it is taken five times a second. On SQLite
`manage.py up` listens, on PostgreSQL `manage.py listen`.

A broker of MQTT sends so many messages and no more before it is told that the first is stored.
That is 20 at first in Mosquitto, so both are measured: 20, and 1,000.
"""

from __future__ import annotations

import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import report
from e2e.cluster import Cluster
from e2e.servers import Mosquitto, Redis
from e2e.wall import Managed, Wall, eventually

MQTT, REDIS = 40_000, 150_000
WANTED_MQTT, WANTED_REDIS = 4_000, 15_000  # messages a second
IN_FLIGHT = (20, 1_000)
FEED = "bench.stream"
WITHIN = 120.0  # s

Query = Callable[[str], list[tuple[Any, ...]]]
Figures = Mapping[str, Sequence[float]]  # by stream, of each database
COUNT = f"""
SELECT COUNT(*) FROM widgets_sample p JOIN widgets_series s ON s.id = p.series_id
JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name = '{FEED}'
"""
MAKE = """
from widgets.models import Feed
Feed.objects.create(name={name!r}, source={source!r}, options={options!r})
"""
PAUSE = """
from widgets.models import Feed
feed = Feed.objects.get(name={name!r})
feed.paused = {paused}
feed.save()
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """A wall that listens, and its database."""

    managed: Managed
    query: Query

    def make(self, source: str, **options: object) -> None:
        self.managed.python(MAKE.format(name=FEED, source=source, options=options))

    def pause(self, paused: bool) -> None:
        self.managed.python(PAUSE.format(name=FEED, paused=paused))


@contextmanager
def on_sqlite() -> Iterator[Listener]:
    with tempfile.TemporaryDirectory() as folder:
        wall = Wall(Path(folder))
        try:
            wall.start()
            yield Listener(wall, wall.query)
        finally:
            wall.close()


@contextmanager
def on_postgresql() -> Iterator[Listener]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(Path(folder), webs=0, hueys=0, listeners=1) as cluster,
    ):
        yield Listener(cluster, cluster.query)


DATABASES = {"SQLite": on_sqlite, "PostgreSQL": on_postgresql}


def mqtt(listener: Listener, messages: int, in_flight: int) -> float:
    """Messages a second."""
    broker = Mosquitto(
        "allow_anonymous true", f"max_inflight_messages {in_flight}", "autosave_interval 0",
        "log_type subscribe", "log_type notice",
    ).start()  # fmt: skip
    try:
        listener.make("mqtt", url=broker.url, topics=["bench"])
        log = broker.folder / "log.txt"
        eventually(lambda: " 1 bench" in log.read_text(), 30, "it has subscribed")
        listener.pause(True)
        eventually(lambda: " disconnected" in log.read_text(), 30, "it listens no more")
        publish(broker, messages)
        listener.pause(False)
        return rate(listener, messages, lambda: True)
    finally:
        broker.close()


def publish(broker: Mosquitto, messages: int) -> None:
    """Have the broker keep so many for whoever has subscribed."""
    lines = "\n".join(f'{{"value": {i}}}' for i in range(messages))
    to = ["-h", "127.0.0.1", "-p", str(broker.port), "-t", "bench", "-q", "1", "-l"]
    subprocess.run(["mosquitto_pub", *to], input=lines.encode(), check=True, timeout=WITHIN)


def redis_streams(listener: Listener, messages: int) -> float:
    """Entries a second."""
    server = Redis().start()
    try:
        client = server.client()
        pipeline = client.pipeline(transaction=False)
        for i in range(messages):
            pipeline.xadd("bench", {"value": i})
            if i % 1_000 == 999:
                pipeline.execute()
        pipeline.execute()
        listener.make("redis-stream", url=server.url, stream="bench", start="beginning")

        def acknowledged() -> bool:
            [group] = client.xinfo_groups("bench")  # type: ignore[no-untyped-call]
            return bool(group["pending"] == 0 and group["entries-read"] == messages)

        return rate(listener, messages, acknowledged)
    finally:
        server.close()


def rate(listener: Listener, messages: int, acknowledged: Callable[[], bool]) -> float:
    """How many a second are stored, between the first look that sees any and the end."""
    first, begun, until = 0, 0.0, time.monotonic() + WITHIN
    while True:
        stored, now = int(listener.query(COUNT)[0][0]), time.monotonic()
        if stored and not first:
            first, begun = stored, now
        if stored >= messages and acknowledged():
            assert stored == messages, f"{stored} are stored of {messages}"
            return (messages - first) / (now - begun)
        assert now < until, f"{stored} of {messages} are stored after {WITHIN:g} s"
        time.sleep(0.2)


def run(quick: bool) -> Iterator[str]:
    share, rounds = (10, 1) if quick else (1, 3)
    yield (
        "## How fast streams are stored\n\nMessages a second, stored and acknowledged. The broker "
        f"holds {MQTT // share:,} messages (MQTT) or {REDIS // share:,} entries (Redis Streams) "
        "of one number each when listening begins. On SQLite `manage.py up` listens, on PostgreSQL "
        f"`manage.py listen`; the median of {rounds} rounds. Mosquitto sends 20 messages, unless "
        "it is told otherwise, before it must hear that the first is stored."
    )
    ways: dict[str, Callable[[Listener], float]] = {
        f"MQTT, {n:,} in flight": lambda one, n=n: mqtt(one, MQTT // share, n)  # type: ignore[misc]
        for n in IN_FLIGHT
    }
    ways["Redis Streams"] = lambda one: redis_streams(one, REDIS // share)
    found: Figures = {
        way: [_median(way, made, on, rounds) for on in DATABASES] for way, made in ways.items()
    }
    rows = [[way, *(f"{value:,.0f}" for value in values)] for way, values in found.items()]
    yield report.table(["stream", *DATABASES], rows)
    yield "\n".join(verdicts(found))


def _median(way: str, measure: Callable[[Listener], float], database: str, rounds: int) -> float:
    figures = []
    for turn in range(rounds):
        report.progress(f"{way} on {database}, {turn + 1} of {rounds}")
        with DATABASES[database]() as listener:
            figures.append(measure(listener))
    return statistics.median(figures)


def verdicts(found: Figures) -> Iterator[str]:
    """Whether each reaches what it is to."""
    for way, values in found.items():
        wanted = WANTED_REDIS if way == "Redis Streams" else WANTED_MQTT
        for database, value in zip(DATABASES, values, strict=True):
            yield report.at_least(f"{way}, on {database}", value, wanted, " a second")


if __name__ == "__main__":
    report.main(run)
