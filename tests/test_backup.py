"""The whole wall in one file, and back."""

from __future__ import annotations

import asyncio
import io
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from dashboard.live.hub import Hub
from dashboard.models import Dashboard, Tile
from tests.feeds import NOON, arrive, fail, make_feed, polled
from tests.test_settings import ROOT
from tests.walls import DEADLINE, make_board, put
from watchwall.asgi import application
from widgets import backup, clock
from widgets.clock import SECOND
from widgets.copying import tables
from widgets.models import Duty, Feed, FeedState, Process, Sample, Series, Widget

# Some of the rows are put back as of now.
RAISED = {"revision", "version", "claim", "lease_until"}
Rows = dict[str, list[dict[str, Any]]]


def make_wall() -> Dashboard:
    """Some of everything."""
    user = User.objects.create_superuser("owner", last_login=clock.as_datetime(NOON))
    user.groups.add(Group.objects.create(name="shift"))
    feed = make_feed("checkout", options={"b": 1.0, "a": 1e20}, private=True)
    for i in range(20):
        arrive(
            feed, {"latency": i / 7, "up": 1}, NOON + i * SECOND, text="opén\n✓", rows=[{"z": 1}]
        )
    fail(polled("host"))
    board = make_board("shop")
    put(board, "checkout")
    Duty.objects.create(name="x", done=NOON)
    return board


def rows(using: str = "default") -> Rows:
    """Everything there is, but what is raised."""
    return {
        model._meta.db_table: [
            {name: value for name, value in row.items() if name not in RAISED}
            for row in model._base_manager.using(using).order_by("pk").values()
        ]
        for model in tables()
    }


def back_up(path: Path, *flags: str) -> Path:
    call_command("backup", str(path), *flags, stdout=io.StringIO())
    return path


def restore(path: Path) -> str:
    out = io.StringIO()
    call_command("restore", str(path), stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def no_rubbish(tmp_path: Path) -> Iterator[None]:
    """Whatever happens, nothing is left behind."""
    yield
    left = [*settings.DATA_DIR.iterdir(), *tmp_path.iterdir()]
    assert [path for path in left if path.name.startswith(".")] == []


@pytest.mark.django_db(transaction=True)
def test_what_was_backed_up_is_there_again_and_nothing_else(tmp_path: Path) -> None:
    make_wall()
    was, claim = rows(), FeedState.objects.get(feed__name="host").claim
    back_up(tmp_path / "wall.sqlite3")
    Tile.objects.all().delete()
    Feed.objects.all().delete()
    User.objects.all().delete()
    make_board("other")
    arrive(make_feed("newer"), {"b": 2}, NOON)
    running = Process.objects.create(
        key="k", role="web", node="n", pid=1, build="1", started=0, seen=clock.now()
    )

    said = restore(tmp_path / "wall.sqlite3")

    assert rows() == was
    assert said.startswith("Restored 1 dashboards, 2 feeds and 40 samples from ")
    state = FeedState.objects.get(feed__name="host")
    assert state.claim > claim + 1_000, "what is under way must not be taken for a new claim's"
    assert state.lease_until == 0
    if connection.vendor == "postgresql":
        assert Process.objects.get() == running
    assert make_feed("next").pk > max(row["id"] for row in was["widgets_feed"])


@pytest.mark.django_db(transaction=True)
def test_the_past_is_newer_than_anything_anybody_holds(tmp_path: Path) -> None:
    board = make_wall()
    back_up(tmp_path / "wall.sqlite3")
    arrive(Feed.objects.get(name="checkout"), {"latency": 9}, NOON + 99 * SECOND)
    board.save()

    def marks() -> list[int]:
        return [
            *FeedState.objects.order_by("pk").values_list("version", flat=True),
            *(
                revision
                for model in (Feed, Widget, Dashboard, Tile)
                for revision in model.objects.order_by("pk").values_list("revision", flat=True)
            ),
        ]

    held = marks()
    restore(tmp_path / "wall.sqlite3")

    assert len(marks()) == len(held)
    assert all(now > then for now, then in zip(marks(), held, strict=True))


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_of_one_moment_whoever_writes(tmp_path: Path) -> None:
    feed = make_feed()
    arrive(feed, {"a": 0, "b": 0}, NOON)
    ends = threading.Event()

    def record() -> None:
        try:
            i = 0
            while not ends.is_set():
                i += 1
                arrive(feed, {"a": i, "b": i}, NOON + i * SECOND)
        finally:
            connection.close()

    writer = threading.Thread(target=record)
    writer.start()
    try:
        found = []
        for number in range(4):
            path = back_up(tmp_path / f"{number}.sqlite3")
            with closing(sqlite3.connect(path)) as copy:
                last = "SELECT MAX(value), COUNT(*) FROM widgets_sample GROUP BY series_id"
                found.append(copy.execute(last).fetchall())
    finally:
        ends.set()
        writer.join()

    assert len({pair[0] for pair in found}) > 1, "something was written meanwhile"
    assert all(len(pair) == 2 and pair[0] == pair[1] for pair in found)


@pytest.mark.django_db(transaction=True)
def test_a_backup_is_one_whole_file_that_nobody_else_may_read(tmp_path: Path) -> None:
    path = back_up(tmp_path / "wall.sqlite3")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    with closing(sqlite3.connect(path)) as copy:
        assert copy.execute("PRAGMA auto_vacuum").fetchone() == (2,)
        assert copy.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.django_db(transaction=True)
def test_a_file_that_is_there_is_overwritten_only_by_force_and_only_by_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wall.sqlite3"
    path.write_text("something else")
    with pytest.raises(CommandError, match="is there already; name another file, or add --force"):
        back_up(path)

    def broken(path: Path) -> None:
        path.write_text("half of it")
        raise DatabaseError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(backup, "write", broken)
        with pytest.raises(CommandError, match="cannot be backed up: disk full"):
            back_up(path, "--force")
    assert path.read_text() == "something else"

    back_up(path, "--force")
    assert path.read_bytes().startswith(b"SQLite format 3")


def garbage(path: Path) -> None:
    path.write_bytes(b"nothing of ours" * 1_000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20_000])


def scribbled(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    whole[4_096 * 8 : 4_096 * 30] = b"\xa5" * (4_096 * 22)
    path.write_bytes(whole)


def of_something_else(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE django_migrations (app, name, applied);")


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute(
            "INSERT INTO django_migrations (app, name, applied) "
            "VALUES ('widgets', '0999_later', '2030-01-01')"
        )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (garbage, "is no backup: it is not an SQLite database"),
        (cut, "is damaged: "),
        (scribbled, "is damaged: "),
        (of_something_else, "is no backup: it is an SQLite database of something else"),
        (newer, "is of a newer Watchwall: it has the migration widgets.0999_later, which this"),
        (Path.unlink, "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_restored_is_said_before_anything_is_touched(
    tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    make_wall()
    was = rows()
    path = back_up(tmp_path / "wall.sqlite3")
    spoil(path)

    with pytest.raises(CommandError) as caught:
        restore(path)

    assert str(caught.value).startswith(f"{path} {said}")
    assert str(caught.value).endswith(" Nothing was changed.")
    assert rows() == was


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_row_that_postgresql_refuses_leaves_everything_as_it_was(tmp_path: Path) -> None:
    make_wall()
    was = rows()
    path = back_up(tmp_path / "wall.sqlite3")
    with closing(sqlite3.connect(path)) as copy, copy:
        copy.execute("UPDATE widgets_feed SET name = ? WHERE name = 'host'", ["x" * 201])

    with pytest.raises(CommandError) as caught:
        restore(path)

    assert "cannot be restored: value too long for type" in str(caught.value)
    assert str(caught.value).endswith("COPY widgets_feed, line 2, column name")
    assert rows() == was


async def test_a_page_shows_what_was_restored(hub: Hub, tmp_path: Path) -> None:
    def setting() -> None:
        feed = make_feed()
        arrive(feed, {"a": 1741}, clock.now())
        put(make_board(), title="Before")
        back_up(tmp_path / "wall.sqlite3")
        arrive(feed, {"a": 2347}, clock.now())
        Widget.objects.update(title="After", revision=clock.now())

    async def shows(*words: str) -> None:
        frame = ""
        async with asyncio.timeout(DEADLINE):
            while not all(word in frame for word in words):
                frame = await socket.receive_from(timeout=DEADLINE)

    await hub.query(setting)
    socket = WebsocketCommunicator(application, "/ws/d/ops/", headers=[(b"host", b"localhost")])
    assert (await socket.connect(timeout=10))[0]
    await shows("After", "2,347")

    await hub.query(restore, tmp_path / "wall.sqlite3")

    await shows("Before", "1,741")
    await socket.disconnect()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_who_has_the_database_open_reads_and_writes_on_after_a_restore(tmp_path: Path) -> None:
    feed = make_feed()
    arrive(feed, {"a": 1}, NOON)
    path = back_up(tmp_path / "wall.sqlite3")
    arrive(feed, {"a": 2}, NOON + SECOND)
    name = settings.DATABASES["default"]["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None)) as other:
        assert other.execute("SELECT COUNT(*) FROM widgets_sample").fetchone() == (2,)

        restore(path)

        assert other.execute("SELECT COUNT(*) FROM widgets_sample").fetchone() == (1,)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        other.execute("UPDATE widgets_series SET unit = 'K'")
    assert Series.objects.get().unit == "K"
    assert arrive(feed, {"a": 3}, NOON + 2 * SECOND).kept
    assert Sample.objects.count() == 2


def test_a_backup_goes_through_a_pipe(tmp_path: Path) -> None:
    environment = {"WATCHWALL_DATA": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}

    def manage(*args: str) -> subprocess.CompletedProcess[bytes]:
        done = [sys.executable, "manage.py", *args]
        return subprocess.run(
            done, cwd=ROOT, env=environment, capture_output=True, check=False, timeout=60
        )

    nothing = manage("backup", "-")
    assert (nothing.returncode, nothing.stdout) == (1, b"")
    assert b"has no tables yet: there is nothing to back up." in nothing.stderr

    assert manage("migrate", "--verbosity", "0").returncode == 0
    done = manage("backup", "-")

    assert done.returncode == 0, done.stderr
    (tmp_path / "piped.sqlite3").write_bytes(done.stdout)
    with closing(sqlite3.connect(tmp_path / "piped.sqlite3")) as copy:
        assert copy.execute("SELECT COUNT(*) FROM widgets_feed").fetchone() == (0,)
