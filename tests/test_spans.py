"""What was known when, and in which state it was; against a second by second count."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.clock import HOUR, SECOND
from widgets.kinds import Happening
from widgets.spans import ORDER, Stretch, by_day, days, known, share_ok, stretches

BERLIN = ZoneInfo("Europe/Berlin")


def event(what: str, start: int, end: int | None, axis: Any = "state") -> Happening:
    return Happening("f/s", "f", "s", axis, what, start, end)


def at(text: str, zone: ZoneInfo = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("moments", "step", "spans"),
    [
        ([], 10, []),
        ([0, 10, 20], 10, [(0, 30)]),
        ([0, 10, 90], 10, [(0, 20), (90, 100)]),
        ([0, 10, 90], 0, [(0, 100)]),
        ([40], 10, [(40, 50)]),
        ([-50, 10], 10, [(10, 20)]),
        ([90, 95], 10, [(90, 100)]),
    ],
)
def test_readings_make_time_known_but_for_gaps(
    moments: list[int], step: int, spans: list[tuple[int, int]]
) -> None:
    assert known([(moment, 1.0) for moment in moments], step, 0, 100) == spans


def test_events_part_what_is_known() -> None:
    events = [event("critical", 20, 30), event("warning", 25, 40), event("unknown", 80, None)]

    found = stretches(events, [(0, 50), (60, 100)])

    assert found == [
        Stretch("ok", 0, 20),
        Stretch("critical", 20, 30),
        Stretch("warning", 30, 40),
        Stretch("ok", 40, 50),
        Stretch("ok", 60, 80),
        Stretch("unknown", 80, 100),
    ]


def test_states_that_do_not_count_are_ok_and_other_axes_say_nothing() -> None:
    events = [event("warning", 20, 30), event("stale", 20, 30, "freshness")]

    assert stretches(events, [(0, 50)], ("critical",)) == [Stretch("ok", 0, 50)]


moments = st.integers(0, 60)
happenings = st.lists(
    st.builds(
        lambda what, start, length: event(what, start, length and start + length),
        st.sampled_from(ORDER),
        moments,
        st.none() | st.integers(1, 30),
    ),
    max_size=8,
)
spans = st.lists(moments, unique=True, max_size=6).map(
    lambda cuts: list(zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)


@settings(deadline=None)
@given(happenings, spans)
def test_each_moment_has_the_worst_state_that_anything_says_of_it(
    events: list[Happening], known_spans: list[tuple[int, int]]
) -> None:
    found = stretches(events, known_spans)

    said = {t: one.state for one in found for t in range(one.start, one.end)}
    assert said == {
        t: max(
            (e.what for e in events if e.start <= t and (e.end is None or t < e.end)),
            key=ORDER.index,
            default="ok",
        )
        for start, end in known_spans
        for t in range(start, end)
    }


def test_the_share_is_of_what_is_known() -> None:
    assert share_ok([Stretch("ok", 0, 30), Stretch("critical", 50, 60)]) == 0.75
    assert share_ok([]) is None


def test_days_of_23_and_25_hours_are_as_long_as_they_were() -> None:
    spring = days(at("2026-03-30 12:00"), 3, BERLIN)
    autumn = days(at("2026-10-26 12:00"), 3, BERLIN)

    assert [(end - start) // HOUR for start, end in spring] == [24, 23, 12]
    assert [(end - start) // HOUR for start, end in autumn] == [24, 25, 12]


def test_what_goes_over_midnight_counts_on_both_days() -> None:
    found = [Stretch("ok", 0, 8), Stretch("critical", 8, 14), Stretch("ok", 14, 30)]

    assert by_day(found, [(0, 10), (10, 20), (20, 30), (30, 40)]) == [
        [Stretch("ok", 0, 8), Stretch("critical", 8, 10)],
        [Stretch("critical", 10, 14), Stretch("ok", 14, 20)],
        [Stretch("ok", 20, 30)],
        [],
    ]
