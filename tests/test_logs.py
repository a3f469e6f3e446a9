"""What the log says, and what it never does."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pytest_django import Settings

from tests.test_settings import manage
from watchwall import logs
from watchwall.logs import JSONLines, Lines
from widgets import lifecycle

SECRETS = {
    "SECRET_KEY": "the-key-of-the-wall",
    "METRICS_TOKEN": "the-token-of-metrics",
    "HEARTBEAT_URL": "https://beat.example/ping/9f1c",
    "REDIS_URL": "redis://:pass%2Fword-r@redis.example:6379/0",
}


@pytest.fixture(autouse=True)
def secrets(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SECRETS.items():
        setattr(settings, name, value)
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", "password-d")
    monkeypatch.setenv("WATCHWALL_SECRET_MQ", "secret-of-a-feed")
    logs._own_secrets.cache_clear()
    yield
    logs._own_secrets.cache_clear()


def record(message: str, *args: object, failed: Exception | None = None) -> logging.LogRecord:
    exc_info = None
    if failed:
        try:
            raise failed
        except Exception:  # noqa: BLE001
            exc_info = sys.exc_info()
    made = logging.LogRecord("widgets.x", logging.WARNING, "x.py", 1, message, args, exc_info)
    made.created = 1_780_315_230.25
    return made


def test_an_event_is_one_object_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "role", "web")

    line = JSONLines().format(record("It is\n%s “%s”", "late", "ÿ\ud800"))

    assert "\n" not in line
    assert line.isascii()
    said = json.loads(line)
    assert said.pop("node")
    assert said == {
        "time": "2026-06-01T12:00:30.250+00:00",
        "level": "WARNING",
        "logger": "widgets.x",
        "message": "It is\nlate “ÿ\ud800”",
        "role": "web",
        "pid": os.getpid(),
    }
    assert datetime.fromisoformat(said["time"]).tzinfo == UTC


def test_an_exception_comes_with_its_traceback_in_the_same_line() -> None:
    line = JSONLines().format(record("broken", failed=ValueError("on\ntwo lines")))

    assert "\n" not in line
    assert json.loads(line)["exception"].startswith("Traceback (most recent call last)")
    assert json.loads(line)["exception"].endswith("ValueError: on\ntwo lines")


@pytest.mark.parametrize("formatter", [JSONLines(), Lines("%(message)s")])
@pytest.mark.parametrize(
    "secret",
    [
        "the-key-of-the-wall",
        "the-token-of-metrics",
        "https://beat.example/ping/9f1c",
        "pass%2Fword-r",
        "pass/word-r",
        "password-d",
        "secret-of-a-feed",
    ],
)
def test_no_secret_is_in_a_message_or_an_error(formatter: logging.Formatter, secret: str) -> None:
    told = formatter.format(record("no: %s", secret, failed=OSError(f"//u:{secret}@host")))

    assert secret not in told
    assert "no: " in told
    assert "@host" in told


def test_a_whole_process_writes_its_log_so() -> None:
    code = "import logging; logging.getLogger('x').error('broken')"

    done: subprocess.CompletedProcess[str] = manage(
        "shell", "--no-imports", "-c", code, WATCHWALL_LOG="json", WATCHWALL_NODE="kitchen"
    )

    said = json.loads(done.stderr)
    assert (said["message"], said["role"], said["node"]) == ("broken", "shell", "kitchen")
