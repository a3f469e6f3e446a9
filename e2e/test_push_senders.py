"""Real senders, as people run them, against the real wall."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.wall import Wall, eventually, free_port


class Sent(Wall):
    """A wall that nothing but a sender feeds, with a token for everything."""

    token = ""

    def values(self) -> dict[str, float]:
        """The last value of every series, by feed and series."""
        rows = self.query(
            "SELECT f.name, s.name, s.value FROM widgets_series s JOIN widgets_feed f"
            " ON f.id = s.feed_id WHERE f.source = 'push' AND NOT s.ended"
        )
        return {f"{feed}/{series}": value for feed, series, value in rows}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    wall = Sent(tmp_path_factory.mktemp("sent"))
    wall.start()
    wall.token = wall.manage("token", "create", "sender", "--feeds", "*").strip()
    yield wall
    assert wall.end() == 0, wall.log.read_text()
    assert "Traceback" not in wall.log.read_text()


def test_influxdb_client_writes_batches_and_hears_what_was_wrong(sent: Sent) -> None:
    import influxdb_client
    from influxdb_client.client.write_api import SYNCHRONOUS
    from influxdb_client.rest import ApiException

    now = time.time_ns()
    for gzip in (False, True):
        with influxdb_client.InfluxDBClient(
            url=sent.url, token=sent.token, org="any", enable_gzip=gzip
        ) as client:
            assert client.ping()
            write = client.write_api(write_options=SYNCHRONOUS)
            batch = [
                influxdb_client.Point("from client")
                .tag("host", f"a {i % 2},b")
                .field("usage", float(i))
                .field("note", 'text, "quoted"')
                .time(now - (500 - i) * 1_000_000)
                for i in range(500)
            ]
            write.write(bucket="any", record=batch)
            with pytest.raises(ApiException) as error:
                write.write(bucket="any", record="cpu v=1\ncpu v=oops")
            assert error.value.status == 400
            assert "line 2: the field 'v' is 'oops'" in str(error.value.body)

    ((samples,),) = sent.query(
        "SELECT COUNT(*) FROM widgets_sample WHERE series_id IN (SELECT s.id FROM widgets_series s"
        " JOIN widgets_feed f ON f.id = s.feed_id WHERE f.name = 'from client')"
    )
    assert samples == 500
    values = sent.values()
    assert values["from client/usage{host=a 1,b}"] == 499.0
    assert values["from client/usage{host=a 0,b}"] == 498.0
    assert values["cpu/v"] == 1.0


def test_a_smashing_job_of_ruby_or_curl_is_answered_204(sent: Sent) -> None:
    body = f'{{"auth_token": "{sent.token}", "current": 42}}'

    done = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code}", "-d", body, f"{sent.url}/widgets/karma"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip

    assert done.stdout == b"204"
    assert sent.values()["karma/current"] == 42.0


class Daemon:
    """A program that a test starts, in a folder and on a port of its own."""

    def __init__(self, folder: Path, name: str, *args: str) -> None:
        found = shutil.which(name)
        assert found, f"the tests need {name}: apt-get install {name}"
        self.log = folder / "log.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([found, *args], cwd=folder, stdout=log, stderr=log)

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def logged(self) -> str:
        assert self.process.poll() is None, self.log.read_text()
        return self.log.read_text()


def test_prometheus_writes_what_it_scrapes_and_says_what_is_gone(
    sent: Sent, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "targets.json").write_text(
        json.dumps([{"targets": [f"127.0.0.1:{port}"], "labels": {"which": "here"}}])
    )
    (tmp_path / "prometheus.yml").write_text(
        f"""
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: itself
    file_sd_configs: [{{files: [targets.json], refresh_interval: 1s}}]
remote_write:
  - url: {sent.url}/api/v1/write
    authorization: {{credentials: {sent.token}}}
"""
    )
    address = f"--web.listen-address=127.0.0.1:{port}"
    with Daemon(
        tmp_path, "prometheus", "--config.file=prometheus.yml", address, "--log.level=warn"
    ) as prometheus:
        up = f"up/value{{instance=127.0.0.1:{port},job=itself,which=here}}"
        eventually(lambda: sent.values().get(up) == 1.0, 60, "up is written")
        # A target that is no longer there: Prometheus says so by a marker.
        (tmp_path / "targets.json").write_text("[]")
        eventually(
            lambda: sent.query(
                "SELECT 1 FROM widgets_series s JOIN widgets_feed f ON f.id = s.feed_id"
                " WHERE f.name = 'up' AND s.freshness = 'stale'"
            ),
            60,
            "up is stale",
        )
        complaints = [
            line for line in prometheus.logged().splitlines() if "remote" in line and "400" in line
        ]

    assert complaints == []
    assert len({name.partition("/")[0] for name in sent.values()}) > 100


def test_the_sdk_of_opentelemetry_exports_gauges_sums_and_histograms(sent: Sent) -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider
    from opentelemetry.sdk.metrics.export import (
        AggregationTemporality,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.resources import Resource

    delta = dict.fromkeys((Counter, Histogram), AggregationTemporality.DELTA)
    for name, preferred in (("moving", delta), ("total", {})):
        exporter = OTLPMetricExporter(
            f"{sent.url}/v1/metrics",
            headers={"Authorization": f"Bearer {sent.token}"},
            compression=Compression.Gzip,
            preferred_temporality=preferred,
        )
        provider = MeterProvider(
            [PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)],
            Resource({"service.name": "shop", "telemetry.sdk.name": "x"}),
        )
        meter = provider.get_meter("shop")
        counter = meter.create_counter(f"{name}.orders", unit="1")
        latency = meter.create_histogram(f"{name}.latency", unit="ms")
        meter.create_gauge(f"{name}.open").set(17, {"till": 2})
        for round_ in range(2):
            counter.add(5)
            for value in range(100):
                latency.record(value)
            assert provider.force_flush(), round_
        provider.shutdown()

    values = sent.values()
    shop = "{service.name=shop}"
    assert values["moving.open/value{service.name=shop,till=2}"] == 17.0
    assert values[f"moving.orders/delta{shop}"] == 5.0
    assert values[f"total.orders/value{shop}"] == 10.0
    assert values[f"moving.latency/count{shop}"] == 100.0
    assert values[f"total.latency/count{shop}"] == 200.0
    assert 45 < values[f"moving.latency/p50{shop}"] < 55


def test_alertmanager_notifies_of_what_fires_and_what_is_resolved(
    sent: Sent, tmp_path: Path
) -> None:
    port = free_port()
    (tmp_path / "alertmanager.yml").write_text(
        f"""
route: {{receiver: wall, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: wall
    webhook_configs:
      - url: {sent.url}/api/hooks/alertmanager
        http_config: {{authorization: {{credentials: {sent.token}}}}}
"""
    )
    labels = {"alertname": "TillClosed", "severity": "critical", "till": "2"}
    alert = {"labels": labels, "annotations": {"summary": "nobody can pay"}}

    def tell(**more: str) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v2/alerts",
            json.dumps([alert | more]).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    def firing() -> list[tuple[str, str]]:
        return sent.query(
            "SELECT s.state, s.message FROM widgets_series s JOIN widgets_feed f"
            " ON f.id = s.feed_id WHERE f.name = 'alerts' AND s.name = 'TillClosed{till=2}'"
            " AND NOT s.ended"
        )

    with Daemon(
        tmp_path, "prometheus-alertmanager", "--config.file=alertmanager.yml",
        f"--web.listen-address=127.0.0.1:{port}", "--storage.path=data",
        "--cluster.listen-address=",
    ) as alertmanager:  # fmt: skip
        eventually(tell, 30, "Alertmanager answers")
        assert eventually(firing, 30, "the alert fires") == [("critical", "nobody can pay")]
        assert sent.values()["alerts/firing"] == 1.0
        assert tell(endsAt="2026-01-01T00:00:00Z")
        eventually(lambda: not firing(), 30, "the alert is resolved")
        assert "err=" not in alertmanager.logged()

    assert sent.values()["alerts/firing"] == 0.0
