"""What the kinds that draw charts make of data; what holds for all is in test_kinds_contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.gallery.data import latencies
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.kinds import Data, Frame, Limits, Line, kinds
from widgets.kinds.bars import Group, pieces
from widgets.kinds.bullet import done
from widgets.kinds.heatmap import level
from widgets.kinds.message import lines, size
from widgets.options import BadOptions, read
from widgets.scales import Scale

NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 6, 3, ZoneInfo("Europe/Berlin"))
CHIP = replace(FRAME, width=2, height=1)


def line(name: str = "a", value: float | None = 1.0, unit: str = "", **more: Any) -> Line:
    return Line(name, name, unit, value, NOW, **more)


def hour(*values: float) -> list[tuple[int, float]]:
    step = HOUR // (len(values) - 1)
    return [(NOW - HOUR + i * step, value) for i, value in enumerate(values)]


def picture(
    slug: str, data: Data | list[Line], frame: Frame = FRAME, **given: Any
) -> dict[str, Any]:
    data = data if isinstance(data, Data) else Data(data)
    return kinds[slug].picture(read(kinds[slug].Options, given), data, frame)


def paths(drawn: dict[str, Any]) -> list[str]:
    return [path["d"] for path in drawn["paths"]]


def test_a_stack_is_drawn_from_its_top_and_its_axis_begins_at_zero() -> None:
    drawn = picture(
        "line",
        [line("a", points=hour(50, 50, 50)), line("b", points=hour(30, 50, 30))],
        stack=True,
    )

    assert [path["colour"] for path in drawn["paths"]] == ["2", "1"]
    assert all(path["area"] for path in drawn["paths"])
    assert drawn["y"][0]["label"] == "0"
    assert paths(drawn) == ["M0 200l1500-200l1500 200", "M0 500l1500 0l1500 0"]


def test_steps_keep_their_value() -> None:
    drawn = picture("line", [line(points=hour(0, 100, 0))], style="step")

    assert paths(drawn) == ["M0 1000l1500 0l0-1000l1500 0l0 1000"]


def test_on_a_log_axis_each_tick_is_ten_times_the_one_below() -> None:
    drawn = picture("line", [line("a", unit="ms", points=hour(1, 10, 100))], scale="log")

    said = [tick["label"].replace("\xa0", " ") for tick in drawn["y"]]
    assert said == ["1 ms", "10 ms", "100 ms"]
    assert paths(drawn) == ["M0 1000l1500-500l1500-500"]


def test_the_limits_of_a_log_axis_stand_where_they_are() -> None:
    limits = Limits(warning_above=10)

    drawn = picture("line", [line(points=hour(1, 100), limits=limits)], scale="log")

    assert drawn["limits"] == [{"at": "50%", "state": "warning"}]


@pytest.mark.parametrize("slug", ["line", "histogram", "heatmap"])
def test_on_one_row_there_is_no_room_for_axes(slug: str) -> None:
    drawn = picture(slug, latencies(), CHIP)

    assert (drawn["bare"], drawn["x"], drawn["y"]) == (True, (), ())


def test_a_formula_stands_in_the_place_of_its_series() -> None:
    lines = [line("a", 3, points=hour(1, 3)), line("b", 12, points=hour(4, 12))]
    options: dict[str, Any] = {"formula": "a / b * 100", "unit": "%"}

    drawn = {slug: picture(slug, lines, **options) for slug in ("stat", "line", "gauge", "bullet")}

    assert drawn["stat"]["text"] == drawn["gauge"]["text"] == "25"
    assert drawn["line"]["legend"]["items"][0]["value"] == "25\xa0%"
    assert drawn["bullet"]["bullets"][0]["number"] == "25"
    assert {one["more"] for one in drawn.values()} == {0}


@pytest.mark.parametrize(
    ("value", "goal", "said"),
    [
        (840, 1000, "160 under the goal of 1,000"),
        (1100, 1000, "100 over the goal of 1,000"),
        (1000, 1000, "at the goal of 1,000"),
        (None, 1000, ""),
        (5, None, ""),
    ],
)
def test_stat_says_how_far_it_is_from_its_goal(
    value: float | None, goal: float | None, said: str
) -> None:
    assert picture("stat", [line(value=value)], goal=goal)["footer"] == said


PAIRS = [line("web.read", 60), line("web.write", 40), line("api.read", 20), line("api.write", 0)]


def test_bars_are_put_together_by_the_beginning_of_their_names() -> None:
    drawn = picture("bars", PAIRS, together="stacked")

    assert [bar["short"] for bar in drawn["bars"]] == ["web", "api"]
    assert [bar["value"] for bar in drawn["bars"]] == ["100", "20"]
    assert [[rect["width"] for rect in bar["rects"]] for bar in drawn["bars"]] == [
        ["60.00%", "40.00%"],
        ["20.00%", "0.00%"],
    ]
    assert [item["short"] for item in drawn["legend"]["items"]] == ["read", "write"]


def test_grouped_bars_lie_above_each_other() -> None:
    drawn = picture("bars", PAIRS, together="grouped")

    assert [rect["y"] for rect in drawn["bars"][0]["rects"]] == ["3.75%", "53.75%"]
    assert drawn["bars"][0]["value"] == "60"
    assert drawn["bars"][0]["thick"]


def test_a_stack_of_values_below_zero_has_no_height() -> None:
    group = Group("a", "a", [(1, line(value=-5)), (2, line(value=5))])

    assert pieces(group, Scale.over(0, 10), True) == [(1, 0, 0), (2, 0, 0.5)]


def test_standing_bars_have_an_axis_and_say_their_state_in_their_name() -> None:
    drawn = picture(
        "bars", [line("ok", 5), line("bad", 10, state="critical")], direction="vertical"
    )

    assert not drawn["lying"]
    assert [tick["label"] for tick in drawn["x"]] == ["ok", "▲bad"]
    assert [bar["rects"][0]["height"] for bar in drawn["columns"]] == ["50%", "100%"]


def test_on_one_row_bars_lie() -> None:
    assert picture("bars", PAIRS, CHIP, direction="vertical")["lying"]


@pytest.mark.parametrize(
    ("value", "goal", "said"),
    [(50, 200, "25\xa0%"), (None, 200, ""), (5, 0, ""), (5, None, ""), (-5, 10, "")],
)
def test_a_share_of_the_goal_is_said_where_there_is_one(
    value: float | None, goal: float | None, said: str
) -> None:
    assert done(value, goal) == said


def test_a_bullet_marks_its_goal_and_goes_a_little_beyond() -> None:
    [bullet] = picture("bullet", [line(value=50)], goal=100)["bullets"]

    assert bullet["of"] == "of 100"
    assert 90 < float(bullet["goal"].rstrip("%")) < 100


def test_without_a_goal_the_limit_is_it() -> None:
    [bullet] = picture("bullet", [line(limits=Limits(warning_above=7))])["bullets"]

    assert bullet["of"] == "of 7"


def test_a_histogram_counts_every_sample_and_says_its_percentiles() -> None:
    points = [(NOW - HOUR + i * SECOND, float(i % 100)) for i in range(3600)]

    drawn = picture("histogram", [line(unit="ms", points=points)], buckets=10)

    assert len(drawn["rects"]) == 10
    assert (
        drawn["footer"].replace("\xa0", " ") == "p50 49 ms, p95 94 ms, p99 98 ms of 3,600 samples"
    )


def test_a_histogram_says_since_when_it_counts() -> None:
    points = [(NOW - 20 * MINUTE + i * SECOND, float(i)) for i in range(1200)]

    drawn = picture("histogram", [line(points=points)])

    assert drawn["footer"].endswith("of 1,200 samples since 14:50")
    assert picture("histogram", [line()])["empty"] == "No samples in the last 1 h"


def test_a_heatmap_counts_by_time_and_value() -> None:
    low, high = [(NOW - HOUR + 1, 1.0)] * 9, [(NOW - 1, 95.0)]

    drawn = picture("heatmap", [line(points=[*low, *high])], Frame(NOW, 3, 3, FRAME.zone))

    rows = int(drawn["view"].split()[3])
    across = int(drawn["view"].split()[2])
    assert {path["level"]: path["d"] for path in drawn["levels"]} == {
        5: f"M0 {rows - 1}h1v1h-1z",
        2: f"M{across - 1} 0h1v1h-1z",
    }
    assert drawn["most"] == "9"
    assert drawn["described"].startswith("Heatmap of 10 samples")


def test_a_single_sample_is_seen_beside_a_thousand() -> None:
    assert [level(n, 1000) for n in (0, 1, 100, 999, 1000)] == [0, 1, 2, 5, 5]


@pytest.mark.parametrize(
    ("text", "width", "height", "px"),
    [
        ("Go", 12, 6, 160),
        ("Freeze from 15:00", 2, 1, 28),
        ("word " * 90, 4, 2, 24),
        ("", 4, 2, 120),
    ],
)
def test_a_message_is_as_large_as_fits(text: str, width: int, height: int, px: int) -> None:
    assert size(text, replace(FRAME, width=width, height=height)) == px


def test_a_word_is_never_broken_over_two_lines() -> None:
    assert lines("a b", 1000, 20) == 1
    assert lines("incomprehensibilities", 50, 20) > 1000


def test_a_message_has_values_and_a_sign_for_its_level() -> None:
    drawn = picture("message", [line("open", 7)], message="{open}  are\nopen", level="critical")

    assert drawn["text"] == "▲ 7 are open"
    assert picture("message", Data(text="of the reading"))["text"] == "of the reading"


@pytest.mark.parametrize(
    ("to", "zone", "said", "until"),
    [
        ("2026-11-23 18:10", "", "2 h", True),
        ("2026-11-23 18:10", "America/New_York", "8 h", True),
        ("2026-11-23T17:10:00+00:00", "", "2 h", True),
        ("2026-11-23 15:00", "", "It is out", False),
        ("", "", "No moment is set", False),
    ],
)
def test_a_countdown_goes_to_a_moment_of_its_zone(
    to: str, zone: str, said: str, until: bool
) -> None:
    drawn = picture("countdown", [], to=to, zone=zone, done="It is out")

    assert drawn["said"] == said
    assert bool(drawn["until"]) == until


def test_a_countdown_to_what_is_no_moment_is_refused() -> None:
    with pytest.raises(BadOptions, match=r"options.to: 'tomorrow' is no moment; write 2030"):
        read(kinds["countdown"].Options, {"to": "tomorrow"})


def test_windows_of_days_are_asked_for_by_bucket() -> None:
    needs = kinds["availability"].needs(read(kinds["availability"].Options, {"days": 90}))

    assert (needs.window, needs.events, needs.points) == (90 * DAY, 90 * DAY, "buckets")
