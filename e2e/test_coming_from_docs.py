"""What docs/coming-from.md says to run works, section by section, against the real wall."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.wall import ROOT, Wall, eventually
from tests import counterparts

DOCS = (ROOT / "docs" / "coming-from.md").read_text()
SECTIONS = dict(re.findall(r"^## ([A-Z].*?)\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL))
# What each leaves behind: a feed, and a series of it with a value.
LEARNED = {
    "Smashing": ("karma", "current"),
    "Telegraf": ("cpu", "usage_idle{cpu=cpu-total,host=web-1}"),
    "Prometheus": ("targets", "%"),
    "Uptime Kuma": ("job.backup", "up"),
}


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wall]:
    wall = Wall(tmp_path_factory.mktemp("coming")).start()
    yield wall
    assert wall.end() == 0, wall.log.read_text()


def commands(section: str) -> str:
    """All of a section as one script, since later ones use what earlier ones have made."""
    found = re.findall(r"^```sh\n(.*?)^```", SECTIONS[section], re.MULTILINE | re.DOTALL)
    return "\n".join(found).replace(".venv/bin/python", sys.executable)


@pytest.fixture(scope="module")
def prometheus(wall: Wall) -> Iterator[str]:
    """The address of one that scrapes the wall."""
    with counterparts.prometheus(wall.url) as url:
        yield url


@pytest.mark.parametrize("section", SECTIONS)
def test_the_commands_of_a_section_put_something_on_the_wall(
    wall: Wall, tmp_path: Path, section: str, prometheus: str
) -> None:
    (tmp_path / "manage.py").symlink_to(ROOT / "manage.py")
    environment = {**wall.environment, "WALL": wall.url, "PROMETHEUS": prometheus}
    feed, series = LEARNED[section]

    done = subprocess.run(
        ["bash", "-euc", commands(section)], cwd=tmp_path, env=environment,
        capture_output=True, check=False, timeout=120,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    eventually(
        lambda: wall.query(
            "SELECT s.value FROM widgets_series s JOIN widgets_feed f ON f.id = s.feed_id"
            f" WHERE f.name = '{feed}' AND s.name LIKE '{series}' AND s.value IS NOT NULL"
        ),
        30,
        f"{feed} has {series}",
    )


def test_every_section_is_known() -> None:
    assert list(SECTIONS) == list(LEARNED)
