"""What a value and an age mean, as truth tables."""

from __future__ import annotations

from typing import Any

import pytest

from tests.feeds import NOON
from widgets.clock import MINUTE, SECOND
from widgets.judge import (
    Promise,
    Threshold,
    explain,
    freshness_at,
    judge_value,
    limits_of,
    next_change,
    promise,
    read_thresholds,
    worst_freshness,
    worst_state,
)
from widgets.kinds import Limits
from widgets.options import BadOptions
from widgets.reading import Freshness, State

ABOVE = Limits(warning_above=75, critical_above=90)
BELOW = Limits(warning_below=20, critical_below=10)
BAND = Limits(warning_above=75, warning_below=20, critical_above=90, critical_below=10)
NONE = Limits()


@pytest.mark.parametrize(
    ("limits", "value", "state"),
    [
        (NONE, 1e300, "ok"),
        (ABOVE, 74.9, "ok"),
        (ABOVE, 75, "ok"),
        (ABOVE, 75.1, "warning"),
        (ABOVE, 90, "warning"),
        (ABOVE, 90.1, "critical"),
        (ABOVE, -1e9, "ok"),
        (BELOW, 20.1, "ok"),
        (BELOW, 20, "ok"),
        (BELOW, 19.9, "warning"),
        (BELOW, 10, "warning"),
        (BELOW, 9.9, "critical"),
        (BELOW, 1e9, "ok"),
        (BAND, 50, "ok"),
        (BAND, 95, "critical"),
        (BAND, 5, "critical"),
        (BAND, 80, "warning"),
        (BAND, 15, "warning"),
        (Limits(critical_above=0), 0, "ok"),
        (Limits(critical_above=0), 0.001, "critical"),
        (Limits(warning_above=90, critical_above=75), 80, "critical"),
    ],
)
def test_a_value_at_a_limit_is_not_beyond_it(limits: Limits, value: float, state: State) -> None:
    assert judge_value(value, limits) == state


@pytest.mark.parametrize(
    ("value", "unit", "limits", "sentence"),
    [
        (2.314, "%", Limits(warning_above=1), "2.314 % is above 1 %"),
        (95, "%", ABOVE, "95 % is above 90 %"),
        (5, "", BELOW, "5 is below 10"),
        (15, "ms", BAND, "15 ms is below 20 ms"),
        (90, "%", ABOVE, "90 % is above 75 %"),
        (75, "%", ABOVE, ""),
        (1, "", NONE, ""),
    ],
)
def test_why_a_value_is_not_ok_is_said_with_its_unit(
    value: float, unit: str, limits: Limits, sentence: str
) -> None:
    assert explain(value, unit, limits) == sentence
    assert bool(sentence) == (judge_value(value, limits) != "ok")


@pytest.mark.parametrize(
    ("series", "above"),
    [("cpu0", 75), ("cpu.total", 75), ("cp", 50), ("CPU0", None), ("load", None), ("disk/a", 60)],
)
def test_the_first_threshold_whose_pattern_matches_counts(series: str, above: int | None) -> None:
    thresholds = [
        Threshold("cpu*", Limits(warning_above=75)),
        Threshold("c*", Limits(warning_above=50)),
        Threshold("cpu0", Limits(warning_above=10)),
        Threshold("disk/[ab]", Limits(warning_above=60)),
    ]

    assert limits_of(series, thresholds) == Limits(warning_above=above)


def test_a_threshold_for_a_name_with_brackets_is_for_that_series() -> None:
    assert limits_of("disk[0]", [Threshold("disk[0]", ABOVE)]) == ABOVE


def test_thresholds_are_read_with_every_series_unless_told_which() -> None:
    given = [{"series": "cpu*", "warning_above": 75, "critical_above": 90}, {"critical_below": 1}]

    assert read_thresholds(given) == [
        Threshold("cpu*", ABOVE),
        Threshold("*", Limits(critical_below=1)),
    ]


@pytest.mark.parametrize(
    ("given", "path", "sentence"),
    [
        ({}, "thresholds", "a list is expected"),
        (["cpu"], "thresholds[0]", "such as {series: cpu, warning_above: 75} is expected"),
        ([{}, {"series": 5}], "thresholds[1].series", "text is expected"),
        ([{"warnig_above": 1}], "thresholds[0].warnig_above",
         'unknown key; did you mean "warning_above"?'),
        ([{"warning_above": "75"}], "thresholds[0].warning_above",
         "a number is expected, not '75'"),
        ([{"warning_above": True}], "thresholds[0].warning_above",
         "a number is expected, not True"),
        ([{"warning_above": None}], "thresholds[0].warning_above",
         "a number is expected, not None"),
        ([{"warning_above": float("nan")}], "thresholds[0].warning_above",
         "a number is expected, not nan"),
        ([{"warning_above": float("inf")}], "thresholds[0].warning_above",
         "a number is expected, not inf"),
        ([{"warning_above": 10**400}], "thresholds[0].warning_above",
         f"a number is expected, not 1{'0' * 39}"),
    ],
)  # fmt: skip
def test_a_wrong_threshold_is_refused_where_it_is(given: Any, path: str, sentence: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read_thresholds(given)

    assert [(p.path, p.message) for p in caught.value.problems] == [(path, sentence)]


def test_all_wrong_thresholds_are_named_at_once() -> None:
    with pytest.raises(BadOptions) as caught:
        read_thresholds([5, {"a": 1}, {"critical_below": "x", "series": []}], "feeds[1].thresholds")

    assert [problem.path for problem in caught.value.problems] == [
        "feeds[1].thresholds[0]",
        "feeds[1].thresholds[1].a",
        "feeds[1].thresholds[2].critical_below",
        "feeds[1].thresholds[2].series",
    ]


@pytest.mark.parametrize(
    ("interval", "timeout", "expect", "late", "stale"),
    [
        (10, 5, None, 25, 50),
        (1, 5, None, 7, 10),
        (1, 1, None, 3, 10),
        (2, 1, None, 5, 10),
        (3, 1, None, 7, 15),
        (1, 60, None, 62, 62),
        (10, 5, 60, 25, 50),
        (None, 5, 10, 20, 50),
        (None, 5, 1, 2, 10),
    ],
)
def test_late_after_two_intervals_and_the_timeout_and_stale_after_five(
    interval: int | None, timeout: int, expect: int | None, late: int, stale: int
) -> None:
    promised = promise(interval and interval * SECOND, timeout * SECOND, expect and expect * SECOND)

    assert promised == Promise(late * SECOND, stale * SECOND)


def test_who_expects_nothing_is_promised_nothing() -> None:
    assert promise(None, 5 * SECOND, None) == Promise(None, None)


TEN = promise(10 * SECOND, 5 * SECOND, None)
NOTHING = Promise(None, None)


@pytest.mark.parametrize(
    ("age", "freshness", "ahead"),
    [
        (-MINUTE, "fresh", 25 * SECOND),
        (0, "fresh", 25 * SECOND),
        (25 * SECOND - 1, "fresh", 25 * SECOND),
        (25 * SECOND, "late", 50 * SECOND),
        (50 * SECOND - 1, "late", 50 * SECOND),
        (50 * SECOND, "stale", None),
        (MINUTE, "stale", None),
    ],
)
def test_freshness_changes_at_the_promised_moments_and_not_before(
    age: int, freshness: Freshness, ahead: int | None
) -> None:
    since = NOON
    now = since + age

    assert freshness_at(since, TEN, failed=False, now=now) == freshness
    assert next_change(since, TEN, now) == (None if ahead is None else since + ahead)


def test_nothing_changes_between_now_and_the_next_change() -> None:
    moment: int | None = NOON
    words = []
    while moment is not None:
        words.append(freshness_at(NOON, TEN, failed=False, now=moment))
        moment = next_change(NOON, TEN, moment)

    assert words == ["fresh", "late", "stale"]


@pytest.mark.parametrize(
    ("since", "promised", "failed", "freshness"),
    [
        (NOON, TEN, True, "failed"),
        (None, NOTHING, True, "failed"),
        (NOON, NOTHING, False, "aged"),
        (None, TEN, False, "aged"),
    ],
)
def test_a_failure_outweighs_any_age_and_without_a_promise_there_is_only_age(
    since: int | None, promised: Promise, failed: bool, freshness: Freshness
) -> None:
    assert freshness_at(since, promised, failed, NOON) == freshness


@pytest.mark.parametrize(("since", "promised"), [(NOON, NOTHING), (None, TEN)])
def test_without_a_promise_or_a_reading_time_alone_changes_nothing(
    since: int | None, promised: Promise
) -> None:
    assert next_change(since, promised, NOON) is None


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([], "ok"),
        (["ok", "unknown"], "unknown"),
        (["warning", "unknown", "ok"], "warning"),
        (["warning", "critical", "unknown"], "critical"),
    ],
)
def test_the_worst_state_is_that_of_all(states: list[State], worst: State) -> None:
    assert worst_state(states) == worst


@pytest.mark.parametrize(
    ("words", "worst"),
    [
        ([], "fresh"),
        (["aged", "fresh"], "aged"),
        (["late", "aged"], "late"),
        (["late", "stale", "fresh"], "stale"),
        (["stale", "failed"], "failed"),
    ],
)
def test_the_worst_freshness_is_that_of_all(words: list[Freshness], worst: Freshness) -> None:
    assert worst_freshness(words) == worst
