"""One after another, in the order they came."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from tests.walls import DEADLINE
from widgets import turns
from widgets.turns import Turns, writing


def test_waiters_go_in_the_order_they_came_and_one_at_a_time() -> None:
    one = Turns()
    order: list[int] = []
    inside = threading.Lock()

    def take(i: int) -> None:
        with one.turn():
            assert inside.acquire(blocking=False)
            order.append(i)
            inside.release()

    threads = [threading.Thread(target=take, args=[i]) for i in range(20)]
    with one.turn():
        for i, thread in enumerate(threads):
            thread.start()
            waiting = threading.Event()
            while len(one._waiting) <= i:
                waiting.wait(0.001)
    for thread in threads:
        thread.join(DEADLINE)

    assert order == list(range(20))


def test_a_turn_that_breaks_off_is_passed_on() -> None:
    one = Turns()

    with pytest.raises(ValueError, match="broke"), one.turn():
        raise ValueError("broke")

    with one.turn():
        assert one._taken
    assert not one._taken


@pytest.mark.parametrize(("vendor", "alone"), [("sqlite", True), ("postgresql", False)])
def test_only_sqlite_has_one_writer_at_a_time(
    monkeypatch: pytest.MonkeyPatch, vendor: str, alone: bool
) -> None:
    monkeypatch.setattr(turns, "connection", SimpleNamespace(vendor=vendor))

    with writing():
        assert turns._turns._taken is alone
