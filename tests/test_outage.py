"""A database that is away, busy, full or restarted while something is recorded."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.db.backends.signals import connection_created

from e2e.servers import Postgres
from e2e.wall import eventually
from tests.feeds import make_feed
from tests.test_settings import ROOT, manage
from tests.walls import DEADLINE
from widgets import clock, record, trouble
from widgets import commit as commit_module
from widgets.change import Arrival
from widgets.clock import MINUTE, SECOND
from widgets.models import FeedState, Sample, Series
from widgets.outage import Meaning, meaning, pauses
from widgets.reading import Reading

E = TypeVar("E", bound=Exception)


def of_sqlite(code: int) -> OperationalError:
    cause = sqlite3.OperationalError("said")
    cause.sqlite_errorcode = code
    return caused(OperationalError("said"), cause)


def of_postgresql(state: str | None) -> OperationalError:
    cause = psycopg.errors.lookup(state)("said") if state else psycopg.OperationalError("said")
    return caused(OperationalError("said"), cause)


def caused(error: E, cause: Exception) -> E:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY), "away"),
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), "away"),
        (of_sqlite(sqlite3.SQLITE_IOERR_FSYNC), "away"),
        (of_sqlite(sqlite3.SQLITE_READONLY), "away"),
        (of_sqlite(sqlite3.SQLITE_FULL), "full"),
        (of_sqlite(sqlite3.SQLITE_ERROR), "other"),
        (of_postgresql(None), "away"),
        (of_postgresql("57P01"), "away"),
        (of_postgresql("57P03"), "away"),
        (of_postgresql("40P01"), "away"),
        (of_postgresql("53300"), "away"),
        (of_postgresql("25006"), "away"),
        (of_postgresql("53100"), "full"),
        (of_postgresql("42703"), "other"),
        (InterfaceError("connection already closed"), "away"),
        (caused(DataError("said"), psycopg.errors.lookup("22003")("said")), "other"),
        (IntegrityError("said"), "other"),
        (RuntimeError("said"), "other"),
    ],
)
def test_what_an_error_means(error: Exception, means: Meaning) -> None:
    assert meaning(error) == means


def test_pauses_grow_up_to_a_second() -> None:
    found = list(islice(pauses(), 8))

    assert found == sorted(found)
    assert (found[0], found[-1]) == (0.05, 1.0)


# What is older than a feed keeps it has no samples.
RECENTLY = clock.now() - MINUTE


def arrival(feed: Any, number: int, **reading: Any) -> Arrival:
    at = RECENTLY + number * SECOND
    given = Reading({"a": number}, at=at, complete=False, **reading)
    return Arrival(feed.pk, at, given)


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> Iterator[list[int]]:
    """Commits that raise it so many times before they commit; how many each was to commit."""
    real, sizes = commit_module.commit, list[int]()

    def commit(arrivals: list[Arrival], now: int) -> Any:
        sizes.append(len(arrivals))
        if len(sizes) <= times:
            raise error
        return real(arrivals, now)

    with monkeypatch.context() as patch:
        patch.setattr(record, "commit", commit)
        yield sizes
        record.stop()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_back_in_a_moment_is_not_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = make_feed()

    with failing(monkeypatch, of_postgresql("57P01"), 4) as sizes:
        outcome = record.record(arrival(feed, 1), timeout=DEADLINE)

    assert outcome.status == "recorded"
    assert sizes == [1] * 5


@pytest.mark.django_db(transaction=True)
def test_one_that_stays_away_is_said_to_all_at_once_and_to_the_next_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(record, "PATIENCE", 0.1)
    feed = make_feed()

    with failing(monkeypatch, of_postgresql(None), 999) as sizes:
        first = [record.submit(arrival(feed, number)) for number in range(50)]
        for answer in first:
            with pytest.raises(record.NotRecorded, match="away or busy; hand it in again"):
                answer.result(DEADLINE)
        tried = len(sizes)
        with pytest.raises(record.NotRecorded):
            record.record(arrival(feed, 51), timeout=DEADLINE)

    # Not each of the fifty by itself; and the last by one try.
    assert tried < 10
    assert len(sizes) == tried + 1


@pytest.mark.django_db(transaction=True)
def test_a_commit_whose_answer_was_lost_is_made_again_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    feed = make_feed(thresholds=[{"critical_above": 0}])
    real, lost = commit_module.commit, list[int]()

    def commit(arrivals: list[Arrival], now: int) -> Any:
        outcomes = real(arrivals, now)
        if not lost:
            lost.append(FeedState.objects.get(pk=feed.pk).version)
            raise of_postgresql(None)
        return outcomes

    monkeypatch.setattr(record, "commit", commit)
    outcome = record.record(arrival(feed, 1), timeout=DEADLINE)
    record.stop()

    assert outcome.kept
    assert [outcome.version] == lost
    assert Sample.objects.count() == 1


@contextmanager
def full_disk() -> Iterator[None]:
    """SQLite connections that are made inside cannot make the file longer."""

    def limit(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            pages = cursor.execute("PRAGMA page_count").fetchone()[0]
            cursor.execute(f"PRAGMA max_page_count = {pages}")

    record.stop()
    connection_created.connect(limit)
    try:
        yield
    finally:
        connection_created.disconnect(limit)
        record.stop()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_said_at_once_and_nothing_that_was_there_is_lost() -> None:
    feed = make_feed()
    assert record.record(arrival(feed, 1, text="kept"), timeout=DEADLINE).kept

    with full_disk():
        large = "x" * 60_000
        answers = [record.submit(arrival(feed, n, text=large)) for n in (2, 3)]
        for answer in answers:
            with pytest.raises(record.DiskFull, match="the disk of the database is full"):
                answer.result(4)
        standing = trouble.standing(clock.now())

    assert standing is not None
    assert standing.said == "the disk of the database is full"
    state = FeedState.objects.get(pk=feed.pk)
    assert (state.text, Series.objects.get().value, Sample.objects.count()) == ("kept", 1, 1)
    assert record.record(arrival(feed, 4), timeout=DEADLINE).kept
    assert trouble.standing(clock.now()) is None
    record.stop()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_of_postgresql_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = make_feed()

    def commit(arrivals: list[Arrival], now: int) -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'full' USING ERRCODE = '53100'; END $$")

    with monkeypatch.context() as patch:
        patch.setattr(record, "commit", commit)
        with pytest.raises(record.DiskFull, match="make room"):
            record.record(arrival(feed, 1), timeout=4)

    assert record.record(arrival(feed, 2), timeout=DEADLINE).kept
    record.stop()


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_file_that_somebody_else_writes_to_for_long_is_waited_for() -> None:
    feed = make_feed()
    with transaction.atomic():
        FeedState.objects.filter(pk=feed.pk).update(failures=0)
        answer = record.submit(arrival(feed, 1))
        # Longer than SQLite's own patience, of 5 s.
        threading.Event().wait(6)
        assert not answer.done()

    assert answer.result(DEADLINE).status == "recorded"
    record.stop()


RECORDS = """
from widgets import clock, record, trouble
from widgets.change import Arrival
from widgets.models import Feed
from widgets.reading import Reading

feed = Feed.objects.create(name="f", source="push")
waiting = []
for n in range(100_000):
    at = clock.now()
    waiting.append((n, record.submit(Arrival(feed.pk, at, Reading({"a": n}, at=at)))))
    if len(waiting) > 20:
        number, answer = waiting.pop(0)
        print(number, answer.result().version, flush=True)
"""


def test_what_was_acknowledged_is_there_after_postgresql_broke_down_and_was_started(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.query("CREATE DATABASE outage")
    place = {
        "DATABASE_URL": postgres.url.replace("/postgres", "/outage"),
        "WATCHWALL_DATA": str(tmp_path),
    }
    assert manage("migrate", "--verbosity", "0", **place).returncode == 0
    told = tmp_path / "told.txt"

    def acknowledged() -> list[list[int]]:
        whole = told.read_text().rpartition("\n")[0].splitlines()
        return [[int(word) for word in line.split()] for line in whole]

    with told.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", RECORDS],
            cwd=ROOT, env={**os.environ, **place}, stdout=out,
        )  # fmt: skip
    try:
        eventually(lambda: len(acknowledged()) > 50, 30, "it records")
        postgres.end("immediate")
        before = len(acknowledged())
        postgres.start()
        eventually(lambda: len(acknowledged()) > before + 50, 10, "it records again")
    finally:
        process.kill()
        process.wait(10)

    found = acknowledged()
    values = {row[0] for row in postgres.query("SELECT value FROM widgets_sample", "outage")}
    assert [number for number, _ in found] == list(range(len(found)))
    assert {number for number, _ in found} <= values
    assert [version for _, version in found] == sorted(version for _, version in found)
    [(count, distinct)] = postgres.query(
        "SELECT count(*), count(DISTINCT value) FROM widgets_sample", "outage"
    )
    assert count == distinct
    postgres.query("DROP DATABASE outage WITH (FORCE)")
