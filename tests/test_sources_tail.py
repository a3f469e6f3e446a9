"""A log file followed through all that happens to logs: no line is lost, and none comes twice."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from e2e.wall import eventually
from tests.feeds import NOON, make_feed
from tests.streaming import error, supervisor, values
from widgets.clock import SECOND
from widgets.models import Feed, FeedState, Sample, Series
from widgets.options import BadOptions, read
from widgets.sources import Listened, SourceError, _follow
from widgets.sources._follow import CHUNK, Follower, opened
from widgets.sources.tail import Reader, TailOptions
from widgets.streams import listening

database = pytest.mark.django_db(transaction=True)


@pytest.fixture
def log(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log in the folder that may be read, with the numbers 1 and 2."""
    monkeypatch.setattr(listening, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(_follow, "LINGER", 0.1)
    folder = tmp_path / "logs"
    folder.mkdir()
    settings.TAIL = [str(folder)]
    path = folder / "app.log"
    write(path, 1, 2)
    return path


def write(path: Path, *numbers: int) -> None:
    with path.open("a") as file:
        file.writelines(f"took={n} and more\n" for n in numbers)


def feed(path: Path, **options: Any) -> Feed:
    given = {"path": str(path), "pattern": r"took=(?P<n>\d+)", "start": "beginning", **options}
    return make_feed(source="tail", options=given)


def heard(*numbers: int) -> Callable[[], bool]:
    return lambda: values() == list(numbers)


@database
def test_lines_are_read_as_they_are_written_and_what_does_not_match_is_passed_over(
    log: Path,
) -> None:
    feed(log)
    with supervisor():
        eventually(heard(1, 2), 10)
        with log.open("a") as file:
            file.write("something else\ntook=3\ntook=")
        eventually(heard(1, 2, 3), 10)
        with log.open("a") as file:
            file.write("4\r\n")
        eventually(heard(1, 2, 3, 4), 10)

    assert [one.name for one in Series.objects.all()] == ["n"]


@database
def test_it_begins_at_the_end_and_goes_on_there_after_a_restart(log: Path) -> None:
    listened = feed(log, start="end")
    with supervisor():
        eventually(lambda: FeedState.objects.get(feed=listened).memo.get("positions"), 10)
    write(log, 3)
    with supervisor():
        eventually(heard(3), 10)
    write(log, 4, 5)
    with supervisor():
        eventually(heard(3, 4, 5), 10)

    assert FeedState.objects.get(feed=listened).rows is None


@database
def test_a_renamed_file_is_read_to_its_end_before_the_one_in_its_place(log: Path) -> None:
    feed(log)
    with supervisor():
        eventually(heard(1, 2), 10)
        old = log.rename(log.with_name("app.log.1"))
        write(old, 3)
        write(log, 5)
        eventually(heard(1, 2, 3, 5), 10)
        write(log, 6)
        eventually(heard(1, 2, 3, 5, 6), 10)


@database
def test_rotation_while_nobody_listens_loses_nothing(log: Path) -> None:
    feed(log)
    with supervisor():
        eventually(heard(1, 2), 10)
    write(log, 3)
    log.rename(log.with_name("app.log.1"))
    write(log, 4)
    with supervisor():
        eventually(heard(1, 2, 3, 4), 10)


@database
def test_a_file_that_is_truncated_is_read_from_its_beginning(log: Path) -> None:
    feed(log)
    with supervisor():
        eventually(heard(1, 2), 10)
        shutil.copy(log, log.with_name("app.log.1"))
        os.truncate(log, 0)
        write(log, 3)
        eventually(heard(1, 2, 3), 10)
    os.truncate(log, 0)
    # Longer than before: the size alone does not tell.
    write(log, *range(4, 40))
    with supervisor():
        eventually(heard(1, 2, 3, *range(4, 40)), 10)


@database
def test_what_is_gone_is_said(log: Path) -> None:
    feed(log)
    with supervisor():
        eventually(heard(1, 2), 10)
    log.unlink()
    with supervisor():
        eventually(lambda: "app.log cannot be read: No such file or directory" in error(), 10)
        write(log, 7)
        eventually(lambda: values() == [1, 2, 7], 10)
    log.unlink()
    # The same inode may come again; what stands in it does not.
    log.write_text("x" * 500 + "\n")
    with supervisor():
        eventually(lambda: "was replaced while nobody listened" in error(), 10)
        write(log, 8)
        eventually(lambda: values() == [1, 2, 7, 8] and not error(), 10)


@database
def test_rows_are_the_newest_lines_and_stay_after_a_restart(log: Path) -> None:
    listened = feed(log, pattern=r"took=(?P<n>\d+) and (?P<what>\w+)", rows=3)
    with supervisor():
        eventually(heard(1, 2), 10)
    write(log, 3, 4)
    with supervisor():
        eventually(heard(1, 2, 3, 4), 10)

    assert FeedState.objects.get(feed=listened).rows == [
        {"n": str(n), "what": "more"} for n in (4, 3, 2)
    ]


@database
def test_lines_of_one_second_have_each_a_moment(log: Path) -> None:
    feed(log, pattern=r"(?P<time>\S+) (?P<n>\d+)")
    at = NOON // SECOND
    log.write_text(f"{at} 1\n{at} 2\n{at + 1} 3\n{at - 100} 4\nnoon 5\n")
    # The feed keeps samples for as long as it takes this test to be of the past.
    Feed.objects.update(keep_raw=3650 * 86_400 * SECOND)
    with supervisor():
        eventually(lambda: Sample.objects.count() == 5, 10)

    assert values() == [4, 1, 2, 3, 5]
    assert list(Sample.objects.order_by("ts").values_list("ts", flat=True)[:4]) == [
        NOON - 100 * SECOND, NOON, NOON + 1, NOON + SECOND,
    ]  # fmt: skip


# -- which files -------------------------------------------------------------------------------


def test_nothing_outside_the_folders_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (tmp_path / "logs-of-another").mkdir()
    secret = tmp_path / "logs-of-another" / "secret"
    secret.write_text("x\n")
    (folder / "link").symlink_to(secret)
    (folder / "own").write_text("x\n")
    (folder / "own-link").symlink_to(folder / "own")
    os.mkfifo(folder / "pipe")
    outside = "is in none of the folders that WATCHWALL_TAIL names"
    for given, said in {
        secret: outside,
        folder / "link": outside,
        folder / ".." / "logs-of-another" / "secret": outside,
        tmp_path / "nothing": outside,
        folder: outside,
        folder / "pipe": "is no file",
        folder / "nothing": "cannot be read: No such file or directory",
    }.items():
        with pytest.raises(SourceError, match=said):
            opened(given, [str(folder)])
    with pytest.raises(SourceError, match="set WATCHWALL_TAIL"):
        opened(secret, [])
    for good in (folder / "own", folder / "own-link"):
        os.close(opened(good, [str(folder) + "/"]))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "app.log"}, "'app.log' is no whole path"),
        ({"pattern": "took"}, "it has no named group"),
        ({"pattern": "(?P<n>"}, "no regular expression"),
        ({"pattern": "(?P<n>(a+)+)"}, "a repetition inside a repetition"),
        ({"rows": 101}, "less than or equal to 100"),
    ],
)
def test_options_that_are_wrong_are_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadOptions, match=says):
        read(TailOptions, {"path": "/var/log/x", "pattern": "(?P<n>.)", **options})


# -- lines -------------------------------------------------------------------------------------


def follow(path: Path, left: tuple[int, ...] | None = None) -> Follower:
    return Follower(path, lambda given: os.open(given, os.O_RDONLY), left, at_end=False)


def test_whatever_is_written_how_it_is_read_again_from_every_place(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n\ntwo\r\nthr\ree\n" + "vier \u2026\n".encode() + b"\xff\nrest")
    first = follow(path)
    lines = first.read()
    assert first.read() == []
    first.close()
    texts = [b"one", b"", b"two", b"thr\ree", "vier \u2026".encode(), b"\xff"]
    assert [line.text for line in lines] == texts
    for i, line in enumerate(lines):
        again = follow(path, line.position)
        assert [one.text for one in again.read()] == texts[i + 1 :]
        assert not again.missed
        again.close()
    assert [line.position for line in lines] == sorted(line.position for line in lines)


def test_a_line_without_an_end_takes_no_more_than_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * (CHUNK + 10) + b"\nafter\n")
    follower = follow(path)
    found = [line.text for _ in range(3) for line in follower.read()]
    follower.close()

    assert [len(text) for text in found] == [CHUNK, 10, 5]


def test_only_the_last_of_a_batch_carries_rows_and_what_says_nothing_moves_the_place_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"n=1\nn=2\nnothing\n")
    follower = follow(path)
    options = {"path": str(path), "pattern": r"n=(?P<n>\d)", "rows": 5}
    reader = Reader(Listened(1, "f", options))
    lines = follower.read()
    follower.close()

    one, two, place = reader.read(lines)

    assert one.reading is not None
    assert two.reading is not None
    assert (one.reading.rows, two.reading.rows) == (None, [{"n": "2"}, {"n": "1"}])
    assert (place.reading, place.position) == (None, lines[-1].position)
