from __future__ import annotations

import math
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.clock import SECOND
from widgets.paths import GRID_X, GRID_Y, arc_path, box_path, line_and_area, line_path, stepped
from widgets.scales import Scale, extent

finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.integers(min_value=0, max_value=4_000_000_000 * SECOND)


def path(points: list[tuple[int, float]], step: int) -> str:
    return line_path(points, 0, 250, Scale.over(0, 2), step)


@settings(deadline=None)
@given(
    st.lists(st.tuples(moments, finite), max_size=50).map(sorted), moments, moments, st.integers(0)
)
def test_any_points_make_a_path_of_whole_numbers_on_the_grid(
    points: list[tuple[int, float]], start: int, end: int, step: int
) -> None:
    scale = Scale.over(*(extent(value for _, value in points) or (0, 0)))

    path, area = line_and_area(points, min(start, end), max(start, end), scale, step)

    assert re.fullmatch(r"(M\d+ \d+(h0|(l-?\d+[ -]\d+)+))*", path)
    assert re.fullmatch(r"(M\d+ \d+(h0|(l-?\d+[ -]\d+)+)V1000H\d+Z)*", area)
    assert bool(path) == bool(points)
    for x, y in re.findall(r"M(\d+) (\d+)", path):
        assert int(x) <= GRID_X
        assert int(y) <= GRID_Y


def test_a_path_goes_step_by_step() -> None:
    path = line_path([(0, 0.0), (5, 10.0), (10, 5.0)], 0, 10, Scale.over(0, 10))

    assert path == "M0 1000l1500-1000l1500 500"


def test_a_distance_of_more_than_three_steps_is_a_gap() -> None:
    points = [(0, 1.0), (10, 1.0), (40, 1.0), (71, 1.0), (81, 1.0)]

    assert path(points, 10) == "M0 500l120 0l360 0M852 500l120 0"


def test_without_a_step_the_usual_distance_counts() -> None:
    points = [(0, 1.0), (10, 1.0), (20, 1.0), (100, 1.0)]

    assert path(points, 0) == "M0 500l120 0l120 0M1200 500h0"


def test_a_lone_point_is_a_dot_and_has_no_area() -> None:
    assert line_and_area([(5, 1.0)], 0, 10, Scale.over(0, 2)) == ("M1500 500h0", "")


def test_points_that_do_not_move_are_left_out() -> None:
    path = line_path([(i, 1.0) for i in range(0, 10_000_000, 10)][:5], 0, 10**7, Scale.over(0, 2))

    assert path == "M0 500h0"


def test_three_hundred_points_stay_far_below_eight_kilobytes() -> None:
    points = [(i * 12, math.sin(i) * 1e9) for i in range(300)]

    assert len(line_path(points, 0, 3_600, Scale.over(-1e9, 1e9), 12)) < 4_000


def test_an_arc_has_two_decimals_and_knows_the_long_way_round() -> None:
    assert arc_path(-135, 135, 42) == "M20.3 79.7A42 42 0 1 1 79.7 79.7"
    assert arc_path(-135, -135, 42) == "M20.3 79.7A42 42 0 0 1 20.3 79.7"


def test_a_step_keeps_its_value_until_the_next() -> None:
    assert stepped([(0, 1.0), (10, 2.0), (20, 2.0)]) == [(0, 1.0), (10, 1.0), (10, 2.0), (20, 2.0)]


def test_a_step_does_not_bridge_a_gap() -> None:
    assert stepped([(0, 1.0), (100, 2.0)], 10) == [(0, 1.0), (100, 2.0)]
    assert stepped([]) == []


def test_boxes_are_closed() -> None:
    assert box_path(3, 10, 20, 5) == "M3 10h20v5h-20z"
