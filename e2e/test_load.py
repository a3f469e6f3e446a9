"""The load client of the benchmarks counts what came, and whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bench.child import Child
from bench.load import Load
from bench.serving import python
from e2e.wall import eventually, free_port, listens

SOCKETS = 20


@pytest.fixture
def server() -> Iterator[tuple[Child, int]]:
    """It sends each line that it is told to every socket."""
    port = free_port()
    with Child(python("bench.peers.broadcast", str(port))) as child:
        eventually(lambda: listens(port), 10, "it listens")
        yield child, port


@pytest.fixture
def load(server: tuple[Child, int]) -> Iterator[Load]:
    with Load(server[1], "/") as load:
        opened = load.open(SOCKETS, painted=False)
        assert (opened.sockets, opened.failed) == (SOCKETS, 0)
        yield load


def marker() -> int:
    return time.time_ns() // 1000


def test_every_delivery_to_every_socket_is_counted(server: tuple[Child, int], load: Load) -> None:
    load.start()
    sizes = (40, 1300, 60_000)
    for size in sizes:
        sent = marker()
        server[0].tell(f"<p>@{sent}@".ljust(size))
        load.wait_for(sent)
    counted = load.stop()

    assert counted.frames == counted.deliveries == counted.latency.n == 3 * SOCKETS
    assert (counted.least, counted.most) == (3, 3)
    assert counted.bytes == sum(sizes) * SOCKETS
    assert 0 < counted.latency.p50 <= counted.latency.max < 10_000


def test_a_marker_that_stands_twice_in_a_fragment_is_one_delivery(
    server: tuple[Child, int], load: Load
) -> None:
    load.start()
    first, second = marker(), marker() + 1
    server[0].tell(f"<td title='@{first}@'>@{first}@</td> me@example.org <td>@{second}@</td>")
    load.wait_for(second)
    counted = load.stop()

    assert counted.frames == counted.marked == SOCKETS
    assert counted.deliveries == 2 * SOCKETS
    assert counted.repeats == SOCKETS


def test_what_is_sent_again_is_no_delivery(server: tuple[Child, int], load: Load) -> None:
    load.start()
    first, second, last = marker(), marker() + 1, marker() + 2
    for sent in (first, second, first, second, last):
        server[0].tell(f"@{sent}@")
    load.wait_for(last)
    counted = load.stop()

    assert counted.frames == 5 * SOCKETS
    assert counted.deliveries == counted.latency.n == 3 * SOCKETS
    assert counted.repeats == 2 * SOCKETS


def test_what_was_under_way_before_is_not_counted(server: tuple[Child, int], load: Load) -> None:
    before = marker()
    load.start()
    last = marker()
    for sent in (before, last):
        server[0].tell(f"@{sent}@")
    load.wait_for(last)

    assert load.stop().deliveries == SOCKETS


def test_a_frame_without_a_marker_is_no_delivery(server: tuple[Child, int], load: Load) -> None:
    load.start()
    server[0].tell('{"type": "heartbeat"}')
    sent = marker()
    server[0].tell(f"@{sent}@")
    load.wait_for(sent)
    counted = load.stop()

    assert (counted.frames, counted.deliveries) == (2 * SOCKETS, SOCKETS)


def test_who_is_stalled_is_not_waited_for(server: tuple[Child, int], load: Load) -> None:
    load.stall(5)
    load.start()
    sent = marker()
    server[0].tell(f"@{sent}@")
    load.wait_for(sent)
    counted = load.stop()

    assert counted.readers == counted.deliveries == SOCKETS - 5


def test_a_dead_server_is_seen_on_every_socket(server: tuple[Child, int], load: Load) -> None:
    load.start()
    server[0].close()

    eventually(lambda: load.stop().closed == SOCKETS, 10, "all were closed")


def test_sockets_that_are_dropped_come_again(server: tuple[Child, int], load: Load) -> None:
    load.open(SOCKETS, painted=False)
    opened = load.reopen(painted=False)
    load.start()
    sent = marker()
    server[0].tell(f"@{sent}@")
    load.wait_for(sent)

    assert (opened.sockets, opened.failed) == (2 * SOCKETS, 0)
    assert load.stop().deliveries == 2 * SOCKETS


def test_nobody_listening_is_a_failure_of_each() -> None:
    with Load(free_port(), "/") as load:
        opened = load.open(SOCKETS, painted=False)

    assert (opened.sockets, opened.failed) == (0, SOCKETS)


def test_who_answers_says_the_newest_version_of_what_came(server: tuple[Child, int]) -> None:
    with Load(server[1], "/", answering=True) as load:
        load.open(1, painted=False)
        server[0].tell(
            '<p data-version="17"></p><p data-version="123"></p><p data-version="4"></p>'
        )

        assert server[0].hear(10) == {"painted": 123}
