"""What fits on a tile."""

from __future__ import annotations

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.kinds import Frame
from widgets.layout import (
    SIZES,
    along,
    lines_that_fit,
    pack,
    pixels,
    rows_that_fit,
    span,
    steps_that_fit,
    text_size,
    text_width,
)

UTC = ZoneInfo("UTC")


def frame(width: int, height: int) -> Frame:
    return Frame(0, width, height, UTC)


@pytest.mark.parametrize(
    ("size", "body"),
    [
        ("chip", (280, 46)),
        ("small", (280, 168)),
        ("card", (437, 168)),
        ("block", (584, 269)),
        ("panel", (898, 269)),
        ("full", (1818, 625)),
    ],
)
def test_the_body_is_what_frame_title_and_footer_leave(size: str, body: tuple[int, int]) -> None:
    assert pixels(frame(*SIZES[size])) == body


def test_six_sizes_have_names_from_the_smallest_to_the_largest() -> None:
    areas = [width * height for width, height in SIZES.values()]

    assert len(SIZES) == 6
    assert areas == sorted(areas)
    assert (SIZES["chip"], SIZES["full"]) == ((2, 1), (12, 6))


def test_there_is_always_room_for_one_row() -> None:
    assert rows_that_fit(frame(1, 1), 500) == 1
    assert lines_that_fit(frame(2, 1), 99) == 1


def test_the_words_of_a_list_grow_with_their_tile() -> None:
    assert [round(text_size(frame(*size))) for size in SIZES.values()] == [18, 18, 18, 28, 28, 28]


def test_wide_signs_are_wider_than_narrow_ones() -> None:
    assert text_width("ill", 20) < text_width("abc", 20) < text_width("WMW", 20)
    assert text_width("你好", 20) == 40
    assert text_width("", 20) == 0


def test_labels_near_the_ends_are_moved_in() -> None:
    labels = along([0, 0.5, 1], ["14:00", "14:30", "15:00"], 400, 20)

    assert [label.anchor for label in labels] == ["start", "middle", "end"]


def test_where_labels_would_collide_every_second_goes() -> None:
    labels = along([i / 10 for i in range(11)], ["14:00"] * 11, 500, 20)

    assert [round(label.share, 1) for label in labels] == [0, 0.2, 0.4, 0.6, 0.8, 1]


def test_a_label_wider_than_its_axis_is_left_out() -> None:
    assert along([0.5], ["a rather long name"], 50, 20) == []


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), max_size=30, unique=True).map(sorted),
    st.text(max_size=12),
    st.floats(40, 2000),
    st.floats(8, 30),
)
def test_no_labels_touch_and_none_sticks_out(
    shares: list[float], text: str, length: float, size: float
) -> None:
    labels = along(shares, [text] * len(shares), length, size)

    spans = [span(label, length, size) for label in labels]
    assert all(left >= -1 and right <= length + 1 for left, right in spans)
    assert all(a[1] < b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize(("length", "steps"), [(10, 1), (80, 2), (150, 4), (5_000, 5)])
def test_a_tall_axis_has_more_steps(length: float, steps: int) -> None:
    assert steps_that_fit(length, 20, 5) == steps


@pytest.mark.parametrize(("room", "fits"), [(10, 1), (100, 1), (210, 2), (320, 3), (999, 3)])
def test_things_side_by_side_are_counted_with_what_is_between(room: float, fits: int) -> None:
    assert pack([100, 100, 100], room, 10) == fits


def test_of_nothing_nothing_is_packed() -> None:
    assert pack([], 100, 10) == 0
