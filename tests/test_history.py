"""Windows of points: the same however they came to be, and true to what was recorded."""

from __future__ import annotations

import math
import random
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.feeds import NOON, arrive, make_feed
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.history import ENOUGH, MOST, Reducer, Window, load, step_for, thin
from widgets.models import Series

Samples = list[tuple[int, float]]

# Whole numbers, so that a sum is the same in any order.
values = st.integers(-1000, 1000).map(float)
samples = st.dictionaries(st.integers(0, 500).map(lambda s: NOON + s * SECOND), values).map(
    lambda found: sorted(found.items())
)
REDUCERS: list[Reducer] = ["last", "mean", "min", "max", "sum", "count", "rate"]


def window_of(found: Samples, step: int = 0) -> Window:
    window = Window.empty(step)
    for ts, value in found:
        window.add(ts, value)
    return window


def buckets(found: Samples, step: int) -> list[Samples]:
    """By bucket; worked out without a Window."""
    return [list(group) for _, group in groupby(sorted(found), lambda s: s[0] // (step or 1))]


def bumpy(count: int, step: int = SECOND) -> Samples:
    chance = random.Random(7)
    return [(NOON + i * step, float(chance.randint(-1000, 1000))) for i in range(count)]


@pytest.mark.parametrize(
    ("span", "step"),
    [
        (0, 0),
        (HOUR, 0),
        (ENOUGH * MINUTE - 1, 0),
        (ENOUGH * MINUTE, MINUTE),
        (DAY, MINUTE),
        (7 * DAY, MINUTE),
        (ENOUGH * HOUR - 1, MINUTE),
        (ENOUGH * HOUR, HOUR),
        (365 * DAY, HOUR),
    ],
)
def test_the_coarsest_table_that_gives_enough_points_is_taken(span: int, step: int) -> None:
    assert step_for(span) == step


@given(samples, st.randoms(), st.sampled_from([0, MINUTE]))
def test_a_window_is_the_same_in_whatever_order_its_samples_came(
    found: Samples, chance: random.Random, step: int
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)

    assert window_of(shuffled, step) == window_of(found, step)


@given(samples, st.randoms())
def test_buckets_are_those_of_an_independent_computation(
    found: Samples, chance: random.Random
) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)
    inside = buckets(found, MINUTE)

    window = window_of(shuffled, MINUTE)

    assert window.ts == [group[0][0] // MINUTE * MINUTE for group in inside]
    assert window.n == [len(group) for group in inside]
    assert window.sum == [math.fsum(v for _, v in group) for group in inside]
    assert window.min == [min(v for _, v in group) for group in inside]
    assert window.max == [max(v for _, v in group) for group in inside]
    assert window.last == [group[-1][1] for group in inside]
    assert len(window) == len(inside)


def test_a_raw_sample_that_is_here_already_is_not_taken_in_again() -> None:
    window = window_of([(NOON, 1), (NOON, 2)])

    assert (window.ts, window.n, window.last) == ([NOON], [1], [1])


@settings(max_examples=60)
@given(
    st.lists(values, max_size=300).map(lambda vs: [(NOON + i, v) for i, v in enumerate(vs)]),
    st.integers(4, 40),
)
def test_thinned_points_keep_both_ends_the_extremes_and_their_order(
    points: Samples, most: int
) -> None:
    found = thin(points, most)

    assert len(found) <= max(most, 0)
    assert found == sorted(set(found) & set(points))
    if points:
        assert (found[0], found[-1]) == (points[0], points[-1])
        for extreme in (min, max):
            assert extreme(v for _, v in found) == extreme(v for _, v in points)


def test_a_single_peak_among_ten_thousand_stays_where_it_was() -> None:
    points = [(i, 0.0) for i in range(10_000)]
    points[7_777] = (7_777, 5.0)

    found = thin(points)

    assert (7_777, 5.0) in found
    assert MOST // 2 < len(found) <= MOST


def test_few_points_are_left_alone() -> None:
    points = bumpy(MOST)

    assert thin(points) == points


@pytest.mark.parametrize("step", [0, MINUTE])
@pytest.mark.parametrize("most", [MOST, 20])
def test_the_points_of_a_window_keep_minimum_and_maximum_and_run_forward(
    step: int, most: int
) -> None:
    found = bumpy(6_000)

    points = window_of(found, step).points(NOON - HOUR, NOON + DAY, most)

    assert len(points) <= most
    assert [ts for ts, _ in points] == sorted({ts for ts, _ in points})
    assert min(v for _, v in points) == min(v for _, v in found)
    assert max(v for _, v in points) == max(v for _, v in found)


def test_of_a_bucket_the_extreme_nearer_to_the_last_value_comes_last() -> None:
    start = NOON // MINUTE * MINUTE
    rising = window_of([(start, 1), (start + 1, 9)], MINUTE)
    falling = window_of([(start, 9), (start + 1, 1)], MINUTE)
    level = window_of([(start, 5), (start + 1, 5)], MINUTE)

    assert rising.points(0, NOON) == [(start, 1), (start + MINUTE // 2, 9)]
    assert falling.points(0, NOON) == [(start, 9), (start + MINUTE // 2, 1)]
    assert level.points(0, NOON) == [(start, 5)]


def test_points_are_those_between_two_moments_with_both() -> None:
    window = window_of([(NOON + i, i) for i in range(10)])

    assert window.points(NOON + 3, NOON + 5) == [(NOON + i, i) for i in (3, 4, 5)]


def reduced(reducer: Reducer, found: Samples, step: int) -> float | None:
    """By hand. A bucket's moment is its beginning."""
    numbers = [v for _, v in found]
    if reducer == "count":
        return float(len(numbers))
    if not numbers:
        return None
    first, *_, last = [*buckets(found, step), buckets(found, step)[-1]]
    width = step or 1
    span = (last[0][0] // width - first[0][0] // width) * width / SECOND
    return {
        "last": numbers[-1],
        "mean": math.fsum(numbers) / len(numbers),
        "min": min(numbers),
        "max": max(numbers),
        "sum": math.fsum(numbers),
        "rate": (last[-1][1] - first[-1][1]) / span if span else None,
    }[reducer]


@pytest.mark.parametrize("step", [0, MINUTE])
@pytest.mark.parametrize("reducer", REDUCERS)
@given(found=samples)
def test_a_window_is_reduced_as_its_samples_are(
    reducer: Reducer, step: int, found: Samples
) -> None:
    window = window_of([(NOON - HOUR, 5000.0), *found, (NOON + HOUR, -5000.0)], step)

    got = window.reduce(reducer, NOON - MINUTE, NOON + 30 * MINUTE)

    assert got == pytest.approx(reduced(reducer, found, step))


def test_a_rate_is_a_change_a_second() -> None:
    window = window_of([(NOON, 100), (NOON + SECOND, 0), (NOON + 10 * SECOND, 150)])

    assert window.reduce("rate", NOON, NOON + MINUTE) == 5.0
    assert window.reduce("rate", NOON, NOON) is None


@pytest.mark.parametrize(
    ("moment", "value"),
    [
        (NOON - 1, None),
        (NOON, 1),
        (NOON + 5 * SECOND, 1),
        (NOON + 5 * SECOND + 1, None),
        (NOON + 10 * SECOND - 1, None),
        (NOON + 10 * SECOND, 2),
        (NOON + 15 * SECOND, 2),
        (NOON + 15 * SECOND + 1, None),
    ],
)
def test_the_value_at_a_moment_is_the_last_before_it_unless_too_old(
    moment: int, value: float | None
) -> None:
    window = window_of([(NOON, 1), (NOON + 10 * SECOND, 2)])

    assert window.value_at(moment, slack=5 * SECOND) == value


@pytest.mark.parametrize("step", [0, MINUTE])
def test_a_trimmed_window_is_one_that_never_had_what_is_older(step: int) -> None:
    found = bumpy(300)
    before = found[150][0] // MINUTE * MINUTE
    window = window_of(found, step)

    window.trim(before)
    window.add(NOON + HOUR, 5)

    assert window == window_of([*(s for s in found if s[0] >= before), (NOON + HOUR, 5)], step)
    window.trim(0)
    assert len(window) > 1


@pytest.mark.django_db
@pytest.mark.parametrize("step", [0, MINUTE, HOUR])
def test_what_is_loaded_is_what_was_recorded(step: int) -> None:
    feed = make_feed()
    found = bumpy(9, 17 * MINUTE + SECOND)
    # Late ones, too: what was the last of its bucket stays the last.
    for ts, value in sorted(found, key=lambda s: s[1]):
        arrive(feed, {"a": value, "b": -value}, at=ts)
    arrive(make_feed("other"), {"a": 99}, at=NOON + MINUTE)
    ids = dict(feed.series.values_list("name", "pk"))

    windows = load(list(ids.values()), NOON, NOON + DAY, step)

    assert windows == {
        ids["a"]: window_of(found, step),
        ids["b"]: window_of([(ts, -value) for ts, value in found], step),
    }
    windows[ids["a"]].add(NOON + DAY, 1)
    assert windows[ids["a"]] == window_of([*found, (NOON + DAY, 1)], step)


@pytest.mark.django_db
def test_only_what_lies_between_the_moments_is_loaded_and_a_bucket_that_lies_across_whole() -> None:
    feed = make_feed()
    found = [(NOON + i * 20 * SECOND, float(i)) for i in range(12)]
    for ts, value in found:
        arrive(feed, {"a": value}, at=ts)
    series = Series.objects.get().pk
    start, end = found[3][0], found[6][0]

    raw = load([series], start, end, 0)[series]
    minutes = load([series], start, end, MINUTE)[series]

    assert raw == window_of(found[3:7])
    across = [s for s in found if start // MINUTE <= s[0] // MINUTE <= end // MINUTE]
    assert minutes == window_of(across, MINUTE)


@pytest.mark.django_db
def test_a_series_without_samples_has_an_empty_window_and_no_series_none() -> None:
    assert load([], 0, NOON, 0) == {}
    assert load([1, 2], 0, NOON, MINUTE) == {1: Window.empty(MINUTE), 2: Window.empty(MINUTE)}
