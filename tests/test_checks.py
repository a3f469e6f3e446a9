"""What cannot work together is refused with an id and with what to do."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from tests.test_settings import manage
from widgets import checks
from widgets.checks import process_of_many


@pytest.mark.parametrize(
    ("debug", "bind", "refused"),
    [
        (True, "0.0.0.0", True),
        (True, "::", True),
        (True, "10.0.0.7", True),
        (True, "wall.example", True),
        (True, "127.0.0.1", False),
        (True, "127.0.0.53", False),
        (True, "::1", False),
        (True, "localhost", False),
        (False, "0.0.0.0", False),
    ],
)
def test_debug_pages_are_for_this_machine_only(
    settings: Settings, debug: bool, bind: str, refused: bool
) -> None:
    settings.DEBUG, settings.BIND = debug, bind

    found = [message.id for message in run_checks()]

    assert ("watchwall.E001" in found) is refused


@pytest.mark.parametrize(
    ("redis", "vendor", "key", "refused"),
    [
        ("redis://r", "postgresql", True, []),
        ("redis://r", "sqlite", False, []),
        ("", "sqlite", True, ["watchwall.E002"]),
        ("redis://r", "postgresql", False, ["watchwall.E003"]),
        ("", "postgresql", False, ["watchwall.E002", "watchwall.E003"]),
    ],
)
def test_one_process_of_many_needs_what_they_share(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    redis: str,
    vendor: str,
    key: bool,
    refused: list[str],
) -> None:
    settings.REDIS_URL, settings.SECRET_KEY_GIVEN = redis, key
    monkeypatch.setattr(checks, "connection", SimpleNamespace(vendor=vendor))

    found = process_of_many("manage.py serve")

    assert [message.id for message in found] == refused
    assert all(message.hint for message in found)


@pytest.mark.parametrize("command", ["listen", "run_huey", "serve"])
def test_a_process_beside_an_embedded_wall_is_refused_without_a_traceback(
    command: str, tmp_path: Path
) -> None:
    done = manage(command, WATCHWALL_DATA=str(tmp_path))

    assert done.returncode != 0
    assert f"(watchwall.E002) `manage.py {command}` is one process beside others" in done.stderr
    assert "HINT: Set the same REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wall_that_shows_debug_pages_to_others_does_not_start(tmp_path: Path) -> None:
    done = manage(
        "up", WATCHWALL_DATA=str(tmp_path), WATCHWALL_DEBUG="yes", WATCHWALL_BIND="0.0.0.0"
    )

    assert done.returncode != 0
    assert "watchwall.E001" in done.stderr
