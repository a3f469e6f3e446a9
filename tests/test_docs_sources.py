"""docs/sources.md: a section a source, and its command does what it says, on the real thing."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from io import StringIO
from pathlib import Path

import pytest
from aiohttp import web
from confluent_kafka import Producer
from django.core.management import call_command
from pytest_django import Settings

from e2e.servers import Kafka, Mosquitto, Redis
from tests.serving import serving
from watchwall import environment
from widgets.sources import sources

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "sources.md").read_text()
SECTIONS = {
    section.partition("\n")[0]: section for section in re.split(r"^## ", TEXT, flags=re.M)[1:]
}
# The wall itself is in a database, and apart.
TRIED = sorted({source.slug for source in sources if source.mode != "pushed"} - {"watchwall"})
# What stands in the output when the command has done what the section says, and what it needs.
SHOWS = {
    "check": ["up", "ok connected", "latency.connect"],
    "connectivity": ["online", "2 of 2 anchors answer"],
    "feed": ["items", "title: All is well"],
    "host": ["memory.percent", "3 rows"],
    "http": ["up", "200 OK"],
    "json": ["chunks", "rows"],
    "kafka": ["paid", "points of the past"],
    "mqtt": ["home/cellar/co2", "700"],
    "plugin": ["exit", "load15"],
    "prometheus": ["user", "true at"],
    "redis": ["used_memory", " B", "length.jobs"],
    "redis-stream": ["paid", "who: ada"],
    "scrape": ["node_load1", "/s", "node_memory_MemAvailable_bytes"],
    "sql": ["template1", " B", "rows"],
    "tail": ["took", "0.031", "path: /cart"],
    "watchwall": ["feeds.failed"],
}


def test_every_source_has_a_section() -> None:
    assert set(sources.slugs()) == set(SECTIONS)


async def news(request: web.Request) -> web.Response:
    return web.Response(text="<rss><item><title>All is well</title></item></rss>")


@pytest.fixture(scope="module")
def addresses(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """The usual addresses that stand in the commands, and where the tests' own programs are."""
    metrics = request.getfixturevalue("prometheus").removeprefix("http://")
    node = request.getfixturevalue("node_exporter").removeprefix("http://")
    redis = Redis().start()
    mosquitto = Mosquitto().start()
    kafka = Kafka(orders=1)
    producer = Producer({"bootstrap.servers": kafka.server})
    for paid in range(3):
        producer.produce("orders", json.dumps({"paid": paid}))
    assert producer.flush(20) == 0
    with serving(news) as url:
        yield {
            "127.0.0.1:9090": metrics,
            "127.0.0.1:9100": node,
            "port: 9100": f"port: {node.rpartition(':')[2]}",
            "http://127.0.0.1:8080": url,
            "postgres://wall:secret@127.0.0.1:5432/shop": request.getfixturevalue("postgres").url,
            "redis://127.0.0.1:6379/0": redis.url,
            "/tmp/watchwall-logs": str(tmp_path_factory.mktemp("logs")),
            "127.0.0.1:1883": f"127.0.0.1:{mosquitto.port}",
            "127.0.0.1:9092": kafka.server,
        }
    for server in (redis, mosquitto, kafka):
        server.close()


def run(
    slug: str,
    addresses: dict[str, str],
    folder: Path,
    settings: Settings,
    patch: pytest.MonkeyPatch,
) -> str:
    """Paste the section's command into a shell; what it prints.

    manage.py runs in this process, with what was exported: starting it for each would take most
    of the time.
    """
    [command] = re.findall(r"^```sh\n(.*?)^```", SECTIONS[slug], re.M | re.S)
    for usual, real in addresses.items():
        command = command.replace(usual, real)
    before, _, last = command.strip().rpartition("\n")
    program, manage, *arguments = shlex.split(last)
    assert (program, manage) == (".venv/bin/python", "manage.py")
    for name, value in re.findall(r"^export (\w+)=(.*)$", before, re.M):
        patch.setenv(name, *shlex.split(value))
    settings.PLUGINS = environment.text("WATCHWALL_PLUGINS", "")
    settings.TAIL = environment.items("WATCHWALL_TAIL")
    settings.ANCHORS = environment.addresses("WATCHWALL_ANCHORS")
    subprocess.run(["sh", "-e", "-c", before], cwd=folder, check=True, timeout=60)
    out = StringIO()
    with chdir(folder):
        call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize(
    "slug",
    [*TRIED, pytest.param("watchwall", marks=pytest.mark.django_db(transaction=True))],
)
def test_its_command_can_be_pasted(
    slug: str,
    addresses: dict[str, str],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = run(slug, addresses, tmp_path, settings, monkeypatch)

    for words in SHOWS[slug]:
        assert words in shown
