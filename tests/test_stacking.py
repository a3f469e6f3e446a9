from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.stacking import stacked

points = st.dictionaries(st.integers(0, 500), st.floats(-10, 1e6), max_size=60).map(
    lambda found: sorted(found.items())
)


def test_each_layer_stands_on_those_beneath_it() -> None:
    layers = stacked([[(0, 1.0), (10, 2.0)], [(0, 5.0), (10, 5.0)]], [10, 10], 100)

    assert layers == [[(0, 1.0), (10, 2.0)], [(0, 6.0), (10, 7.0)]]


def test_a_layer_holds_its_value_between_its_readings_but_not_over_a_gap() -> None:
    layers = stacked([[(0, 1.0)], [(0, 5.0), (20, 5.0), (50, 5.0)]], [10, 10], 100)

    assert [value for _, value in layers[1]] == [6.0, 6.0, 5.0]


def test_what_is_below_zero_adds_nothing() -> None:
    assert stacked([[(0, -3.0)], [(0, 5.0)]], [10, 10], 100) == [[(0, 0.0)], [(0, 5.0)]]


def test_nothing_makes_empty_layers() -> None:
    assert stacked([[], []], [0, 0], 100) == [[], []]


@settings(deadline=None)
@given(st.lists(points, min_size=1, max_size=5), st.integers(4, 60))
def test_the_peaks_of_the_whole_stay_and_layers_never_cross(
    given_points: list[list[tuple[int, float]]], most: int
) -> None:
    steps = [5] * len(given_points)

    whole = stacked(given_points, steps, 10_000)
    reduced = stacked(given_points, steps, most)

    assert len(reduced[0]) <= most
    for below, above in pairwise(reduced):
        assert all(a[1] <= b[1] and a[0] == b[0] for a, b in zip(below, above, strict=True))
    if whole[-1]:
        totals = [value for _, value in whole[-1]]
        kept = [value for _, value in reduced[-1]]
        assert max(kept) == pytest.approx(max(totals))
        assert min(kept) == pytest.approx(min(totals))
