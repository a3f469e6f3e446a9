"""One after another, in the order they came."""

from __future__ import annotations

import threading

import pytest

from tests.walls import DEADLINE
from widgets.turns import Turns


def test_waiters_go_in_the_order_they_came_and_one_at_a_time() -> None:
    turns = Turns()
    order: list[int] = []
    inside = threading.Lock()

    def take(i: int) -> None:
        with turns.turn():
            assert inside.acquire(blocking=False)
            order.append(i)
            inside.release()

    threads = [threading.Thread(target=take, args=[i]) for i in range(20)]
    with turns.turn():
        for i, thread in enumerate(threads):
            thread.start()
            waiting = threading.Event()
            while len(turns._waiting) <= i:
                waiting.wait(0.001)
    for thread in threads:
        thread.join(DEADLINE)

    assert order == list(range(20))


def test_a_turn_that_breaks_off_is_passed_on() -> None:
    turns = Turns()

    with pytest.raises(ValueError, match="broke"), turns.turn():
        raise ValueError("broke")

    with turns.turn():
        assert turns._taken
    assert not turns._taken
