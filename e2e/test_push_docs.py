"""What docs/push.md says to paste works, against the real wall."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e.wall import Wall

DOCS = (Path(__file__).resolve().parent.parent / "docs" / "push.md").read_text()
BACK = re.search(r"^## Reading back\n.*?^```sh\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
SECTIONS = dict(re.findall(r"^## ([a-z]+)\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL))
COMMANDS = [
    pytest.param(command, id=f"{slug} {i}")
    for slug, text in SECTIONS.items()
    for i, command in enumerate(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
]


@dataclass
class Pasted:
    wall: Wall
    environment: dict[str, str]

    def kept(self) -> int:
        """How much was ever recorded."""
        ((found,),) = self.wall.query(
            "SELECT (SELECT COUNT(*) FROM widgets_sample) + (SELECT COUNT(*) FROM widgets_event)"
            " + (SELECT COUNT(*) FROM widgets_feedstate WHERE text IS NOT NULL)"
        )
        return int(found)


@pytest.fixture(scope="module")
def pasted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pasted]:
    wall = Wall(tmp_path_factory.mktemp("push")).start()
    # Its own feeds would be counted, too.
    wall.python("from widgets.models import Feed; Feed.objects.all().delete()")
    token = wall.manage("token", "create", "docs", "--feeds", "*", "--read").strip()
    job = wall.manage("token", "create", "job", "--feeds", "job.nightly", "--uuid").strip()
    yield Pasted(wall, {**os.environ, "WALL": wall.url, "TOKEN": token, "JOB": job})
    assert wall.end() == 0, wall.log.read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_can_be_pasted_works(pasted: Pasted, command: str) -> None:
    before = pasted.kept()

    done = subprocess.run(
        ["bash", "-euc", command], env=pasted.environment, capture_output=True, check=False,
        timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert pasted.kept() > before, done.stdout.decode()


def test_what_was_handed_in_is_read_back(pasted: Pasted) -> None:
    assert BACK

    done = subprocess.run(
        ["bash", "-euc", BACK[1]], env=pasted.environment, capture_output=True, check=True
    )

    assert "shop.orders" in {feed["name"] for feed in json.loads(done.stdout)["feeds"]}


def test_every_section_has_one() -> None:
    assert SECTIONS
    assert [slug for slug, text in SECTIONS.items() if "```sh\n" not in text] == []
