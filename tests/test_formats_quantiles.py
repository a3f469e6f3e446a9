"""Quantiles of histograms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.formats._quantiles import BadBuckets, explicit, exponential, quantile


@pytest.mark.parametrize(
    ("share", "value"), [(0.25, 5.0), (0.5, 10.0), (0.75, 15.0), (0.99, 19.8), (1.0, 20.0)]
)
def test_inside_a_bucket_it_is_interpolated(share: float, value: float) -> None:
    buckets = explicit([0, 50, 50, 0], [0.0, 10.0, 20.0])

    assert quantile(buckets, share) == pytest.approx(value)


def test_an_open_bucket_ends_at_what_is_known() -> None:
    buckets = explicit([10, 0, 10], [0.0, 10.0])

    assert quantile(buckets, 0.99) == 10.0
    assert quantile(buckets, 1.0, low=-5.0, high=30.0) == 30.0
    assert quantile(buckets, 0.01) == 0.0
    assert quantile(buckets, 0.5, low=-5.0, high=30.0) == 0.0


def test_of_nothing_there_is_none() -> None:
    assert quantile(explicit([], []), 0.5) is None
    assert quantile(explicit([0, 0], [1.0]), 0.5) is None
    assert quantile(explicit([7], []), 0.5) is None


def test_exponential_buckets_double_at_scale_0() -> None:
    buckets = exponential(0, 2, 0, [1, 1], 0, [4])

    assert buckets == [(-2.0, -1.0, 4), (0.0, 0.0, 2), (1.0, 2.0, 1), (2.0, 4.0, 1)]
    assert quantile(buckets, 0.5) == -1.0
    assert quantile(buckets, 1.0) == 4.0


@pytest.mark.parametrize(
    ("counts", "bounds", "said"),
    [
        ([1], [1.0], "1 bounds want 2 buckets and not 1"),
        ([1, 1, 1], [2.0, 1.0], "the bounds do not rise"),
        ([1, 1, 1], [1.0, math.nan], "the bounds do not rise"),
        ([0] * 1_001, [], "1,001 buckets; 1,000 is the most"),
    ],
)
def test_what_makes_no_histogram_is_refused(
    counts: list[int], bounds: list[float], said: str
) -> None:
    with pytest.raises(BadBuckets, match=said):
        explicit(counts, bounds)


def test_a_scale_that_nobody_has_is_refused() -> None:
    with pytest.raises(BadBuckets, match="the scale is 21"):
        exponential(21, 0, 0, [1], 0, [])


@given(
    st.integers(-10, 20), st.integers(-(2**31), 2**31), st.lists(st.integers(0, 2**64), max_size=9),
    st.floats(0, 1),
)  # fmt: skip
def test_whatever_the_buckets_it_is_a_number_or_none(
    scale: int, offset: int, counts: list[int], share: float
) -> None:
    found = quantile(exponential(scale, 0, offset, counts, offset, counts), share)

    assert found is None or not math.isnan(found)
