"""Settings: what is made, what is refused, and what the products' defaults must not be."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from watchwall.environment import flag, items, number
from watchwall.settings import kept_key
from widgets.models import Feed

ROOT = Path(__file__).resolve().parent.parent


def manage(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_tests_have_a_folder_of_their_own() -> None:
    database = settings.DATABASES["default"]

    assert settings.DATA_DIR.name.startswith("watchwall-tests-")
    assert Path(database["TEST"]["NAME"]).parent == settings.DATA_DIR
    assert str(settings.DATA_DIR) == os.environ["WATCHWALL_DATA"]


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@pytest.mark.parametrize("port", ["0", "65536", "99999", "²", "http"])
def test_a_wrong_port_is_said_without_a_traceback(port: str) -> None:
    done = manage("up", "--port", port)

    assert done.returncode != 0
    assert f"{port!r} is no port; it takes a whole number from 1 to 65535" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_key_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.key"

    key = kept_key(path)

    assert len(key) >= 50
    assert kept_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["secret.key"]


def test_nobody_else_may_read_the_database(tmp_path: Path) -> None:
    folder = tmp_path / "new"

    done = manage("migrate", "--verbosity", "0", WATCHWALL_DATA=str(folder))

    assert done.returncode == 0, done.stderr
    made = [folder, *folder.iterdir()]
    assert folder / "watchwall.sqlite3" in made
    assert [path for path in made if path.stat().st_mode & 0o077] == []


def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()

    done = manage("check", WATCHWALL_DATA=str(blocked / "data"))

    assert done.returncode != 0
    assert done.stderr.startswith(f"watchwall: the folder {blocked}/data cannot be used")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_database_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "watchwall.sqlite3").mkdir()

    done = manage("up", "--port", str(free_port()), WATCHWALL_DATA=str(tmp_path))

    assert done.returncode != 0
    assert f"The database {tmp_path}/watchwall.sqlite3 cannot be used" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WATCHWALL_DEBUG", "maybe", "takes yes or no"),
        ("WATCHWALL_WORKERS", "0", "a whole number from 1 to 64"),
        ("WATCHWALL_LOG_LEVEL", "foo", "is 'foo'; it takes DEBUG, INFO, WARNING, ERROR"),
        ("WATCHWALL_HEARTBEAT_URL", "beat.example/9f1c", "is no address; it takes https://"),
        ("WATCHWALL_HEARTBEAT_URL", "http://[::1/9f1c", "is no address; it takes https://"),
        ("WATCHWALL_LOG", "xml", "is 'xml'; it takes TEXT, JSON"),
        ("WATCHWALL_TIME_ZONE", "Mars/X", "is 'Mars/X'; it takes a time zone such as"),
        ("WATCHWALL_TIME_ZONE", "../x", "is '../x'; it takes a time zone such as"),
        ("REDIS_URL", "foo", "is no address of a Redis; it takes redis://host:6379/0"),
        ("REDIS_URL", "redis://host:port", "is no address of a Redis; it takes"),
        ("DATABASE_URL", "mysql://x/y", "it takes sqlite:///path/to/file or postgres://"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(name: str, value: str, said: str) -> None:
    done = manage("check", **{name: value})

    assert done.returncode != 0
    assert done.stderr.startswith(f"watchwall: {name}")
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_flags_lists_and_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, meant in {"yes": True, "1": True, "on": True, "no": False, "": False}.items():
        monkeypatch.setenv("X", given)
        assert flag("X") is meant
    monkeypatch.setenv("X", " a, ,b ")
    assert items("X") == ["a", "b"]
    monkeypatch.setenv("X", "²")
    with pytest.raises(ImproperlyConfigured, match="X is '²'"):
        number("X", 1, 1, 9)


def test_the_database_is_in_the_data_folder_whatever_that_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "a#b?c%20d é"
    code = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"

    done = manage("shell", "--no-imports", "-c", code, WATCHWALL_DATA=str(folder))

    assert done.stdout.strip() == f"{folder}/watchwall.sqlite3"


@pytest.mark.sqlite
@pytest.mark.django_db
def test_sqlite_takes_many_writers_and_gives_space_back() -> None:
    with connection.cursor() as cursor:
        found = [
            cursor.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "auto_vacuum", "busy_timeout")
        ]

    assert found == ["wal", 1, 2, 5000]
    assert settings.DATABASES["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert not settings.DATABASES["default"]["ATOMIC_REQUESTS"]


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_a_new_connection_does_not_wait_for_who_writes() -> None:
    found: list[int] = []

    def ask() -> None:
        found.append(Feed.objects.count())
        connection.close()

    with transaction.atomic():
        Feed.objects.create(name="f", source="push")
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert found == [0]


@pytest.mark.sqlite
@pytest.mark.django_db
def test_samples_are_stored_in_the_order_of_their_key() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        tables = dict(cursor.fetchall())

    for name in ("widgets_sample", "widgets_minute", "widgets_hour"):
        assert "WITHOUT ROWID" in tables[name]


def test_with_redis_queue_and_layer_are_there_and_the_layers_sockets_do_not_time_out() -> None:
    code = (
        "from django.conf import settings; from channels.layers import get_channel_layer;"
        "print(type(settings.HUEY).__name__, type(get_channel_layer()).__name__,"
        "settings.CHANNEL_LAYERS['default']['CONFIG'])"
    )

    done = manage("shell", "--no-imports", "-c", code, REDIS_URL="redis://127.0.0.1:1/0")

    assert done.stdout.split()[:2] == ["RedisHuey", "RedisPubSubChannelLayer"]
    assert "'socket_timeout': None" in done.stdout


def test_a_wall_for_the_network_takes_any_name_unless_names_are_given() -> None:
    code = "from django.conf import settings; print(settings.ALLOWED_HOSTS)"

    def hosts(**environment: str) -> str:
        return manage("shell", "--no-imports", "-c", code, **environment).stdout.strip()

    local = "['localhost', '127.0.0.1', '[::1]'"
    assert hosts() == f"{local}]"
    assert hosts(WATCHWALL_BIND="0.0.0.0") == "['*']"
    assert hosts(WATCHWALL_BIND="0.0.0.0", WATCHWALL_HOSTS="wall").startswith(f"{local}, 'wall'")
    assert hosts(WATCHWALL_BIND="10.0.0.7") == f"{local}, '10.0.0.7']"
