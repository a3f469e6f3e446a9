"""Whether this process can write to the database, as its walls say it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import OperationalError

from widgets import clock, processes, record, trouble
from widgets.change import Arrival
from widgets.clock import SECOND
from widgets.pulse import Pulse

NOW = 1_800_000_000 * SECOND


@pytest.fixture(autouse=True)
def _none_left() -> Iterator[None]:
    trouble._troubles.clear()
    yield
    trouble._troubles.clear()


def test_it_lasts_from_the_first_try_in_vain_until_one_succeeds() -> None:
    trouble.failed("writer", "full", NOW)
    trouble.failed("writer", "full", NOW + 20 * SECOND)

    found = trouble.standing(NOW + 25 * SECOND)

    assert found is not None
    assert (found.since, found.said) == (NOW, "the disk of the database is full")
    trouble.wrote("writer")
    assert trouble.standing(NOW + 25 * SECOND) is None


def test_the_success_of_one_does_not_hide_the_failure_of_another() -> None:
    trouble.failed("writer", "full", NOW)
    trouble.failed("pulse", "away", NOW + SECOND)
    trouble.wrote("writer")

    found = trouble.standing(NOW + SECOND)

    assert found is not None
    assert found.meaning == "away"


def test_who_has_not_tried_for_long_says_nothing_and_begins_anew() -> None:
    trouble.failed("writer", "full", NOW)

    assert trouble.standing(NOW + trouble.REMEMBERED) is None
    trouble.failed("writer", "full", NOW + trouble.REMEMBERED)
    found = trouble.standing(NOW + trouble.REMEMBERED)
    assert found is not None
    assert found.since == NOW + trouble.REMEMBERED


def test_a_pulse_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def beat(role: str) -> None:
        raise OperationalError("no connection")

    with monkeypatch.context() as patched:
        patched.setattr(processes, "beat", beat)
        with pytest.raises(OperationalError):
            Pulse("web")._write()
    assert trouble.standing(clock.now()) is not None

    monkeypatch.setattr(processes, "beat", lambda role: None)
    Pulse("web")._write()
    assert trouble.standing(clock.now()) is None


def test_a_reading_that_is_no_good_is_no_trouble_of_the_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def commit(arrivals: object, now: int) -> object:
        raise RuntimeError("of what was handed in")

    monkeypatch.setattr(record, "commit", commit)
    with pytest.raises(record.NotRecorded):
        record.record(Arrival(1, NOW), timeout=10)
    record.stop()

    assert trouble.standing(clock.now()) is None
