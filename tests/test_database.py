"""The database that DATABASE_URL names."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, cast

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from e2e.wall import eventually
from tests.feeds import make_feed
from tests.walls import DEADLINE
from watchwall.database import database
from widgets import clock, record
from widgets.borrow import borrowed
from widgets.change import Arrival
from widgets.pulse import Pulse
from widgets.reading import Reading
from widgets.schedule import Ticker

WORKERS = 4


def described(url: str, durable: str = "") -> dict[str, Any]:
    return database(url, Path("/data"), WORKERS, durable)


@pytest.mark.parametrize(
    ("durable", "sqlite", "postgresql"),
    [("", "NORMAL", False), ("process", "NORMAL", True), ("power", "FULL", False)],
)
def test_what_a_commit_survives_is_a_setting(durable: str, sqlite: str, postgresql: bool) -> None:
    path = described("sqlite:////a.db", durable)["OPTIONS"]["init_command"]
    options = described("postgres://u@h/n", durable)["OPTIONS"]["options"]

    assert f"synchronous={sqlite};" in path
    assert ("-c synchronous_commit=off" in options) is postgresql
    assert "idle_in_transaction_session_timeout" in options


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:////var/lib/wall.db", "/var/lib/wall.db"),
        ("sqlite:///var/lib/wall.db", "/var/lib/wall.db"),
        ("sqlite:///with%20space.db", "/with space.db"),
    ],
)
def test_the_path_of_an_sqlite_database(url: str, path: str) -> None:
    assert described(url)["NAME"] == path


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_the_address_of_a_postgresql(scheme: str) -> None:
    found = described(f"{scheme}://wall:p%40ss%2Fw@db.example:6432/walls?sslmode=require")

    assert found["ENGINE"] == "django.db.backends.postgresql"
    names = ("NAME", "USER", "PASSWORD", "HOST", "PORT")
    assert [found[name] for name in names] == ["walls", "wall", "p@ss/w", "db.example", "6432"]
    assert found["OPTIONS"]["sslmode"] == "require"


def test_what_the_address_says_goes_before_what_we_say() -> None:
    ours = described("postgres://db/walls")["OPTIONS"]
    theirs = described("postgres://db/walls?connect_timeout=9&options=-c%20a%3Db")["OPTIONS"]

    assert ours["connect_timeout"] == 3
    assert "idle_in_transaction_session_timeout" in ours["options"]
    assert theirs["connect_timeout"] == "9"
    assert theirs["options"] == "-c a=b"


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:s3cret@db:port/walls",
        "postgres://u:s3cret@db/walls?foo=1",
        "postgres://u:s3cret/x@db/walls",
        "postgres://u:s3cret@db/",
        "mysql://u:s3cret@db/walls",
        "mysql://u:s3cret[x@db/walls",
    ],
)
def test_an_error_of_the_address_says_what_it_takes_and_no_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured) as error:
        described(url)

    assert "postgres://user:password@host:5432/name" in str(error.value)
    assert "s3cret" not in str(error.value)


def test_the_pool_has_room_for_every_thread_and_does_not_wait_long() -> None:
    found = described("postgres://db/walls")
    pool = found["OPTIONS"]["pool"]

    assert (found["CONN_MAX_AGE"], found["CONN_HEALTH_CHECKS"]) == (0, True)
    assert pool["max_size"] >= WORKERS + 4
    assert pool["timeout"] == 3
    # What psycopg has by itself pauses as long as the outage was.
    assert pool["reconnect_timeout"] <= 2


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_threads_that_wait_for_work_hold_no_connection() -> None:
    feed = make_feed()
    ticker, pulse = Ticker(lambda claim: None, lambda feeds: None), Pulse("test")
    ticker.start()
    pulse.start()
    outcome = record.record(Arrival(feed.pk, clock.now(), Reading({"a": 1})), timeout=DEADLINE)
    # This thread's own, which made the feed.
    connection.close()

    def all_are_back() -> bool:
        told = cast("Any", connection).pool.get_stats()
        return bool(told["pool_available"] == told["pool_size"] > 1)

    try:
        eventually(all_are_back, DEADLINE, "every connection is back in the pool")
    finally:
        ticker.stop()
        pulse.stop()
        record.stop()
    assert outcome.kept


def break_off(error: Exception) -> None:
    with borrowed():
        connection.ensure_connection()
        raise error


@pytest.mark.django_db(transaction=True)
def test_a_thread_gives_back_what_it_borrowed_also_when_it_breaks_off() -> None:
    held: list[object] = []

    def work() -> None:
        # As with a pool.
        connection.settings_dict["CONN_MAX_AGE"] = 0
        with borrowed():
            connection.ensure_connection()
            held.append(connection.connection)
        held.append(connection.connection)
        with pytest.raises(ValueError, match="broke"):
            break_off(ValueError("broke"))
        held.append(connection.connection)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert held[0] is not None
    assert held[1:] == [None, None]


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_broke_is_not_kept() -> None:
    def work() -> None:
        with pytest.raises(OperationalError):
            break_off(OperationalError("the server is gone"))
        held.append(connection.connection)

    held: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert held == [None]
