from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON
from tests.listening import reading
from widgets.options import BadOptions, read
from widgets.sources._brokers import meaning, names
from widgets.sources._kafka import split
from widgets.sources.kafka import KafkaOptions, Kept, Reader, configuration, moment

MS = NOON // 1000


def options(**given: Any) -> dict[str, Any]:
    return read(KafkaOptions, {"servers": ["h:9092"], "topics": ["orders"], **given})


def reader(**given: Any) -> Reader:
    chosen = options(**given)
    return Reader(
        7, "g", meaning(chosen), names(chosen["name"]), names(chosen["feed"]), {"orders": 4}
    )


def kept(value: bytes, **given: Any) -> Kept:
    return Kept(
        **{"topic": "orders", "partition": 2, "offset": 41, "at": MS, "value": value, **given}
    )


def test_a_message_has_its_place_and_its_time() -> None:
    [heard], wrong = reader().read(kept(b'{"paid": 3}'), NOON)

    assert wrong == ""
    assert reading(heard).numbers == {"paid": 3}
    assert reading(heard).at == NOON + 41 * 4 + 2
    assert (heard.stream, heard.position) == ("g/orders/2", (41, 0))


def test_a_time_in_the_payload_counts_more() -> None:
    [heard], _ = reader(precision="us").read(kept(b'{"time": %d, "paid": 3}' % (NOON - 5)), NOON)

    assert reading(heard).at == NOON - 5


@pytest.mark.parametrize(("partitions", "each"), [(1, 1_000), (3, 250), (4, 250), (9, 100)])
def test_messages_of_one_millisecond_have_each_a_moment_of_their_own(
    partitions: int, each: int
) -> None:
    moments = {
        moment(kept(b"1", offset=offset, partition=partition), partitions)
        for partition in range(partitions)
        for offset in range(12_345, 12_345 + each)
    }

    assert len(moments) == partitions * each
    assert moments <= set(range(NOON, NOON + 1_000))


def test_also_where_there_are_more_partitions_than_microseconds() -> None:
    assert moment(kept(b"1", partition=1_999), 2_000) == NOON + 999


def test_where_nobody_knows_the_time_it_is_that_of_arrival() -> None:
    [heard], _ = reader().read(kept(b"1", at=None), NOON)

    assert reading(heard).at is None


def test_key_and_headers_become_names() -> None:
    one = reader(name="{key}.{header.host}", feed="{topic}.{partition}")
    message = kept(b"5", key=b"north", headers=[("host", b"a"), ("other", None)])

    [heard], _ = one.read(message, NOON)

    assert reading(heard).numbers == {"north.a": 5}
    assert heard.name == "orders.2"


@pytest.mark.parametrize("name", ["{key}", "{header.host}"])
def test_a_message_without_what_its_name_is_made_of_is_said(name: str) -> None:
    [heard], wrong = reader(name=name).read(kept(b"5", headers=[("host", None)]), NOON)

    assert heard.reading is None
    assert wrong == (
        f"orders, partition 2, offset 41: the message has no {name[1:-1]}, "
        "which the option name asks for"
    )


def test_what_cannot_be_read_is_said_with_its_place() -> None:
    [heard], wrong = reader().read(kept(b"{"), NOON)

    assert (heard.reading, heard.position) == (None, (41, 0))
    assert wrong.startswith("orders, partition 2, offset 41: line 1, column 2: this is no JSON")


def test_lines_of_several_measurements_are_one_place_after_another() -> None:
    lines = f"cpu idle=1 {NOON}000\nmem free=2 {NOON}000\n".encode()

    heard, _ = reader(payload="line protocol").read(kept(lines), NOON)

    assert [reading(one).numbers for one in heard] == [{"cpu.idle": 1}, {"mem.free": 2}]
    assert [one.position for one in heard] == [(41, 0), (41, 1)]


def test_an_empty_message_says_only_where_it_stood() -> None:
    [heard], wrong = reader().read(kept(b""), NOON)

    assert (heard.reading, heard.position, wrong) == (None, (41, 0), "")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({}, {"security.protocol": "PLAINTEXT"}),
        (
            {"tls": True, "ca": "/ca.pem"},
            {
                "security.protocol": "SSL",
                "ssl.ca.location": "/ca.pem",
                "enable.ssl.certificate.verification": True,
            },
        ),
        (
            {"tls": True, "verify": False, "user": "u", "password": "pass", "mechanism": "PLAIN"},
            {
                "security.protocol": "SASL_SSL",
                "enable.ssl.certificate.verification": False,
                "sasl.mechanism": "PLAIN",
                "sasl.username": "u",
                "sasl.password": "pass",
            },
        ),
        (
            {"user": "u", "password": "pass"},
            {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512"},
        ),
    ],
)
def test_options_mean_to_the_library(given: dict[str, Any], meant: dict[str, Any]) -> None:
    found = configuration(options(**given), "g")

    assert meant.items() <= found.items()
    assert found["group.id"] == "g"
    # What is acknowledged is what we have stored.
    assert found["enable.auto.commit"] is False
    assert found["enable.auto.offset.store"] is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"servers": []}, "options.servers: at least one is expected"),
        ({"servers": ["h"]}, "options.servers: 'h' is no address; write host:9092"),
        ({"servers": ["h:0"]}, "options.servers: 'h:0' is no address"),
        ({"topics": []}, "options.topics: at least one is expected"),
        ({"name": "{level}"}, "options.name: there is no {level}; write it like {key}"),
        ({"feed": "{header.}"}, "options.feed: there is no {header.}; write it like {key}"),
        ({"user": "x"}, "options: user and password belong together"),
        ({"start": "now"}, "options.start: "),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        options(**given)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("server", "found"), [("h:9092", ("h", "9092")), ("[::1]:1", ("::1", "1"))]
)
def test_a_server_is_host_and_port(server: str, found: tuple[str, str]) -> None:
    assert split(server) == found


@given(
    st.binary(max_size=20),
    st.none() | st.binary(max_size=9),
    st.lists(
        st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5) | st.text()), max_size=3
    ),
    st.sampled_from(["", "{key}", "{header.a}", "{topic}"]),
    st.sampled_from(["json", "number", "text", "line protocol"]),
)
def test_any_message_is_heard_or_a_sentence(
    value: bytes,
    key: bytes | None,
    headers: list[tuple[str, bytes | str | None]],
    name: str,
    payload: str,
) -> None:
    heard, wrong = reader(name=name, payload=payload).read(
        kept(value, key=key, headers=headers), NOON
    )

    assert len(wrong) < 1_000
    assert all(one.position for one in heard)
