"""A disk that is really full under a running wall: it is said, and nothing is lost or corrupt.

The wall gets a small disk of its own, in a mount namespace; it is seen from outside through
/proc.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.boards import board, feed_of, stat
from e2e.conftest import OpenPage
from e2e.target import Target
from e2e.wall import Wall, eventually
from e2e.witness import WATCH_FOR_LIES, Witness, number_in

pytestmark = pytest.mark.slow

MB = 1 << 20
SIZE = 24 * MB
# Mounts the disk over the folder, copies into it what was there, and goes on as what follows.
BEGIN = (
    'mkdir "$0.disk" && mount -t tmpfs -o size=$1 none "$0.disk" && cp -a "$0/." "$0.disk" '
    '&& mount --bind "$0.disk" "$0" && shift && exec "$@"'
)


class Confined(Wall):
    """A wall whose folder is a disk of 24 MB. Its log is elsewhere, and has room."""

    def __init__(self, data: Path, log: Path) -> None:
        super().__init__(data)
        self.log = log
        self.token = ""
        self.manage("migrate", "--verbosity", "0")
        alone = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
        self.command = [
            "unshare", *alone, "/bin/sh", "-c", BEGIN, str(data), str(SIZE), *self.command
        ]  # fmt: skip

    @property
    def disk(self) -> Path:
        """The folder as the process sees it."""
        return Path(f"/proc/{self.pid}/root{self.data}")

    def fill(self) -> None:
        with (self.disk / "filler").open("wb", buffering=0) as filler:
            for _ in range(SIZE // 4096):
                try:
                    filler.write(bytes(4096))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return
        raise AssertionError("the disk is larger than it was to be")

    def make_room(self) -> None:
        (self.disk / "filler").unlink()

    def push(self, number: int) -> tuple[int, str]:
        """The status, and what was said."""
        request = urllib.request.Request(
            f"{self.url}/api/feeds/pushed",
            json.dumps({"a": number}).encode(),
            {"Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stored(self, copy: Path) -> list[float]:
        """The pushed numbers, in the order in which they came, as if the power had gone now.

        From a copy: SQLite follows the link in /proc, out of the namespace.
        """
        self.send(signal.SIGSTOP)
        shutil.copytree(self.disk, copy, ignore=shutil.ignore_patterns("filler"))
        self.send(signal.SIGCONT)
        with sqlite3.connect(copy / "watchwall.sqlite3") as connection:
            # As in widgets/backup.py: SQLite 3.40 takes rows without a rowid for ones with NULL.
            found = connection.execute("PRAGMA integrity_check(2000000000)").fetchall()
            assert [said for (said,) in found if not said.startswith("NULL value in ")] in (
                ["ok"],
                [],
            )
            rows = connection.execute(
                "SELECT s.value FROM widgets_sample s JOIN widgets_series r ON r.id = s.series_id "
                "JOIN widgets_feed f ON f.id = r.feed_id WHERE f.name = 'pushed' ORDER BY s.ts"
            )
            return [value for (value,) in rows]


@pytest.fixture
def confined(tmp_path: Path, target: Target) -> Iterator[Confined]:
    data = tmp_path / "data"
    data.mkdir()
    wall = Confined(data, tmp_path / "log.txt")
    target.answers["asked"] = lambda: {"a": -5}
    feeds = {
        "pushed": {"source": "push", "expect_every": "2s"},
        "asked": feed_of(target.url("asked")),
    }
    wall.apply(board(feeds, [stat("pushed", [0, 0, 4, 3], "pushed"),
                             stat("asked", [4, 0, 4, 3], "asked")]))  # fmt: skip
    wall.token = wall.manage("token", "create", "pusher", "--feeds", "*").split()[-1]
    yield wall.start()
    wall.close()


def test_pushers_are_told_walls_say_so_and_nothing_is_corrupt(
    confined: Confined, open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page("about:blank")
    page.add_init_script(WATCH_FOR_LIES)
    page.goto(f"{confined.url}/d/test/")
    witnesses = [Witness(confined.url, "test") for _ in range(3)]
    taken = [10]
    assert confined.push(10)[0] == 200

    confined.fill()
    number, refused = 10, ""
    # What SQLite's log has room for in what it has is still taken, and is kept.
    while not refused:
        number += 1
        status, said = confined.push(number)
        if status == 200:
            taken.append(number)
        else:
            assert status in {503, 507}, said
            refused = said if status == 507 else ""
        assert number < 20_000

    assert "the disk of the database is full; make room there" in refused
    line = page.locator("#status")
    eventually(lambda: "the disk of the database is full" in line.inner_text(), 10)
    asked = page.locator("article", has_text="asked")
    eventually(lambda: asked.get_attribute("data-freshness") in {"late", "stale"}, 30)
    assert confined.runs
    # A page that comes now is told as well.
    with urllib.request.urlopen(f"{confined.url}/d/test/", timeout=10) as answer:
        assert "the disk of the database is full" in answer.read().decode()

    confined.make_room()
    number += 1
    eventually(lambda: confined.push(number)[0] == 200, 5, "there is room again")
    taken.append(number)
    eventually(lambda: "Nothing is recorded" not in line.inner_text(), 10)
    eventually(lambda: asked.get_attribute("data-freshness") == "fresh", 10)
    eventually(lambda: {witness.newest for witness in witnesses} == {number}, 5)
    pushed = page.locator("article", has_text="pushed")
    eventually(lambda: number_in(pushed.inner_html()) == number, 5)
    assert page.evaluate("JSON.stringify(window.lies)") == "[]"
    for witness in witnesses:
        witness.close()

    assert confined.stored(tmp_path / "copy") == taken
    assert confined.end() == 0
    assert "corrupt" not in confined.log.read_text()


def test_what_is_on_a_full_disk_can_be_started_again_elsewhere(
    confined: Confined, tmp_path: Path
) -> None:
    confined.fill()
    taken: list[float] = []
    while confined.push(number := len(taken))[0] == 200:
        taken.append(number)
        assert number < 20_000

    assert confined.stored(tmp_path / "copy") == taken
    # The same folder, as whoever starts it again on a larger disk finds it.
    again = Wall(tmp_path / "copy")
    again.start()
    values = again.query("SELECT value FROM widgets_sample ORDER BY ts")
    assert [value for (value,) in values if value in taken] == taken
    assert again.end() == 0
