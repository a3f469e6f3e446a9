"""A Redis stream, on a real Redis: read as one of a group, acknowledged when stored, once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from e2e.servers import Redis
from e2e.wall import eventually, free_port
from tests.feeds import NOON, make_feed
from tests.streaming import error, supervisor, values
from widgets import clock
from widgets.clock import DAY, SECOND
from widgets.models import Feed, FeedState, Sample, Series
from widgets.options import BadOptions, read
from widgets.sources._entries import BadEntry, moment_of, read_entry
from widgets.sources.redis_stream import RedisStreamOptions
from widgets.streams import listening

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


def pending(server: Redis, stream: str, group: str = "watchwall") -> int:
    [n, *_] = server.client().execute_command("XPENDING", stream, group).values()
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


# -- entries, pure -----------------------------------------------------------------------------


def entry(fields: dict[str, str], at: int | None = NOON, **options: Any) -> Any:
    chosen = {"payload": "", "time": "", "rows": 0, **options}
    [reading] = read_entry(fields, chosen, at, NOON)
    return dict(reading.numbers), reading.at


@pytest.mark.parametrize(
    ("fields", "options", "means"),
    [
        ({"a": "1", "b": "-2.5e3", "c": "x", "d": "nan", "e": "1_0", "f": "٣"}, {},
         ({"a": 1, "b": -2500}, NOON)),
        ({"a": "1", "t": "1780315230.5"}, {"time": "t"}, ({"a": 1}, 1_780_315_230_500_000)),
        ({"a": "1", "t": "2026-06-01T12:00:30+00:00"}, {"time": "t"}, ({"a": 1}, NOON)),
        ({"a": "1", "t": "2026-06-01 12:00:30"}, {"time": "t"}, ({"a": 1}, NOON)),
        ({"p": "7"}, {"payload": "p"}, ({"value": 7}, NOON)),
        ({"p": '{"x": 1, "time": 5}'}, {"payload": "p"}, ({"x": 1}, 5 * SECOND)),
        ({"who": "ada"}, {"rows": 1}, ({}, NOON)),
    ],
)  # fmt: skip
def test_an_entry_means(fields: dict[str, str], options: dict[str, Any], means: object) -> None:
    assert entry(fields, **options) == means


@pytest.mark.parametrize(
    ("fields", "options", "why"),
    [
        ({"who": "ada"}, {}, "it holds no number"),
        ({"a": "1", "t": "noon"}, {"time": "t"}, "t is 'noon'; a time is expected"),
        ({"a": "1"}, {"time": "t"}, "t is ''; a time is expected"),
        ({"a": "1"}, {"payload": "p"}, "there is no field p; there is a"),
        ({"p": "[]"}, {"payload": "p"}, "p is empty"),
        ({"p": '"x"'}, {"payload": "p"}, "an object is expected"),
        ({"p": '[{"a": "x"}]'}, {"payload": "p"}, r"\[0\].a: a is text"),
    ],
)
def test_an_entry_that_means_nothing_says_why(
    fields: dict[str, str], options: dict[str, Any], why: str
) -> None:
    with pytest.raises(BadEntry, match=why):
        entry(fields, **options)


@given(st.dictionaries(st.text(), st.text()), st.sampled_from(["", "p"]), st.text())
def test_whatever_stands_in_an_entry_it_is_read_or_refused(
    fields: dict[str, str], payload: str, text: str
) -> None:
    for time in ("", "t"):
        with suppress(BadEntry):
            read_entry(
                {**fields, "p": text, "t": text},
                {"payload": payload, "time": time, "rows": 0}, NOON, NOON,
            )  # fmt: skip


def test_the_time_of_an_id_tells_entries_of_one_millisecond_apart() -> None:
    at = NOON // 1_000
    assert moment_of((at, 0), NOON) == NOON
    assert moment_of((at, 7), NOON) == NOON + 7
    assert moment_of((at, 5_000), NOON) == NOON + 999
    assert moment_of((7, 1), NOON) is None, "counted by somebody"
    assert moment_of((at + DAY // 1_000, 0), NOON) is None, "of a clock that is wrong"


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
