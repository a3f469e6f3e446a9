"""A sign of life goes out once a minute, and only if there is life."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from aiohttp import web
from django.db import OperationalError
from pytest_django import Settings

from e2e.wall import free_port
from tests.serving import serving
from widgets import clock, heartbeat, io, lifecycle, processes, record, tasks
from widgets.clock import MINUTE, SECOND
from widgets.models import Duty

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "9f1c-of-nobody"
NOW = 1_780_315_230 * SECOND


class Watcher:
    """Who is told; it answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        return web.Response(status=self.status)


@pytest.fixture
def watcher(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    telling = processes.Telling()
    telling.gauge("tick", clock.now())
    monkeypatch.setattr(processes, "gauged", telling.gauged)
    watcher = Watcher()
    with serving(watcher.answer) as url:
        settings.HEARTBEAT_URL = f"{url}/ping/{SECRET}"
        yield watcher
        io.stop()
    record.stop()


def beat(now: int) -> None:
    io.submit(heartbeat.beat(now)).result(30)


def test_of_several_consumers_one_sends_it_each_minute(watcher: Watcher) -> None:
    beat(NOW)
    beat(NOW + 30 * SECOND)
    assert watcher.asked == [f"GET /ping/{SECRET}"]

    beat(NOW + MINUTE)
    assert len(watcher.asked) == 2


def test_a_clock_that_was_set_back_does_not_silence_it(watcher: Watcher) -> None:
    beat(NOW)
    beat(NOW - 10 * MINUTE)

    assert len(watcher.asked) == 2


def test_what_did_not_arrive_is_said_without_the_address_and_left_to_another(
    watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    watcher.status = 404
    beat(NOW)
    watcher.status = 200
    beat(NOW + SECOND)

    assert len(watcher.asked) == 2
    assert caplog.messages == [
        "The heartbeat did not arrive: the answer was 404 Not Found; in a minute comes the next."
    ]
    assert SECRET not in caplog.text


def test_a_watcher_that_is_away_is_said_in_words(
    watcher: Watcher, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEARTBEAT_URL = f"http://127.0.0.1:{free_port()}/ping/{SECRET}"

    beat(NOW)

    assert "did not arrive: connection refused;" in caplog.text
    assert SECRET not in caplog.text


def test_no_error_shows_the_address_that_it_is_about(
    watcher: Watcher, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HEARTBEAT_URL = f"http://ex ample:x/{SECRET}"

    beat(NOW)

    assert "did not arrive" in caplog.text
    assert SECRET not in caplog.text


def test_a_wall_whose_tickers_stand_still_sends_none(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processes, "gauged", processes.Telling().gauged)

    beat(NOW)

    assert watcher.asked == []
    assert "No heartbeat is sent: No ticker has looked" in caplog.text
    assert not Duty.objects.exists()


def test_a_process_that_stops_sends_none(watcher: Watcher) -> None:
    lifecycle.stopping.set()
    try:
        beat(NOW)
    finally:
        lifecycle.stopping.clear()

    assert watcher.asked == []


def test_a_writer_that_hangs_lets_none_be_sent(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "submit", lambda arrival: Future())
    monkeypatch.setattr(heartbeat, "WRITER_WITHIN", 0.05)

    beat(NOW)

    assert watcher.asked == []
    assert "the writer has not answered within 0.05 s." in caplog.text


def test_a_database_that_takes_no_write_lets_none_be_sent(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(now: int) -> bool:
        raise OperationalError("database or disk is full")

    monkeypatch.setattr(heartbeat, "claim", full)

    beat(NOW)

    assert watcher.asked == []
    assert "took no write: database or disk is full" in caplog.text


def test_huey_begins_it_every_minute_and_only_where_an_address_is_set(
    watcher: Watcher, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Future[None]] = []
    submit = io.submit

    def noted(work: Coroutine[Any, Any, None]) -> Future[None]:
        begun.append(submit(work))
        return begun[-1]

    monkeypatch.setattr(io, "submit", noted)

    tasks.beat.call_local()
    begun[0].result(30)
    assert len(watcher.asked) == 1

    settings.HEARTBEAT_URL = ""
    tasks.beat.call_local()
    assert len(begun) == 1
