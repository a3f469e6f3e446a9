from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from aiohttp import web
from django.core.management import CommandError, call_command

from tests.serving import serving
from widgets.clock import SECOND
from widgets.management.commands.feed import described
from widgets.models import Feed, Sample
from widgets.reading import Reading


async def handle(request: web.Request) -> web.Response:
    rows = [{"name": f"host {i}", "value": 1_234_567 + i} for i in range(7)]
    return web.json_response({"hosts": rows, "at": 1_700_000_000, "said": "all is well"})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(handle) as address:
        yield address


def shown(given: object, *flags: str) -> str:
    out = StringIO()
    call_command("feed", "try", str(given), *flags, stdout=out)
    return out.getvalue()


def refused(given: object) -> str:
    with pytest.raises(CommandError) as caught:
        shown(given)
    return str(caught.value)


def file(folder: Path, text: str) -> Path:
    path = folder / "feed.yaml"
    path.write_text(text)
    return path


def test_a_file_is_tried_and_what_it_learned_is_shown(server: str, tmp_path: Path) -> None:
    given = f"""
name: hosts
source: json
timeout: 20s
options:
  url: {server}
  series: hosts
  units: {{"*": B}}
  rows: hosts
  text: said
  time: at
"""
    lines = shown(file(tmp_path, given)).splitlines()

    assert lines[0] == "host 0  1,234,567 B"
    assert "7 rows" in lines
    assert "  name: host 4, value: 1234571" in lines
    assert "  name: host 5, value: 1234572" not in lines
    assert "text: all is well" in lines
    assert "true at 2023-11-14T22:13:20.000+00:00" in lines
    assert lines[-1].startswith("took ")


def test_points_of_the_past_are_counted() -> None:
    reading = Reading({"a": 1.0}, history=[("a", 1, 1.0), ("a", 2, 1.0), ("b", 1, 1.0)])

    assert "3 points of the past, of 2 series" in described(reading, 0)


def test_a_second_try_gives_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("widgets.management.commands.feed.time.sleep", waited.append)
    path = file(tmp_path, "source: host\noptions: {processes: false}\n")

    assert "net.rx" not in shown(path)
    assert waited == []
    assert "io.read" in shown(path, "--twice") or "does not count" in shown(path)
    assert waited == [1]


@pytest.mark.django_db(transaction=True)
def test_a_feed_is_tried_by_name_and_nothing_is_recorded(server: str) -> None:
    feed = Feed.objects.create(
        name="site", source="http", options={"url": server}, interval=10 * SECOND
    )

    output = shown("site")

    assert "up " in output
    assert "ok 200 OK" in output
    feed.now.refresh_from_db()
    assert feed.now.version == 0
    assert not Sample.objects.exists()


def test_a_failure_is_one_sentence(tmp_path: Path) -> None:
    path = file(tmp_path, "{source: json, options: {url: 'http://127.0.0.1:1', numbers: {x: '@'}}}")

    assert refused(path) == f"{path}: http://127.0.0.1:1: connection refused"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: hots", 'no source "hots"; did you mean "host"?'),
        ("sorce: host", "`source: …` is expected"),
        ("source: host\ninterval: 1s", 'unknown key "interval"'),
        ("source: host\ntimeout: soon", "'soon' is no duration"),
        ("source: host\noptions: {cpus: 1}", 'options.cpus: unknown option; did you mean "cpu"?'),
        ("source: push", "nothing can be asked"),
        ("source: [", "is no YAML"),
        ("source: json\noptions: {url: '${env:HOME}'}", "${env:HOME} cannot be read"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(file(tmp_path, text))


@pytest.mark.django_db
def test_a_name_that_nothing_has_shows_the_nearest(tmp_path: Path) -> None:
    Feed.objects.create(name="check.site", source="push")

    assert refused("chek.site") == 'no file and no feed "chek.site"; did you mean "check.site"?'
    assert refused(tmp_path / "no.yaml").endswith("no.yaml: No such file or directory")


def test_the_command_needs_an_action() -> None:
    with pytest.raises(CommandError, match="ACTION"):
        call_command("feed")
