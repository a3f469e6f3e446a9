from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.numbers import FAMILIES, format_age, format_number, format_ticks, say

NBSP = "\N{NO-BREAK SPACE}"
UNITS = ["W", *FAMILIES, "", "/s", "Hz", "°C", "req/s"]


@pytest.mark.parametrize(
    ("value", "unit", "full", "short"),
    [
        # nothing, and what is no number
        (None, "ms", "–", "–"),
        (math.nan, "", "–", "–"),
        (math.inf, "B", "–", "–"),
        # counts: full digits to 99,999
        (0, "", "0", "0"),
        (-0.0, "", "0", "0"),
        (7, "", "7", "7"),
        (999, "", "999", "999"),
        (999.7, "", "1,000", "1.0k"),
        (1_284, "/s", "1,284/s", "1.3k/s"),
        (12_480, "", "12,480", "12.5k"),
        (99_999, "", "99,999", "100k"),
        (99_999.6, "", "100k", "100k"),
        (100_000, "", "100k", "100k"),
        (999_999, "", "1.00M", "1.0M"),
        (1_284_000, "", "1.28M", "1.3M"),
        (2.5e9, "", "2.50G", "2.5G"),
        (3e12, "", "3T", "3T"),
        (1e15, "", "1e15", "1e15"),
        (1e300, "", "1e300", "1e300"),
        (-1_284, "", "−1,284", "−1.3k"),
        # small ones: three figures that mean something
        (2.313, "", "2.31", "2.31"),
        (41.27, "", "41.3", "41.3"),
        (412.3, "", "412", "412"),
        (0.01234, "", "0.0123", "0.0123"),
        (0.00001, "", "1e-5", "1e-5"),
        (5e-324, "", "4.9e-324", "4.9e-324"),
        (-0.5, "", "−0.500", "−0.500"),
        # other units stay what they are
        (21.5, "°C", "21.5 °C", "21.5 °C"),
        # with prefixes: never 2M Hz
        (50, "Hz", "50 Hz", "50 Hz"),
        (0.5, "V", "0.500 V", "0.500 V"),
        (1_240, "W", "1.24 kW", "1.2 kW"),
        (999.6, "W", "1.00 kW", "1.0 kW"),
        (2.4e9, "Hz", "2.40 GHz", "2.4 GHz"),
        (850e6, "bit/s", "850 Mbit/s", "850 Mbit/s"),
        (-3_000, "Wh", "−3 kWh", "−3 kWh"),
        (1e16, "J", "1e16 J", "1e16 J"),
        # per cent: never rounded up to a hundred
        (0, "%", "0 %", "0 %"),
        (0.02, "%", "0.0200 %", "0.0200 %"),
        (2.314, "%", "2.31 %", "2.3 %"),
        (45.23, "%", "45.2 %", "45 %"),
        (98.76, "%", "98.8 %", "99 %"),
        (99.98, "%", "99.98 %", "99.9 %"),
        (99.996, "%", "99.99 %", "99.9 %"),
        (99.999999, "%", "99.99 %", "99.9 %"),
        (100, "%", "100 %", "100 %"),
        (-99.98, "%", "−99.98 %", "−99.9 %"),
        (250, "%", "250 %", "250 %"),
        # bytes by 1024
        (0, "B", "0 B", "0 B"),
        (512, "B", "512 B", "512 B"),
        (1_023, "B", "1,023 B", "1,023 B"),
        (1_023.9, "B", "1.0 KiB", "1.0 KiB"),
        (1_024, "B", "1 KiB", "1 KiB"),
        (3.4 * 2**30, "B", "3.4 GiB", "3.4 GiB"),
        (34.13 * 2**20, "B/s", "34.1 MiB/s", "34 MiB/s"),
        (341.7 * 2**40, "B", "342 TiB", "342 TiB"),
        (-2 * 2**20, "B", "−2 MiB", "−2 MiB"),
        (1e300, "B", "1e300 B", "1e300 B"),
        # spans as people say them
        (0, "s", "0 s", "0 s"),
        (0.012, "s", "12 ms", "12 ms"),
        (0.01234, "s", "12.3 ms", "12 ms"),
        (412, "ms", "412 ms", "412 ms"),
        (1_250, "ms", "1.25 s", "1.2 s"),
        (3.4, "s", "3.40 s", "3.4 s"),
        (0.99996, "s", "1.00 s", "1.0 s"),
        (0.0000023, "s", "2.3 µs", "2.3 µs"),
        (45, "µs", "45 µs", "45 µs"),
        (3, "ns", "3 ns", "3 ns"),
        (59.97, "s", "1 min", "1 min"),
        (60, "s", "1 min", "1 min"),
        (125, "s", "2 min 5 s", "2 min"),
        (3_599.6, "s", "1 h", "1 h"),
        (11_520, "s", "3 h 12 min", "3 h"),
        (90_061, "s", "1 d 1 h", "1 d"),
        (86_400 * 400, "s", "400 d", "400 d"),
        (-125, "s", "−2 min 5 s", "−2 min"),
    ],
)
def test_numbers_read_as_people_write_them(
    value: float | None, unit: str, full: str, short: str
) -> None:
    assert say(value, unit).replace(NBSP, " ") == full
    assert say(value, unit, "short").replace(NBSP, " ") == short


def test_a_span_is_a_large_number_with_the_rest_behind_it() -> None:
    assert format_number(125, "s") == ("2", "min 5 s")


@settings(deadline=None)
@given(st.floats(), st.sampled_from(UNITS), st.sampled_from(["full", "short"]))
def test_any_number_is_short_and_finite(value: float, unit: str, style: str) -> None:
    text, shown = format_number(value, unit, style)  # type: ignore[arg-type]

    assert 1 <= len(text) <= 9
    assert len(shown) <= 12
    assert "nan" not in text
    assert "inf" not in text
    assert text not in {"−0", "−0.0", "-0"}


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (-5 * SECOND, "0 s"),
        (0, "0 s"),
        (12_900_000, "12 s"),
        (MINUTE - 1, "59 s"),
        (MINUTE, "1 min"),
        (6 * MINUTE + 59 * SECOND, "6 min"),
        (HOUR - 1, "59 min"),
        (2 * HOUR, "2 h"),
        (DAY - 1, "23 h"),
        (3 * DAY, "3 d"),
        (1_000 * DAY, "1000 d"),
    ],
)
def test_an_age_has_one_unit_and_is_rounded_down(span: int, said: str) -> None:
    assert format_age(span) == said


@pytest.mark.parametrize(
    ("ticks", "unit", "labels"),
    [
        ([], "", []),
        ([5], "", ["5"]),
        ([0, 25, 50, 75, 100], "%", ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        ([0, 0.5, 1], "", ["0", "0.5", "1"]),
        ([-0.2, 0, 0.2], "", ["−0.2", "0", "0.2"]),
        ([0, 20_000, 40_000], "", ["0k", "20k", "40k"]),
        ([0, 0.005, 0.01], "s", ["0 ms", "5 ms", "10 ms"]),
        ([0, 2_000, 4_000], "ms", ["0 s", "2 s", "4 s"]),
        ([0, 300, 600], "s", ["0 min", "5 min", "10 min"]),
        ([0, 2**29, 2**30], "B", ["0 GiB", "0.5 GiB", "1 GiB"]),
        ([0, 64 * 2**10], "B/s", ["0 KiB/s", "64 KiB/s"]),
        ([0, 500e6, 1e9], "bit/s", ["0 Gbit/s", "0.5 Gbit/s", "1 Gbit/s"]),
        ([0, 10], "V", ["0 V", "10 V"]),
        ([1e300, 2e300], "", ["1.00e+300", "2.00e+300"]),
    ],
)
def test_ticks_share_one_unit(ticks: list[float], unit: str, labels: list[str]) -> None:
    assert [label.replace(NBSP, " ") for label in format_ticks(ticks, unit)] == labels
