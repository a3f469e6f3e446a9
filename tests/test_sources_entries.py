"""What entries of a stream mean, whatever stands in them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON
from widgets.clock import DAY, SECOND
from widgets.sources._entries import BadEntry, after, moment_of, read_entry


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
        ({"a": "1", "t": "noon"}, {"time": "t"}, "t: 'noon' is no time"),
        ({"a": "1"}, {"time": "t"}, "t: '' is no time"),
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
    assert moment_of((at, 5_000), NOON) == NOON + 5_000
    assert after(NOON, NOON + 5_000) == NOON + 5_001
    assert after(NOON, NOON - 1) == NOON
    assert after(NOON, NOON + 2 * SECOND) == NOON, "of another's clock"
    assert moment_of((7, 1), NOON) is None, "counted by somebody"
    assert moment_of((at + DAY // 1_000, 0), NOON) is None, "of a clock that is wrong"
