"""Spans as people write them, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.clock import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    as_datetime,
    format_duration,
    now,
    parse_duration,
)

MS = SECOND // 1000


@pytest.mark.parametrize(
    ("written", "span"),
    [
        (10, 10 * SECOND),
        (0.25, 250 * MS),
        ("10", 10 * SECOND),
        ("1.5", 1500 * MS),
        ("30s", 30 * SECOND),
        (" 30 s ", 30 * SECOND),
        ("500ms", 500 * MS),
        ("5 min", 5 * MINUTE),
        ("5m", 5 * MINUTE),
        ("1h30m", HOUR + 30 * MINUTE),
        ("1 h 30 min", HOUR + 30 * MINUTE),
        ("1.5h", HOUR + 30 * MINUTE),
        ("7d", 7 * DAY),
        ("2w", 14 * DAY),
        ("0s", 0),
    ],
)
def test_a_span_is_read_in_seconds_or_with_units(written: object, span: int) -> None:
    assert parse_duration(written) == span


@pytest.mark.parametrize(
    "written",
    [
        "", "soon", "10 parsecs", "10s later", "later 10s", "s", "10 s 5", "-5s",
        None, True, False, [], {}, "nan", "inf",
        float("nan"), float("inf"), float("-inf"), "9" * 400 + "s",
    ],
)  # fmt: skip
def test_what_is_no_span_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match=r"is no duration; write 10s, 5 min, 1h30m or 7d"):
        parse_duration(written)


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (0, "0 s"),
        (-SECOND, "0 s"),
        (MS, "1 ms"),
        (1500 * MS, "1 s 500 ms"),
        (90 * SECOND, "1 min 30 s"),
        (HOUR, "1 h"),
        (24 * HOUR, "1 d"),
        (8 * DAY + 5 * MINUTE, "8 d 5 min"),
    ],
)
def test_a_span_is_written_with_as_few_units_as_it_has(span: int, written: str) -> None:
    assert format_duration(span) == written


@given(st.integers(0, 10_000 * DAY // MS).map(lambda count: count * MS))
def test_what_is_written_reads_back_as_the_same_span(span: int) -> None:
    assert parse_duration(format_duration(span)) == span


@given(st.text() | st.floats() | st.integers() | st.from_regex(r"\d+(\.\d+)? ?(ms|s|min|h|d|w)"))
def test_whatever_is_given_is_a_whole_span_or_refused_by_a_sentence(given_: object) -> None:
    try:
        said = str(parse_duration(given_))
    except ValueError as error:
        said = str(error)

    assert said.lstrip("-").isdigit() or "is no duration" in said


def test_a_moment_is_the_same_for_calendars() -> None:
    moment = datetime(2026, 6, 1, 12, 0, 30, tzinfo=UTC)

    assert as_datetime(1_780_315_230 * SECOND) == moment


def test_now_is_in_microseconds() -> None:
    before = datetime.now(UTC)

    assert before <= as_datetime(now() + 1) <= as_datetime(now() + SECOND)
