from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.feeds import NOON
from tests.test_formats_contract import BOMBS, bodies
from widgets.clock import SECOND
from widgets.judge import MOST_AHEAD
from widgets.reading import Reading, clean
from widgets.sources._payload import DECODERS, MOST_BYTES, Meaning, Message, decode

AT = NOON - 7 * SECOND
SECONDS = NOON // SECOND


def read(
    body: bytes | str | dict[str, Any] | list[Any], name: str = "home", **meaning: str
) -> Message:
    given = {"payload": "json", **meaning}
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    return decode(body, name, Meaning(**given), NOON, AT)


def only(message: Message) -> Reading:
    assert message.wrong == ""
    [reading] = message.readings
    return reading


@pytest.mark.parametrize("payload", ["json", "number"])
@pytest.mark.parametrize(("body", "value"), [("21.5", 21.5), (" -3\n", -3), ("1e3", 1000)])
def test_a_number_is_called_as_its_message_is(payload: str, body: str, value: float) -> None:
    reading = only(read(body, payload=payload))

    assert reading.numbers == {"home": value}
    assert reading.at == AT
    assert not reading.complete


def test_fields_of_an_object_stand_below_the_name() -> None:
    reading = only(read({"co2": 700, "air": {"temperature": 21}, "units": {"co2": "ppm"}}))

    assert reading.numbers == {"home.co2": 700, "home.air.temperature": 21}
    assert reading.units == {"home.co2": "ppm"}


def test_without_a_name_they_are_called_as_in_the_payload() -> None:
    assert only(read({"co2": 700}, name="")).numbers == {"co2": 700}
    assert only(read("7", name="")).numbers == {"value": 7}


def test_texts_and_lists_beside_the_numbers_are_passed_over() -> None:
    body = {"battery": 97, "state": "ON", "update": {"state": "idle", "progress": 5}, "tags": [1]}

    assert only(read(body)).numbers == {"home.battery": 97, "home.update.progress": 5}


def test_our_own_words_mean_what_they_do_in_a_push() -> None:
    body = {
        "co2": 900, "time": SECONDS - 1, "states": {"co2": ["critical", "open a window"]},
        "rows": [{"who": "a"}], "text": "stale air",
    }  # fmt: skip

    reading = only(read(body))

    assert reading.at == NOON - SECOND
    assert reading.verdicts["home.co2"].state == "critical"
    assert reading.rows == [{"who": "a"}]
    assert reading.text == "stale air"


def test_a_list_is_a_batch() -> None:
    reading = only(read([{"time": SECONDS - 2, "co2": 1}, {"time": SECONDS - 1, "co2": 2}]))

    assert reading.numbers == {"home.co2": 2}
    assert reading.at == NOON - SECOND
    assert reading.history == [("home.co2", NOON - 2 * SECOND, 1)]


@pytest.mark.parametrize(
    ("given", "precision"),
    [
        (SECONDS, ""),
        (SECONDS, "s"),
        (SECONDS * 1_000, "ms"),
        (SECONDS * 1_000_000, "us"),
        (SECONDS * 1_000_000_000, "ns"),
        ("2026-06-01T12:00:30Z", ""),
        ("2026-06-01T14:00:30+02:00", "ms"),
    ],
)
def test_a_time_by_another_name_and_in_another_unit_is_taken(
    given: int | str, precision: str
) -> None:
    reading = only(read({"seen": given, "co2": 1}, time="seen", precision=precision))

    assert reading.at == NOON
    assert reading.numbers == {"home.co2": 1}


def test_every_microsecond_of_a_time_is_kept() -> None:
    for micros in (1, 499_999, 999_999):
        assert (
            only(read({"t": NOON - micros, "v": 1}, time="t", precision="us")).at == NOON - micros
        )


def test_a_time_in_the_wrong_unit_is_wrong_and_said() -> None:
    message = read({"time": SECONDS * 1000, "co2": 1})

    assert message.readings == []
    assert message.wrong.startswith("time: its time is ")
    assert message.wrong.endswith("check the unit of its times")


@pytest.mark.parametrize(("given", "said"), [("a7", "a7"), (7, "7")])
def test_an_id_is_taken_out_of_the_payload(given: int | str, said: str) -> None:
    message = read({"n": given, "co2": 1}, id="n")

    assert message.id == said
    assert only(message).numbers == {"home.co2": 1}


@pytest.mark.parametrize("body", [{"co2": 1}, {"n": None}, {"n": True}, {"n": 1.5}, [{"n": 1}], 7])
def test_without_the_id_that_was_promised_a_message_is_wrong(body: Any) -> None:
    message = read(json.dumps(body), id="n")

    assert message.readings == []
    assert message.wrong.startswith("n: an id is expected")


def test_text_is_text() -> None:
    assert only(read("door open", payload="text")).text == "door open"


def test_lines_are_series_below_their_measurement() -> None:
    body = f"cpu,host=a idle=5 {NOON * 1000}\ncpu,host=b idle=6 {NOON * 1000}\n"

    reading = only(read(body, name="", payload="line protocol"))

    assert reading.numbers == {"cpu.idle{host=a}": 5, "cpu.idle{host=b}": 6}
    assert reading.at == NOON


def test_of_several_lines_the_good_ones_are_taken_and_the_others_said() -> None:
    message = read("cpu idle=5\ncpu idle\ncpu x\n", payload="line protocol", precision="s")

    assert [reading.numbers for reading in message.readings] == [{"home.cpu.idle": 5}]
    assert message.readings[0].at == AT
    assert message.wrong.startswith("line 2: ")
    assert message.wrong.endswith("; and 1 more like it")


@pytest.mark.parametrize(
    ("payload", "body", "said"),
    [
        ("number", b"ON", "'ON' is no number"),
        ("number", b"1_000", "'1_000' is no number"),
        ("number", b"nan", "it is nan, which is no number a wall can show"),
        ("number", b"\xff", "byte 0: this is no UTF-8"),
        ("text", b"a\xff", "byte 1: this is no UTF-8"),
        ("json", b"{", "line 1, column 2: this is no JSON"),
        ("json", b'{"state": "ON"}', "it holds no number, no rows and no text"),
        ("json", b"1" * (MOST_BYTES + 1), "1,000,001 bytes; 1,000,000 is the most"),
        ("line protocol", b"\xff", "byte 0: this is no UTF-8"),
    ],
)
def test_what_cannot_be_read_is_said(payload: str, body: bytes, said: str) -> None:
    message = read(body, payload=payload)

    assert message.readings == []
    assert message.wrong.startswith(said)


@pytest.mark.parametrize("payload", sorted(DECODERS))
def test_an_empty_message_says_nothing_and_nothing_is_wrong_with_it(payload: str) -> None:
    assert read(b"", payload=payload) == Message([])


def test_a_name_that_becomes_too_long_is_said() -> None:
    assert "has 501 characters; 500 is the most" in read("1", name="x" * 501).wrong


def check(message: Message) -> None:
    assert len(message.wrong) < 1_500
    for reading in message.readings:
        kept = clean(reading)
        for at in (kept.at, *(ts for _, ts, _ in kept.history)):
            assert at is not None
            assert 0 < at <= NOON + MOST_AHEAD


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=bodies(),
    payload=st.sampled_from(sorted(DECODERS)),
    name=st.sampled_from(["", "home", "home/cellar/co2"]),
    time=st.sampled_from(["time", "x", ""]),
    id=st.sampled_from(["", "y", "name"]),
    precision=st.sampled_from(["", "s", "ms", "us", "ns"]),
)
def test_whatever_is_sent_it_is_readings_or_a_sentence(
    body: bytes, payload: str, name: str, time: str, id: str, precision: str
) -> None:
    check(decode(body, name, Meaning(payload, time, id, precision), NOON, AT))


@pytest.mark.parametrize("payload", sorted(DECODERS))
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_a_sentence_or_small(payload: str, bomb: str) -> None:
    check(decode(BOMBS[bomb], "home", Meaning(payload, id="n"), NOON, AT))
