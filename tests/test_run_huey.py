"""`manage.py run_huey` and what a process looks at before it starts: real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from aiohttp import web
from django.core.management import get_commands

from e2e.servers import Postgres, Redis
from e2e.wall import eventually
from tests.serving import serving
from tests.test_settings import ROOT, manage

FEED = """
from widgets.models import Feed
Feed.objects.create(name="slow", source="http", interval=1_000_000, options={{"url": "{url}"}})
"""


@pytest.fixture
def environment(
    postgres: Postgres, redis_server: Redis, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """A database of its own on the PostgreSQL, made and up to date."""
    postgres.query("CREATE DATABASE huey")
    place = {
        "DATABASE_URL": postgres.url.replace("/postgres", "/huey"),
        "REDIS_URL": redis_server.url,
        "WATCHWALL_DATA": str(tmp_path),
        "WATCHWALL_SECRET_KEY": "k" * 50,
    }
    done = manage("migrate", "--verbosity", "0", **place)
    assert done.returncode == 0, done.stderr
    yield place
    postgres.query("DROP DATABASE huey WITH (FORCE)")


@contextmanager
def running(*args: str, **environment: str) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """The process, and what it says on stderr."""
    # Not a pipe, which is full while Redis is away: whoever writes to it then waits for ever.
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", *args],
            cwd=ROOT,
            env={**os.environ, **environment},
            stderr=log,
        )
        try:
            yield process, log
        finally:
            process.kill()
            process.wait(10)


@pytest.mark.parametrize(("command", "app"), [("run_huey", "dashboard"), ("migrate", "widgets")])
def test_the_command_is_ours_and_not_the_one_it_is_named_after(command: str, app: str) -> None:
    assert get_commands()[command] == app


def test_a_database_that_was_not_migrated_is_one_sentence(tmp_path: Path) -> None:
    done = manage("run_huey", WATCHWALL_DATA=str(tmp_path), REDIS_URL="redis://127.0.0.1:1")

    assert done.returncode != 0
    assert "Run: manage.py migrate" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["run_huey", "up"])
def test_a_postgresql_that_is_away_is_one_sentence_with_the_reason_and_no_password(
    command: str, tmp_path: Path
) -> None:
    done = manage(
        command,
        WATCHWALL_DATA=str(tmp_path),
        WATCHWALL_SECRET_KEY="k" * 50,
        DATABASE_URL="postgres://u:s3cret@127.0.0.1:1/walls",
        REDIS_URL="redis://127.0.0.1:1",
    )

    assert done.returncode != 0
    assert "The database walls at 127.0.0.1 cannot be used" in done.stderr
    assert "Connection refused" in done.stderr
    assert "s3cret" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_several_that_migrate_at_once_wait_for_each_other(postgres: Postgres) -> None:
    postgres.query("CREATE DATABASE together")
    url = postgres.url.replace("/postgres", "/together")
    command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    environment = {**os.environ, "DATABASE_URL": url}

    processes = [subprocess.Popen(command, cwd=ROOT, env=environment) for _ in range(3)]

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    postgres.query("DROP DATABASE together WITH (FORCE)")


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_consumer_that_is_ended_finishes_and_records_what_it_claimed(
    environment: dict[str, str], postgres: Postgres, sig: signal.Signals
) -> None:
    asked, answer = threading.Event(), threading.Event()

    async def slow(request: web.Request) -> web.Response:
        asked.set()
        await asyncio.to_thread(answer.wait, 30)
        return web.Response(text="late")

    with serving(slow) as url:
        manage("shell", "--no-imports", "-c", FEED.format(url=url), **environment)
        with running("run_huey", **environment) as (process, log):
            assert asked.wait(30), process.poll()
            process.send_signal(sig)
            # The ticker ends first, and with it the process's row is no longer the newest thing.
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
            answer.set()
            code = process.wait(30)
            log.seek(0)
            said = log.read().decode()

    rows = database(postgres, "SELECT claim, duration > 0, lease_until FROM widgets_feedstate")
    assert (code, said) == (0, "")
    assert rows == [(1, True, 0)]
    assert database(postgres, "SELECT count(*) > 0 FROM widgets_sample") == [(True,)]
    assert database(postgres, "SELECT role FROM widgets_process") == [("huey",)]


def database(postgres: Postgres, sql: str) -> list[tuple[object, ...]]:
    return postgres.query(sql, "huey")


async def fine(request: web.Request) -> web.Response:
    return web.Response(text="fine")


def version(postgres: Postgres) -> int:
    [(found,)] = database(postgres, "SELECT version FROM widgets_feedstate")
    return int(str(found))


def test_a_postgresql_that_breaks_down_and_comes_back_ends_no_thread(
    environment: dict[str, str], postgres: Postgres
) -> None:
    with serving(fine) as url:
        manage("shell", "--no-imports", "-c", FEED.format(url=url), **environment)
        with running("run_huey", **environment) as (process, _):
            eventually(lambda: version(postgres) > 0, 30, "it is refreshed")
            postgres.end("immediate")
            # Longer than the pool waits for a connection.
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(5)
            postgres.start()
            [before], [(seen,)] = (
                database(postgres, "SELECT version, lease_until FROM widgets_feedstate"),
                database(postgres, "SELECT seen FROM widgets_process"),
            )
            eventually(lambda: version(postgres) > int(str(before[0])), 5, "it is refreshed again")
            eventually(
                lambda: database(postgres, f"SELECT seen > {seen} FROM widgets_process")[0][0],
                10, "it tells of itself again",
            )  # fmt: skip
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)

    assert code == 0


def test_a_redis_that_dies_and_comes_back_ends_no_thread(
    environment: dict[str, str], postgres: Postgres, redis_server: Redis
) -> None:
    with serving(fine) as url:
        manage("shell", "--no-imports", "-c", FEED.format(url=url), **environment)
        with running("run_huey", **environment) as (process, log):
            eventually(lambda: version(postgres) > 0, 30, "it is refreshed")
            redis_server.end(signal.SIGKILL)
            dead = version(postgres)
            # Nothing is claimed that could not be handed on; its ticker says so and goes on.
            eventually(
                lambda: b"The ticker could not" in os.pread(log.fileno(), 1_000_000, 0),
                30, "its ticker finds Redis away",
            )  # fmt: skip
            redis_server.start()
            eventually(lambda: version(postgres) > dead, 5, "it is refreshed again")
            process.send_signal(signal.SIGTERM)
            code = process.wait(30)
            log.seek(0)
            said = log.read().decode()

    assert code == 0
    # One line each time that somebody found it away.
    assert "Error reading from queue" in said
    assert "Traceback" not in said
