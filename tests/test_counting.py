"""Buckets and percentiles, against the standard library."""

from __future__ import annotations

import statistics
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.counting import bucket_of, columns, count, edges, percentile, runs

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200).map(sorted)


@pytest.mark.parametrize(
    ("low", "high", "wanted", "log", "found"),
    [
        (0, 9, 5, False, [0, 2, 4, 6, 8, 10]),
        (3, 40, 12, True, [1, 2, 5, 10, 20, 50, 100]),
        (1, 1e6, 4, True, [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (-5, -1, 4, True, [-5, -4, -3, -2, -1]),
    ],
)
def test_edges_are_round(
    low: float, high: float, wanted: int, log: bool, found: list[float]
) -> None:
    assert edges(low, high, wanted, log=log) == pytest.approx(found)


def test_a_bucket_has_its_lower_edge_and_the_last_one_both() -> None:
    assert [bucket_of(v, [0, 10, 20]) for v in (-5, 0, 9.9, 10, 20, 99)] == [0, 0, 0, 1, 1, 1]


@settings(deadline=None)
@given(values, st.integers(2, 20), st.booleans())
def test_every_value_is_counted_once(found: list[float], wanted: int, log: bool) -> None:
    bounds = edges(found[0], found[-1], wanted, log=log)

    assert sum(count(found, bounds)) == len(found)
    assert bounds == sorted(bounds)


@settings(deadline=None)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=300))
def test_counts_agree_with_a_counter(found: list[int]) -> None:
    bounds = [float(n) for n in range(0, 101, 10)]

    counted = Counter(value // 10 for value in found)

    assert count([float(v) for v in found], bounds) == [counted[n] for n in range(10)]


@settings(deadline=None)
@given(values)
def test_the_median_is_the_lower_one_of_the_library(found: list[float]) -> None:
    assert percentile(found, 0.5) == statistics.median_low(found)


@settings(deadline=None)
@given(values, st.floats(0.001, 1))
def test_so_great_a_share_does_not_exceed_a_percentile(found: list[float], share: float) -> None:
    at = percentile(found, share)

    assert sum(v <= at for v in found) >= share * len(found) - 1e-9
    assert sum(v < at for v in found) < share * len(found) + 1e-9


def test_columns_are_equal_and_both_ends_among_them() -> None:
    assert columns(10, 40, 3) == [10, 20, 30, 40]


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40))
def test_runs_are_what_there_was(levels: list[int]) -> None:
    again = [0] * len(levels)
    for level, start, length in runs(levels):
        again[start : start + length] = [level] * length

    assert again == levels
