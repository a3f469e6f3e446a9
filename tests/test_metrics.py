"""What Prometheus reads, and who else may."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.db import OperationalError
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from dashboard.live.hub import Hub
from tests.asgi import ask, in_thread
from tests.feeds import arrive, make_feed
from tests.walls import make_board, put
from watchwall.asgi import application
from widgets import clock, processes
from widgets.clock import SECOND
from widgets.metrics import COUNTERS, GAUGES, HISTOGRAMS, page
from widgets.models import Feed, Process
from widgets.processes import BOUNDS, Telling

open_families: Any = parser.text_string_to_metric_families
NOW = 1_700_000_000 * SECOND


def row(telling: Telling, **fields: object) -> Process:
    given = {"key": "k", "role": "web", "node": "n", "pid": 7, "build": "1", "started": 5}
    return Process(seen=NOW, counters=telling.figures(), **(given | fields))


def read(rows: list[Process]) -> dict[str, Metric]:
    body, _ = page(rows, "")
    return {family.name: family for family in text_string_to_metric_families(body.decode())}


def value(families: dict[str, Metric], family: str, sample: str = "", **labels: str) -> float:
    found = [
        one.value
        for one in families[family].samples
        if one.name == (sample or family) and labels.items() <= one.labels.items()
    ]
    assert len(found) == 1, families[family].samples
    return found[0]


def busy() -> Telling:
    telling = Telling()
    for n, name in enumerate(COUNTERS, 1):
        telling.count(name, n)
    for name, (_, size, _) in GAUGES.items():
        telling.gauge(name, 3 * size)
    for name in HISTOGRAMS:
        telling.observe(name, SECOND, label="http")
    return telling


def test_every_figure_has_its_name_and_type_and_says_whose_it_is() -> None:
    families = read([row(busy())])

    kinds = {name: family.type for name, family in families.items()}
    assert kinds == {
        "watchwall_readings": "counter",
        "watchwall_samples": "counter",
        "watchwall_heard": "counter",
        "watchwall_publishes": "counter",
        "watchwall_unpublished": "counter",
        "watchwall_renders": "counter",
        "watchwall_frames": "counter",
        "watchwall_fragments": "counter",
        "watchwall_slot_overwrites": "counter",
        "watchwall_repairs": "counter",
        "watchwall_acks": "counter",
        "watchwall_acks_refused": "counter",
        "watchwall_reloads": "counter",
        "watchwall_sockets": "gauge",
        "watchwall_sockets_behind": "gauge",
        "watchwall_sockets_events": "gauge",
        "watchwall_stalest_screen_seconds": "gauge",
        "watchwall_queue_length": "gauge",
        "watchwall_streams": "gauge",
        "watchwall_streams_waiting": "gauge",
        "watchwall_memory_bytes": "gauge",
        "watchwall_last_tick_timestamp_seconds": "gauge",
        "watchwall_refresh_lateness_seconds": "histogram",
        "watchwall_refresh_duration_seconds": "histogram",
    }
    whose = {"process": "7:5", "role": "web", "node": "n"}
    for family in families.values():
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k not in {"le", "source"}}
            assert labels == whose, sample
    for n, (name, _) in enumerate(COUNTERS.values(), 1):
        assert value(families, name, f"{name}_total") == n
    for name, _, _ in GAUGES.values():
        assert value(families, name) == 3


def test_spans_are_counted_by_source_in_seconds_and_cumulative() -> None:
    telling = Telling()
    for span in (0, 5_000, 5_001, 40_000, 31 * SECOND):
        telling.observe("lateness", span, label="http")
    telling.observe("lateness", 10_000, label="json")

    families = read([row(telling)])
    name = "watchwall_refresh_lateness_seconds"
    buckets = {
        sample.labels["le"]: sample.value
        for sample in families[name].samples
        if sample.name == f"{name}_bucket" and sample.labels["source"] == "http"
    }

    assert len(buckets) == len(BOUNDS) + 1
    assert (buckets["0.005"], buckets["0.01"], buckets["0.05"]) == (2, 3, 4)
    assert (buckets["30.0"], buckets["+Inf"]) == (4, 5)
    assert value(families, name, f"{name}_count", source="http") == 5
    assert value(families, name, f"{name}_sum", source="http") == pytest.approx(31.050001)
    assert value(families, name, f"{name}_count", source="json") == 1


def test_what_has_not_happened_yet_is_a_counter_of_none_and_no_gauge() -> None:
    families = read([row(Telling())])

    assert value(families, "watchwall_repairs", "watchwall_repairs_total") == 0
    assert families["watchwall_sockets"].samples == []


def test_containers_of_one_name_with_one_process_id_are_two_processes() -> None:
    families = read([row(busy(), started=5), row(busy(), key="l", started=6)])

    assert {s.labels["process"] for s in families["watchwall_sockets"].samples} == {"7:5", "7:6"}


def test_spans_by_the_bounds_of_another_build_are_left_out() -> None:
    other = row(busy())
    other.counters["spans"]["lateness"]["http"] = [1, 2, 3]

    families = read([other])

    assert families["watchwall_refresh_lateness_seconds"].samples == []
    assert families["watchwall_refresh_duration_seconds"].samples != []


def test_open_metrics_is_written_for_who_accepts_it() -> None:
    body, kind = page([row(busy())], "application/openmetrics-text;version=1.0.0")

    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    families = {f.name: f for f in open_families(body.decode())}
    assert families["watchwall_readings"].type == "counter"
    assert families["watchwall_refresh_duration_seconds"].type == "histogram"


@pytest.mark.django_db(transaction=True)
async def test_one_scrape_shows_every_process_that_runs_and_this_one_as_it_is_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = clock.now()
    telling = Telling()
    monkeypatch.setattr(processes, "own", lambda now: row(telling, key="own", role="up"))

    def rows() -> None:
        for key, role, seen in [("own", "old", now), ("b", "huey", now), ("c", "gone", 0)]:
            one = row(busy(), key=key, role=role, started=len(key + role))
            one.seen = seen
            one.save()

    await in_thread(rows)
    telling.count("readings", 99)

    reply = await ask("/metrics")

    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {f.name: f for f in text_string_to_metric_families(reply.text)}
    found = {s.labels["role"]: s.value for s in families["watchwall_readings"].samples}
    assert found == {"up": 99, "huey": 1}


async def test_while_the_database_is_away_this_process_still_tells_of_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def away(now: int) -> list[Process]:
        raise OperationalError

    monkeypatch.setattr(processes, "alive", away)

    reply = await ask("/metrics")

    assert reply.status == 200
    families = {f.name: f for f in text_string_to_metric_families(reply.text)}
    assert len(families["watchwall_memory_bytes"].samples) == 1


@pytest.mark.django_db
def test_the_way_of_the_data_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    telling = Telling()
    monkeypatch.setattr(processes, "count", telling.count)

    arrive(make_feed(), {"a": 1, "b": 2})

    counted = telling.figures()
    assert (counted["readings"], counted["samples"]) == (1, 2)


@pytest.mark.parametrize(
    ("client", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {"host": "[::1]:8000"}, 200),
        ("127.0.0.1", {"host": "localhost"}, 200),
        ("10.0.0.7", {}, 401),
        # A name that somebody else has made to lead here.
        ("127.0.0.1", {"host": "evil.example:8000"}, 401),
        # A proxy on this machine that nobody told us of.
        ("127.0.0.1", {"x_forwarded_for": "10.0.0.7"}, 401),
        ("10.0.0.7", {"authorization": "Bearer of tidings"}, 200),
        ("10.0.0.7", {"authorization": "Bearer of tiding"}, 401),
        ("127.0.0.1", {"authorization": "Bearer wrong"}, 401),
        ("10.0.0.7", {"authorization": "Basic of tidings"}, 401),
        ("10.0.0.7", {"authorization": "Bearer"}, 401),
    ],
)
async def test_this_machine_may_read_them_and_who_has_the_token(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    client: str,
    headers: dict[str, Any],
    status: int,
) -> None:
    settings.METRICS_TOKEN = "of tidings"
    monkeypatch.setattr(processes, "alive", lambda now: [])

    reply = await ask("/metrics", client=client, **headers)

    assert reply.status == status
    assert ("watchwall_" in reply.text) is (status == 200)


async def test_behind_a_proxy_this_machine_is_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.USE_X_FORWARDED_HOST = True
    monkeypatch.setattr(processes, "alive", lambda now: [])

    assert (await ask("/metrics")).status == 401


async def test_without_a_token_none_is_right(settings: Settings) -> None:
    settings.METRICS_TOKEN = ""

    reply = await ask("/metrics", client="10.0.0.7", authorization="Bearer ")

    assert reply.status == 401
    assert reply.headers["www-authenticate"] == "Bearer"


COUNTS = re.compile(r"processes\.(count|gauge|observe)\(\s*\"([a-z.]+)\"")


def test_whatever_is_counted_anywhere_is_written_and_nothing_that_is_not() -> None:
    root = Path(__file__).resolve().parent.parent
    paths = [*root.glob("widgets/**/*.py"), *root.glob("dashboard/**/*.py")]
    found: dict[str, set[str]] = {"count": set(), "gauge": set(), "observe": set()}
    for path in paths:
        for how, name in COUNTS.findall(path.read_text()):
            found[how].add(name)

    assert len(found["count"]) > 5
    assert found["count"] <= COUNTERS.keys()
    assert found["gauge"] <= GAUGES.keys()
    assert found["observe"] == HISTOGRAMS.keys()


async def test_what_a_page_is_sent_is_counted_on_its_way(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def setting() -> Feed:
        feed = make_feed()
        put(make_board())
        return feed

    feed = await hub.query(setting)
    socket = WebsocketCommunicator(application, "/ws/d/ops/", headers=[(b"host", b"localhost")])
    assert (await socket.connect(timeout=10))[0]
    while "wall" not in await socket.receive_from(timeout=10):
        pass
    telling = Telling()
    monkeypatch.setattr(processes, "count", telling.count)

    await hub.query(arrive, feed, {"a": 1741})
    while "1,741" not in await socket.receive_from(timeout=10):
        pass
    await socket.disconnect()

    counted = telling.figures()
    assert counted["publishes"] == 1
    assert counted["renders"] >= 1
    assert counted["frames"] >= 1
    assert counted["fragments"] >= counted["frames"]
