"""One line computed from several."""

from __future__ import annotations

from typing import Any

import pytest

from widgets.clock import HOUR, MINUTE
from widgets.formula import UnitOptions, apply
from widgets.kinds import Limits, Line
from widgets.options import BadOptions, read

NOW = 1_795_443_007_000_000


def line(name: str, value: float | None, **more: Any) -> Line:
    return Line(name, name, "/s", value, NOW, step=MINUTE, **more)


def computed(formula: str, *lines: Line, unit: str = "") -> Line:
    [found] = apply(read(UnitOptions, {"formula": formula, "unit": unit}), lines)
    return found


def test_without_a_formula_the_lines_are_as_they_were() -> None:
    lines = [line("a", 1), line("b", 2)]

    assert apply(read(UnitOptions, {}), lines) is lines


def test_it_has_the_unit_it_is_given_and_no_limits_of_its_parts() -> None:
    found = computed(
        "errors / total * 100",
        line("errors", 3, limits=Limits(warning_above=1)),
        line("total", 12),
        unit="%",
    )

    assert (found.value, found.unit, found.limits) == (25, "%", Limits())


def test_it_is_as_bad_and_as_old_as_the_worst_of_its_parts() -> None:
    found = computed(
        "a + b",
        line("a", 1, state="warning", since=NOW - HOUR),
        line("b", 2, freshness="stale"),
        line("c", 2, state="critical"),
    )

    assert (found.state, found.freshness, found.since) == ("warning", "stale", NOW - HOUR)


def test_a_series_that_is_not_there_is_named() -> None:
    found = computed("a / nobody", line("a", 1, points=[(NOW, 1.0)]))

    assert found.value is None
    assert found.points == ()
    assert found.message == "no series is named nobody"


def test_its_past_is_computed_from_theirs_at_each_moment() -> None:
    a = line("a", 4, points=[(NOW - 2 * MINUTE, 1.0), (NOW, 4.0)])
    b = line("b", 2, points=[(NOW - MINUTE, 0.0), (NOW, 2.0)])

    # At the first moment b is not known yet, at the second it divides by zero.
    assert computed("a / b", a, b).points == [(NOW, 2.0)]


def test_a_part_that_has_been_silent_for_long_counts_no_more() -> None:
    a = line("a", 4, points=[(NOW - 10 * MINUTE, 1.0)])
    b = line("b", 2, points=[(NOW - 10 * MINUTE, 1.0), (NOW, 2.0)])

    assert computed("a + b", a, b).points == [(NOW - 10 * MINUTE, 2.0)]


def test_it_can_be_compared_with_an_hour_ago() -> None:
    a, b = line("a", 4, then={HOUR: 6.0}), line("b", 2, then={HOUR: 3.0})

    assert computed("a / b", a, b).then == {HOUR: 2.0}


def test_what_cannot_be_computed_is_refused_with_the_reason() -> None:
    with pytest.raises(BadOptions, match=r"options.formula: 'a /' cannot be computed: a number"):
        read(UnitOptions, {"formula": "a /"})
