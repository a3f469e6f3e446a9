from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.paths import (
    GRID_Y,
    line_path,
)
from widgets.scales import (
    Bands,
    LogScale,
    Scale,
    inner_ticks,
    log_ticks,
    round_ticks,
    time_label,
    time_ticks,
    widened,
)

BERLIN = ZoneInfo("Europe/Berlin")
finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(min_value=0, max_value=4_000_000_000 * SECOND)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)
    return int(moment.timestamp()) * SECOND


def clock(moment: int, zone: ZoneInfo = BERLIN) -> str:
    return f"{datetime.fromtimestamp(moment / SECOND, zone):%H:%M}"


@pytest.mark.parametrize(
    ("low", "high", "count", "unit", "ticks"),
    [
        (0, 100, 5, "%", [0, 20, 40, 60, 80, 100]),
        (0, 73, 5, "", [0, 20, 40, 60, 80]),
        (0, 1, 5, "", [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.31, 0.38, 5, "", [0.3, 0.32, 0.34, 0.36, 0.38]),
        (-50, 50, 5, "", [-60, -40, -20, 0, 20, 40, 60]),
        (0, 7, 3, "", [0, 5, 10]),
        (0, 3.4 * 2**30, 4, "B", [0, 2**30, 2 * 2**30, 3 * 2**30, 4 * 2**30]),
        (0, 700, 3, "B/s", [0, 256, 512, 768]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(
    low: float, high: float, count: int, unit: str, ticks: list[float]
) -> None:
    assert round_ticks(low, high, count, unit) == ticks


def test_ticks_between_fixed_ends_stay_inside() -> None:
    assert inner_ticks(0, 90, 5) == [0, 20, 40, 60, 80]


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (5, 5), (-3, -3), (1e308, -1e308), (-1e308, 1e308), (0, 5e-324)]
)
def test_a_domain_always_has_a_width(low: float, high: float) -> None:
    low, high = widened(low, high)

    assert low < high
    assert math.isfinite(high - low)
    assert math.isfinite(GRID_Y / (high - low))


def test_values_outside_are_put_on_the_edge() -> None:
    scale = Scale.over(0, 10)

    assert [scale.share(v) for v in (-1e308, 0, 5, 10, 1e308)] == [0, 0, 0.5, 1, 1]
    assert line_path([(-5, -1e308), (0, 5.0), (99, 1e308)], 0, 10, scale) == (
        "M0 1000l0-500l3000-500"
    )


@settings(deadline=None)
@given(finite, finite, st.integers(1, 10), st.sampled_from(["", "B", "%"]))
def test_any_two_values_give_few_finite_ticks(a: float, b: float, count: int, unit: str) -> None:
    ticks = round_ticks(min(a, b), max(a, b), count, unit)

    assert all(map(math.isfinite, ticks))
    assert 2 <= len(ticks) <= count + 3
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize(
    ("start", "end", "count", "labels"),
    [
        ("2026-11-24 13:10:07", "2026-11-24 14:10:07", 4, ["13:15", "13:30", "13:45", "14:00"]),
        ("2026-11-24 00:00", "2026-11-24 06:00", 6, [f"0{h}:00" for h in range(7)]),
        # Clocks go forward: two o'clock never comes.
        ("2026-03-29 00:00", "2026-03-29 05:00", 5, ["00:00", "01:00", "03:00", "04:00", "05:00"]),
        # Clocks go back: two o'clock comes twice.
        ("2026-10-25 01:00", "2026-10-25 04:00", 4, ["01:00", "02:00", "02:00", "03:00", "04:00"]),
    ],
)
def test_time_ticks_are_round_on_the_wall_clock(
    start: str, end: str, count: int, labels: list[str]
) -> None:
    _, ticks = time_ticks(at(start), at(end), count, BERLIN)

    assert [clock(tick) for tick in ticks] == labels


def test_half_an_hour_within_the_repeated_hour_has_ticks() -> None:
    start = at("2026-10-25 02:10", fold=1)

    _, ticks = time_ticks(start, start + 20 * MINUTE, 4, BERLIN)

    assert [clock(tick) for tick in ticks] == ["02:10", "02:15", "02:20", "02:25", "02:30"]


def test_days_of_23_and_25_hours_begin_at_midnight() -> None:
    _, spring = time_ticks(at("2026-03-28 12:00"), at("2026-03-31 12:00"), 4, BERLIN)
    _, autumn = time_ticks(at("2026-10-24 12:00"), at("2026-10-27 12:00"), 4, BERLIN)

    assert [clock(tick) for tick in spring + autumn] == ["00:00"] * 6
    assert spring[1] - spring[0] == 23 * HOUR
    assert autumn[1] - autumn[0] == 25 * HOUR


def test_zones_off_by_three_quarters_of_an_hour_have_round_ticks_of_their_own() -> None:
    nepal = ZoneInfo("Asia/Kathmandu")
    start = at("2026-11-24 10:05", nepal)

    _, ticks = time_ticks(start, start + 2 * HOUR, 2, nepal)

    assert [clock(tick, nepal) for tick in ticks] == ["11:00", "12:00"]


@settings(deadline=None)
@given(
    moments,
    st.integers(1, 800 * DAY),
    st.integers(1, 12),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Apia", "Asia/Beirut"]),
)
def test_any_window_has_few_ticks_inside_of_it(
    start: int, span: int, count: int, name: str
) -> None:
    zone = ZoneInfo(name)

    step, ticks = time_ticks(start, start + span, count, zone)

    assert len(ticks) <= 2 * count
    assert ticks == sorted(set(ticks))
    assert all(start <= tick <= start + span for tick in ticks)
    assert all(time_label(tick, step, zone) for tick in ticks)


def test_an_empty_window_has_no_ticks() -> None:
    assert time_ticks(5, 5, 4, BERLIN)[1] == []


@pytest.mark.parametrize(
    ("text", "step", "label"),
    [
        ("2026-11-24 14:05:30", 10 * SECOND, "14:05:30"),
        ("2026-11-24 14:05", MINUTE, "14:05"),
        ("2026-11-24 00:00", 6 * HOUR, "Tue 24"),
        ("2026-11-24 06:00", 6 * HOUR, "06:00"),
        ("2026-11-24 00:00", DAY, "24 Nov"),
        ("2026-01-01 00:00", 365 * DAY, "2026"),
    ],
)
def test_a_time_label_says_what_its_step_needs(text: str, step: int, label: str) -> None:
    assert time_label(at(text), step, BERLIN) == label


@pytest.mark.parametrize(
    ("low", "high", "domain", "ticks"),
    [
        (1, 1000, (1, 1000), [1, 10, 100, 1000]),
        (3, 40, (1, 100), [1, 10, 100]),
        (0, 50, (0.1, 100), [0.1, 1, 10, 100]),
        (-5, 0, (1e-283, 1e-280), [1e-283, 1e-282, 1e-281, 1e-280]),
        (7, 7, (1, 10), [1, 10]),
        (1, 1e9, (1, 1e9), [1, 1e3, 1e6, 1e9]),
        (1e-200, 1, (1e-12, 1), [1e-12, 1e-9, 1e-6, 1e-3, 1]),
    ],
)
def test_a_log_scale_spans_whole_decades(
    low: float, high: float, domain: tuple[float, float], ticks: list[float]
) -> None:
    scale = LogScale.over(low, high)

    assert (scale.low, scale.high) == pytest.approx(domain)
    assert log_ticks(scale, 4) == pytest.approx(ticks)


def test_on_a_log_scale_ten_times_is_one_step() -> None:
    scale = LogScale.over(1, 1000)

    shares = [scale.share(v) for v in (-5, 0, 1, 10, 100, 1000, 1e308)]
    assert shares == pytest.approx([0, 0, 0, 1 / 3, 2 / 3, 1, 1])


@settings(deadline=None)
@given(finite, finite, finite)
def test_any_value_has_a_place_on_any_log_scale(low: float, high: float, value: float) -> None:
    scale = LogScale.over(min(low, high), max(low, high))

    assert 0 <= scale.share(value) <= 1
    assert 2 <= len(log_ticks(scale, 5)) <= 7


def test_bands_stand_side_by_side_with_gaps_between() -> None:
    bands = Bands(4)

    assert [bands.start(i) for i in range(4)] == pytest.approx([0.025, 0.275, 0.525, 0.775])
    assert bands.width == pytest.approx(0.2)
    assert bands.middle(1) == pytest.approx(0.375)
    assert Bands(0).width == pytest.approx(0.8)
