"""A Redis stream, on a real Redis: read as one of a group, acknowledged when stored, once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest
from pytest_django import Settings
from redis.exceptions import ResponseError

from e2e.servers import Redis
from e2e.wall import eventually, free_port
from tests.feeds import make_feed
from tests.streaming import error, supervisor, values
from widgets import clock, commit, record
from widgets.change import Arrival, Outcome
from widgets.clock import SECOND
from widgets.models import Feed, FeedState, Sample, Series
from widgets.options import BadOptions, read
from widgets.sources import redis_stream
from widgets.sources.redis_stream import RedisStreamOptions
from widgets.streams import intake, listening

database = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    server = Redis().start()
    yield server
    server.close()


@pytest.fixture
def stream(server: Redis, monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of a stream, which is not there yet."""
    monkeypatch.setattr(listening, "FIRST_PAUSE", 0.05)
    server.client().flushall()
    return "orders"


def feed(server: Redis, stream: str, name: str = "f", **options: Any) -> Feed:
    options = {"url": server.url, "stream": stream, "start": "beginning", **options}
    return make_feed(name, source="redis-stream", options=options)


def add(server: Redis, stream: str, *entries: dict[str, Any], id_: str = "*") -> list[str]:
    client = server.client()
    return [client.xadd(stream, entry, id=id_).decode() for entry in entries]


def listeners(server: Redis) -> list[dict[str, str]]:
    """The connections that ask for entries."""
    found: list[dict[str, str]] = server.client().client_list()
    return [one for one in found if one["cmd"].startswith("xreadgroup")]


def pending(server: Redis, stream: str, group: str = "watchwall") -> int:
    """How many entries were read and are not acknowledged; -1 if there is no such group."""
    try:
        [n, *_] = server.client().execute_command("XPENDING", stream, group).values()
    except ResponseError:
        return -1
    return int(n)


@database
def test_entries_are_stored_as_of_their_ids_and_then_acknowledged(
    server: Redis, stream: str
) -> None:
    feed(server, stream)
    ids = add(server, stream, {"n": 1, "who": "ada"}, {"n": 2})
    with supervisor():
        eventually(lambda: values() == [1, 2], 10)
        ids += add(server, stream, {"n": 3})
        eventually(lambda: values() == [1, 2, 3], 10)
        eventually(lambda: pending(server, stream) == 0, 10)

    stored = Sample.objects.order_by("ts").values_list("ts", flat=True)
    assert [ts // 1_000 for ts in stored] == [int(one.split("-")[0]) for one in ids]
    assert [one.name for one in Series.objects.all()] == ["n"]


@database
def test_what_was_read_and_not_acknowledged_comes_first_and_is_stored_once(
    server: Redis, stream: str
) -> None:
    listened = feed(server, stream)
    with supervisor():
        add(server, stream, {"n": 1})
        eventually(lambda: values() == [1], 10)
        eventually(lambda: pending(server, stream) == 0, 10)
    # As one that died read these: the first of them was stored, none was acknowledged.
    add(server, stream, *({"n": n} for n in range(2, 700)))
    server.client().xreadgroup("watchwall", "watchwall", {stream: ">"}, count=698)
    state = FeedState.objects.get(feed=listened)
    [(name, place)] = state.memo["positions"].items()
    first = server.client().xrange(stream)[1][0].decode().split("-")
    state.memo["positions"][name] = [int(first[0]), int(first[1]), 0]
    state.save()
    add(server, stream, {"n": 700})

    with supervisor():
        eventually(lambda: pending(server, stream) == 0 and 700 in values(), 20)

    assert place != state.memo["positions"][name]
    assert values() == [1, *range(3, 701)]


@database
def test_what_a_consumer_that_is_gone_holds_is_taken_over(
    server: Redis, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed(server, stream, take_over="5 s")
    add(server, stream, {"n": 1}, {"n": 2}, {"n": 3})
    client = server.client()
    client.xgroup_create(stream, "watchwall", id="0")
    client.xreadgroup("watchwall", "gone", {stream: ">"}, count=2)
    # It has been so for an hour.
    for id_, _ in client.xrange(stream, count=2):
        client.execute_command("XCLAIM", stream, "watchwall", "gone", 0, id_, "IDLE", 3_600_000)
    with supervisor():
        eventually(lambda: pending(server, stream) == 0 and len(values()) == 3, 20)
        # Further on than these, which came over late all the same.
        assert values() == [1, 2, 3]


@database
def test_thousands_of_entries_of_one_millisecond_are_all_there(server: Redis, stream: str) -> None:
    feed(server, stream)
    now = clock.now() // 1_000
    client = server.client().pipeline()
    for at in (now, now + 1):
        for n in range(3_000):
            client.xadd(stream, {"n": n + 3_000 * (at - now)}, id=f"{at}-{n}")
    client.execute()
    with supervisor():
        eventually(lambda: pending(server, stream) == 0 and len(values()) == 6_000, 20)
    add(server, stream, {"n": 6_000}, id_=f"{now + 1}-3000")
    with supervisor():
        eventually(lambda: len(values()) == 6_001, 20)

    assert values() == list(range(6_001))


@database
def test_while_the_database_is_slow_entries_stay_in_redis(
    server: Redis, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_WAITING", 600)
    free = threading.Event()

    def slow(arrivals: list[Arrival], now: int) -> list[Outcome]:
        assert free.wait(60)
        return commit.commit(arrivals, now)

    monkeypatch.setattr(record, "commit", slow)
    feed(server, stream)
    client = server.client().pipeline()
    for n in range(5_000):
        client.xadd(stream, {"n": n})
    client.execute()
    with supervisor():
        # Who listens asks four times a second, but not while it waits for room.
        eventually(lambda: any(int(one["idle"]) >= 2 for one in listeners(server)), 20)
        # What waits, and a batch that has been read and waits for room.
        assert pending(server, stream) == 2 * redis_stream.AT_ONCE
        free.set()
        eventually(lambda: len(values()) == 5_000, 30)
        eventually(lambda: pending(server, stream) == 0, 10)


@database
def test_one_connection_reads_all_streams_of_a_group_and_each_feed_gets_its_own(
    server: Redis, stream: str
) -> None:
    feed(server, stream, "a")
    feed(server, stream, "b", rows=2)
    feed(server, "payments", "c")
    with supervisor() as here:
        add(server, stream, {"n": 1}, {"n": 2}, {"n": 3})
        add(server, "payments", {"n": 4})
        eventually(lambda: values("a") == values("b") == [1, 2, 3] and values("c") == [4], 10)
        assert here.listens == 1
        eventually(lambda: pending(server, stream) + pending(server, "payments") == 0, 10)

    assert FeedState.objects.get(feed__name="b").rows == [{"n": "3"}, {"n": "2"}]
    assert FeedState.objects.get(feed__name="a").rows is None


@database
def test_json_in_a_field_is_read_as_it_may_be_pushed(server: Redis, stream: str) -> None:
    feed(server, stream, payload="data")
    at = clock.now() // SECOND - 60
    add(server, stream, {"data": f'{{"shop": {{"paid": 7}}, "time": {at}, "units": {{"a": "s"}}}}'})
    add(server, stream, {"data": f"[[{at + 1}, 1], [{at + 2}, 2]]"})
    with supervisor():
        eventually(lambda: values() == [7, 1, 2], 10)

        add(server, stream, {"data": "{no"})
        eventually(lambda: "this is no JSON" in error(), 10)
        assert f"of {stream}: data: line 1" in error()
        assert pending(server, stream) == 0 or eventually(
            lambda: pending(server, stream) == 0, 10
        ), "it would come again for ever"

        add(server, stream, {"data": "5"})
        eventually(lambda: error() == "", 10)
    assert values()[-1] == 5


@database
def test_a_redis_that_is_away_is_said_and_listened_to_when_it_is_back(
    server: Redis, stream: str
) -> None:
    port = free_port()
    away = feed(server, stream)
    away.options["url"] = f"redis://127.0.0.1:{port}/0"
    away.save()
    with supervisor():
        eventually(
            lambda: error().startswith("not connected, trying again in 1 s: Redis at 127.0.0.1"), 10
        )
        assert "connection refused" in error().lower()
        away.options["url"] = server.url
        away.save()
        add(server, stream, {"n": 1})
        eventually(lambda: values() == [1] and not error(), 10)
        # Whatever it held is gone, and the group with it.
        server.client().flushall()
        add(server, stream, {"n": 2})
        eventually(lambda: values() == [1, 2] and not error(), 10)


@database
def test_it_connects_only_where_it_may(server: Redis, stream: str, settings: Settings) -> None:
    settings.EGRESS = [ip_network("192.0.2.0/24")]
    feed(server, stream)
    with supervisor():
        eventually(lambda: "outside the networks that WATCHWALL_EGRESS allows" in error(), 10)


@database
def test_a_password_that_is_wrong_is_said_and_not_shown(
    server: Redis, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_R", "not-to-be-seen")
    feed(server, stream, password="${env:WATCHWALL_SECRET_R}")
    with supervisor():
        eventually(lambda: "AUTH" in error(), 10)
    assert "not-to-be-seen" not in error()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"url": "http://x", "stream": "s"}, "is no address; write redis://"),
        ({"url": "redis://x"}, "stream: This field is required"),
        ({"url": "redis://x", "stream": "s", "take_over": "1 s"}, "5 s is the least"),
        ({"url": "redis://x", "stream": "s", "rows": 1000}, "less than or equal to 100"),
    ],
)
def test_options_that_are_wrong_are_said(options: dict[str, Any], says: str) -> None:
    with pytest.raises(BadOptions, match=says):
        read(RedisStreamOptions, options)
