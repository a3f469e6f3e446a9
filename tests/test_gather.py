"""Which series a widget shows, what becomes of them, and what its frame says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.feeds import NOON
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.gather import Condition, condition, gather
from widgets.history import Reducer, Window
from widgets.judge import Promise, Threshold, promise
from widgets.kinds import Data, Limits
from widgets.reading import Freshness, State
from widgets.select import MOST, MOST_WITH_WINDOW, Pick, Picked, Spec, pick
from widgets.shows import Show
from widgets.snapshot import FeedNow, SeriesNow

TEN = promise(10 * SECOND, 5 * SECOND, None)
EMPTY = Spec(
    id=1, title="t", kind="line", options={}, shows=[Show("*")], over_time="last",
    over_series="each", window=0, offsets=(), top=10, revision=3,
)  # fmt: skip


def spec(*shows: Show | str, **fields: Any) -> Spec:
    """A widget that shows these feeds; every series of every feed if none is named."""
    given = [show if isinstance(show, Show) else Show(show) for show in shows]
    return replace(EMPTY, shows=given or [Show("*")], **fields)


class Cast:
    """Feeds with series, whose ids are their own."""

    def __init__(self) -> None:
        self.feeds: list[FeedNow] = []
        self.windows: dict[int, Window] = {}
        self._last = 0

    def feed(self, name: str, *series: str, **fields: Any) -> FeedNow:
        feed = FeedNow(
            id=len(self.feeds) + 1, name=name, source="push", private=False, paused=False,
            interval=10 * SECOND, promise=TEN, thresholds=(), revision=1, version=NOON,
        )  # fmt: skip
        for key, value in fields.items():
            setattr(feed, key, value)
        self.feeds.append(feed)
        for one in series:
            self.series(feed, one)
        return feed

    def series(
        self, feed: FeedNow, name: str, value: float | None = 1.0, **fields: Any
    ) -> SeriesNow:
        self._last += 1
        series = SeriesNow(
            id=self._last, name=name, unit="", value=value, at=NOON, arrived=NOON, state="ok",
            since=NOON, message="", ended=False, freshness="fresh", verdict="ok",
        )  # fmt: skip
        for key, given in fields.items():
            setattr(series, key, given)
        feed.series[name] = series
        return series

    def past(self, series: SeriesNow, *points: tuple[int, float], step: int = 0) -> None:
        """Points of its window, at so many seconds from noon."""
        window = self.windows[series.id] = Window.empty(step)
        for seconds, value in points:
            window.add(NOON + seconds * SECOND, value)

    def gathered(self, wanted: Spec, now: int = NOON) -> Data:
        return gather(wanted, pick(wanted, self.feeds), self.windows.get, now)

    def condition(self, wanted: Spec, now: int = NOON) -> Condition:
        picked = pick(wanted, self.feeds)
        lines = gather(wanted, picked, self.windows.get, now).lines
        return condition(wanted, picked, lines, now)


@pytest.fixture
def cast() -> Cast:
    return Cast()


def picked(cast: Cast, wanted: Spec) -> list[str]:
    return [f"{one.feed.name}/{one.series.name}" for one in pick(wanted, cast.feeds).lines]


def named(cast: Cast, *shows: Show) -> list[str]:
    return [one.name for one in pick(spec(*shows), cast.feeds).lines]


def test_series_come_in_the_order_of_the_selections_and_each_once(cast: Cast) -> None:
    cast.feed("web", "load", "cpu")
    cast.feed("db", "cpu", "load")

    assert picked(cast, spec(Show("web", "load"), Show("*", "cpu"), Show("*"))) == [
        "web/load",
        "db/cpu",
        "web/cpu",
        "db/load",
    ]


def test_numbers_in_names_are_sorted_as_numbers(cast: Cast) -> None:
    cast.feed("f", "core.10", "core.9", "core", "core.1.b", "core.1", "9", "a10b2", "a10b1", "²")

    assert picked(cast, spec()) == [
        f"f/{name}"
        for name in ("9", "a10b1", "a10b2", "core", "core.1", "core.1.b", "core.9", "core.10", "²")
    ]


def test_only_what_the_patterns_match_is_picked(cast: Cast) -> None:
    cast.feed("check.a", "up", "ms")
    cast.feed("check.b", "up")
    other = cast.feed("other", "up", "Up")

    assert picked(cast, spec(Show("check.*", "up"))) == ["check.a/up", "check.b/up"]
    assert picked(cast, spec(Show("other", "[U]p"))) == ["other/Up"]
    assert pick(spec("other"), cast.feeds).feeds == [other]


def test_a_name_with_brackets_is_picked_and_called_by_itself(cast: Cast) -> None:
    cast.feed("rack[1]", "disk[0]", "disk[1]")

    assert named(cast, Show("rack[1]", "disk[0]")) == ["disk[0]"]
    assert spec("rack[1]").wants("rack[1]")


def test_what_has_ended_is_not_shown(cast: Cast) -> None:
    feed = cast.feed("f", "a")
    cast.series(feed, "b", ended=True)

    assert picked(cast, spec()) == ["f/a"]


@pytest.mark.parametrize(
    ("show", "names"),
    [
        (Show("host", "disk.*.percent"), ["disk.a.percent", "disk.b.percent"]),
        (Show("host", "disk.*.percent", "Disk *"), ["Disk a", "Disk b"]),
        (Show("host", "disk.*.percent", "Disks"), ["disk.a.percent", "disk.b.percent"]),
        (Show("host", "disk.a.percent", "Disk"), ["Disk"]),
        (Show("check.*", "up"), ["check.x", "check.y"]),
        (Show("check.*", "u*"), ["check.x up", "check.y up"]),
        (Show("check.*", "up", "Up"), ["Up", "Up"]),
    ],
)
def test_a_series_is_called_what_tells_it_from_the_others(
    cast: Cast, show: Show, names: list[str]
) -> None:
    cast.feed("host", "disk.b.percent", "disk.a.percent")
    cast.feed("check.x", "up")
    cast.feed("check.y", "up")

    assert named(cast, show) == names


def test_the_first_selection_that_matches_a_series_names_it(cast: Cast) -> None:
    cast.feed("f", "a", "b")

    assert named(cast, Show("f", "a", "First"), Show("f", "*", "then *")) == ["First", "then b"]


def test_a_unit_is_the_series_own_unless_the_widget_says_another(cast: Cast) -> None:
    cast.series(cast.feed("f"), "a", unit="ms")

    assert [line.unit for line in cast.gathered(spec(Show("f"))).lines] == ["ms"]
    assert [line.unit for line in cast.gathered(spec(Show("f", unit="s"))).lines] == ["s"]


@pytest.mark.parametrize(
    ("window", "offsets", "most"),
    [(0, (), MOST), (HOUR, (), MOST_WITH_WINDOW), (0, (DAY,), MOST_WITH_WINDOW)],
)
def test_more_series_than_a_wall_has_room_for_are_hidden_and_counted(
    cast: Cast, window: int, offsets: tuple[int, ...], most: int
) -> None:
    cast.feed("f", *(f"s{i}" for i in range(most + 7)))

    found = pick(spec(window=window, offsets=offsets), cast.feeds)

    assert [one.series.name for one in found.lines] == [f"s{i}" for i in range(most)]
    assert [one.series.name for one in found.cut] == [f"s{i}" for i in range(most, most + 7)]


def test_where_there_is_no_room_for_all_the_worst_are_drawn(cast: Cast) -> None:
    feed = cast.feed("f", *(f"s{i}" for i in range(MOST_WITH_WINDOW)))
    cast.series(feed, "t1", freshness="stale")
    cast.series(feed, "t2", freshness="aged")
    cast.series(feed, "t3", state="warning")

    drawn = [f"f/s{i}" for i in range(MOST_WITH_WINDOW - 2)] + ["f/t1", "f/t3"]
    assert picked(cast, spec(window=HOUR)) == drawn


def test_what_there_is_no_room_for_counts_for_the_condition(cast: Cast) -> None:
    feed = cast.feed("f")
    for i in range(MOST_WITH_WINDOW + 1):
        cast.series(feed, f"s{i}", state="critical", since=NOON - i)
    feed.series["s5"].freshness = feed.series["s7"].freshness = "stale"
    last = feed.series[f"s{MOST_WITH_WINDOW}"]
    last.at, wanted = NOON - 30 * SECOND, spec(window=HOUR)

    assert [one.series for one in pick(wanted, cast.feeds).cut] == [last]
    assert cast.condition(wanted).freshness == "late"
    assert cast.condition(wanted).read_at == NOON - 30 * SECOND


def test_more_critical_series_than_are_drawn_make_it_critical(cast: Cast) -> None:
    cut = Pick(feed := cast.feed("f"), cast.series(feed, "a", state="critical"), "a", "")

    assert condition(spec(), Picked([feed], [], [cut]), [], NOON).state == "critical"


def test_what_is_drawn_as_one_number_is_never_cut(cast: Cast) -> None:
    cast.feed("f", *(f"s{i}" for i in range(MOST + 7)))

    data = cast.gathered(spec(over_series="sum", window=HOUR))

    assert [line.value for line in data.lines] == [MOST + 7]
    assert data.hidden == 0


def test_the_top_n_are_the_largest_and_what_has_no_value_comes_last(cast: Cast) -> None:
    feed = cast.feed("f")
    for name, value in {"a": 1.0, "b": None, "c": -5.0, "d": 9.0, "e": 0.0}.items():
        cast.series(feed, name, value)

    three = cast.gathered(spec("f", over_series="top", top=3))
    ten = cast.gathered(spec("f", over_series="top", top=10))

    assert [line.name for line in three.lines] == ["d", "a", "e"]
    assert [line.name for line in ten.lines] == ["d", "a", "e", "c", "b"]
    assert three.hidden == 0


@pytest.mark.parametrize(
    ("over_time", "value", "unit"),
    [
        ("last", 7, "ms"),
        ("mean", 4, "ms"),
        ("min", 1, "ms"),
        ("max", 9, "ms"),
        ("sum", 12, "ms"),
        ("count", 3, ""),
        ("rate", 0.025, "ms/s"),
    ],
)
def test_a_line_is_reduced_over_its_window_of_time(
    cast: Cast, over_time: Reducer, value: float, unit: str
) -> None:
    series = cast.series(cast.feed("f"), "a", 7, unit="ms")
    cast.past(series, (-61, 100), (-60, 1), (-30, 9), (-20, 2), (1, 100))
    cast.windows[series.id].trim(NOON - 60 * SECOND)

    [line] = cast.gathered(spec(over_time=over_time, window=MINUTE)).lines

    assert line.value == pytest.approx(value)
    assert line.unit == unit


def test_without_a_window_the_last_value_stands_and_there_are_no_points(cast: Cast) -> None:
    cast.feed("f", "a")

    [line] = cast.gathered(spec(over_time="mean")).lines

    assert (line.value, line.points) == (1.0, ())


def test_a_line_carries_all_that_is_known_of_its_series(cast: Cast) -> None:
    feed = cast.feed("f", thresholds=[Threshold("a", Limits(warning_above=1))])
    series = cast.series(
        feed, "a", 2, state="warning", message="2 is above 1", since=NOON - 5, at=NOON - SECOND
    )
    cast.past(series, (-20, 1), (-10, 2))

    [line] = cast.gathered(spec("f", window=MINUTE), NOON + 30 * SECOND).lines

    assert (line.key, line.name, line.state, line.message) == (
        "f/a",
        "a",
        "warning",
        "2 is above 1",
    )
    assert (line.at, line.since, line.freshness) == (NOON - SECOND, NOON - 5, "late")
    assert line.points == [(NOON - 20 * SECOND, 1), (NOON - 10 * SECOND, 2)]
    assert line.limits == Limits(warning_above=1)
    assert line.step == 10 * SECOND


def test_the_values_before_are_those_at_the_offsets_unless_too_old(cast: Cast) -> None:
    series = cast.series(cast.feed("f", interval=30 * SECOND), "a", 5)
    cast.past(series, (-3600, 1), (-600, 2), (0, 5))
    offsets = (HOUR, HOUR - 90 * SECOND, HOUR - 91 * SECOND, 2 * HOUR, 9 * MINUTE)

    [line] = cast.gathered(spec(offsets=offsets)).lines

    assert line.then == dict(zip(offsets, (1, 1, None, None, 2), strict=True))


def test_a_feed_of_seconds_is_still_looked_for_a_minute_back(cast: Cast) -> None:
    series = cast.series(cast.feed("f", interval=SECOND), "a", 5)
    cast.past(series, (-3600, 1))

    [line] = cast.gathered(spec(offsets=(HOUR - MINUTE, HOUR - 61 * SECOND))).lines

    assert list(line.then.values()) == [1, None]


@pytest.mark.parametrize(
    ("over_series", "value"), [("sum", 9), ("mean", 3), ("min", -2), ("max", 8)]
)
def test_many_lines_become_one_number_of_those_that_have_one(
    cast: Cast, over_series: str, value: float
) -> None:
    feed = cast.feed("f")
    for name, each in {"a": 8.0, "b": 3.0, "c": -2.0, "d": None}.items():
        cast.series(feed, name, each)

    [line] = cast.gathered(spec(over_series=over_series)).lines

    assert line.value == value
    assert line.name == f"{over_series} of 4"


def test_many_lines_without_any_value_have_none_together(cast: Cast) -> None:
    cast.series(cast.feed("f"), "a", None)

    assert [line.value for line in cast.gathered(spec(over_series="sum")).lines] == [None]
    assert Cast().gathered(spec(over_series="sum")).lines == []


def test_one_of_many_is_as_old_and_as_bad_as_the_worst_of_them(cast: Cast) -> None:
    feed = cast.feed("f", thresholds=[Threshold("*", Limits(warning_above=0))])
    cast.series(feed, "a", state="warning")
    cast.series(feed, "b", state="critical", at=NOON - 30 * SECOND)
    cast.series(feed, "c")

    [line] = cast.gathered(spec(over_series="sum")).lines

    assert (line.state, line.freshness, line.at) == ("critical", "late", NOON - 30 * SECOND)
    assert line.limits == Limits()


def test_the_worst_is_that_in_the_worst_state_and_then_the_largest(cast: Cast) -> None:
    feed = cast.feed("f")
    cast.series(feed, "a", 99)
    cast.series(feed, "b", 5, state="critical")
    cast.series(feed, "c", 7, state="critical")
    cast.series(feed, "d", 50, state="warning")

    [line] = cast.gathered(spec("f", over_series="worst")).lines

    assert (line.name, line.value, line.state) == ("c", 7, "critical")


def points(data: Data) -> list[tuple[int, float]]:
    [line] = data.lines
    return [((ts - NOON) // SECOND, value) for ts, value in line.points]


def test_the_points_of_one_reading_are_added_moment_by_moment(cast: Cast) -> None:
    feed = cast.feed("f")
    cast.past(cast.series(feed, "a"), (-20, 1), (-10, 2))
    cast.past(cast.series(feed, "b"), (-20, 10), (-10, 20))

    assert points(cast.gathered(spec(over_series="sum", window=MINUTE))) == [(-20, 11), (-10, 22)]
    assert points(cast.gathered(spec(over_series="mean", window=MINUTE))) == [(-20, 5.5), (-10, 11)]


def test_the_points_of_several_feeds_hold_for_three_steps(cast: Cast) -> None:
    cast.past(cast.series(cast.feed("f"), "a"), (-60, 1), (-50, 2), (-40, 3), (-25, 4), (-24, 5))
    cast.past(cast.series(cast.feed("g"), "a"), (-55, 100))

    found = points(cast.gathered(spec(over_series="sum", window=HOUR)))

    # The one of g is 30 s old at -25.
    assert found == [(-60, 1), (-55, 101), (-50, 102), (-40, 103), (-25, 104), (-24, 5)]


@pytest.mark.parametrize("slow", ["a", "z"])
def test_a_slow_feed_holds_for_three_of_its_own_steps(cast: Cast, slow: str) -> None:
    cast.past(cast.series(cast.feed("m"), "s"), (-60, 1), (-50, 1), (-10, 1), (0, 1))
    cast.past(cast.series(cast.feed(slow, interval=MINUTE), "s"), (-60, 100))

    found = points(cast.gathered(spec(over_series="sum", window=HOUR)))

    assert found == [(-60, 101), (-50, 101), (-10, 101), (0, 101)]


def test_a_feed_of_no_interval_holds_until_its_next_point(cast: Cast) -> None:
    cast.past(cast.series(cast.feed("f", interval=None), "a"), (-3000, 1))
    cast.past(cast.series(cast.feed("g", interval=None), "a"), (0, 2))

    assert points(cast.gathered(spec(over_series="sum", window=HOUR))) == [(-3000, 1), (0, 3)]


def test_one_of_many_compares_only_where_all_are_known(cast: Cast) -> None:
    feed = cast.feed("f")
    cast.past(cast.series(feed, "a"), (-7200, 5), (-3600, 1))
    cast.past(cast.series(feed, "b"), (-3600, 2))

    [line] = cast.gathered(spec(over_series="sum", offsets=(HOUR, 2 * HOUR))).lines

    assert line.then == {HOUR: 3, 2 * HOUR: None}


def test_rows_text_and_notes_of_all_feeds_come_along(cast: Cast) -> None:
    cast.feed("a", rows=[{"x": 1}], text="one", notes=["n1"])
    cast.feed("b", rows=[{"x": 2}], text="two", notes=["n2"])
    cast.feed("c")

    data = cast.gathered(spec())

    assert (data.rows, data.text, data.notes) == ([{"x": 1}, {"x": 2}], "one\n\ntwo", ["n1", "n2"])


def test_the_frame_says_the_worst_of_what_it_shows(cast: Cast) -> None:
    feed = cast.feed("f", version=NOON + 5)
    cast.series(feed, "a", state="warning")
    cast.series(feed, "b", state="unknown")

    found = cast.condition(spec(Show("f"), revision=3))

    assert (found.state, found.freshness, found.waiting) == ("warning", "fresh", False)
    assert (found.version, found.error) == (NOON + 5, "")
    assert cast.condition(spec(Show("f"), revision=NOON + 9)).version == NOON + 9


def test_its_age_is_that_of_the_oldest_and_it_is_late_when_the_first_is(cast: Cast) -> None:
    feed = cast.feed("fast")
    cast.series(feed, "a", at=NOON - 2 * SECOND)
    cast.series(feed, "b", at=NOON + MINUTE, arrived=NOON - 8 * SECOND)
    slow = cast.feed("slow", promise=promise(None, 0, 5 * MINUTE))
    cast.series(slow, "a", at=NOON - 20 * SECOND)

    found = cast.condition(spec())

    assert found.read_at == NOON - 20 * SECOND
    assert found.late_at == NOON - 8 * SECOND + 25 * SECOND
    assert found.stale_at == NOON - 8 * SECOND + 50 * SECOND


@pytest.mark.parametrize(
    ("seconds", "freshness"), [(0, "fresh"), (24, "fresh"), (25, "late"), (50, "stale")]
)
def test_it_grows_old_as_time_passes(cast: Cast, seconds: int, freshness: Freshness) -> None:
    cast.feed("f", "a")

    assert cast.condition(spec(), NOON + seconds * SECOND).freshness == freshness


def test_a_feed_that_shows_rows_or_text_has_an_age_of_its_own(cast: Cast) -> None:
    cast.feed("f", at=NOON - 30 * SECOND, arrived=NOON, text="hello")

    found = cast.condition(spec())

    assert (found.freshness, found.read_at) == ("late", NOON - 30 * SECOND)
    assert (found.late_at, found.waiting) == (NOON - 5 * SECOND, False)


def test_where_nothing_was_promised_there_is_no_moment_of_being_late(cast: Cast) -> None:
    cast.feed("f", "a", promise=Promise(None, None))

    found = cast.condition(spec(), NOON + DAY)

    assert (found.freshness, found.late_at, found.stale_at) == ("aged", None, None)


def test_a_feed_that_failed_says_so_though_its_values_stay(cast: Cast) -> None:
    cast.feed("f", "a", failed=True, error="connection refused")

    found = cast.condition(spec())

    assert (found.freshness, found.error, found.read_at) == ("failed", "connection refused", NOON)


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        (["refused"], "refused"),
        (["", ""], ""),
        (["", "refused"], "f1: refused"),
        (["timeout", "refused"], "f0: timeout"),
    ],
)
def test_of_several_feeds_the_error_names_which(
    cast: Cast, errors: Sequence[str], said: str
) -> None:
    for i, error in enumerate(errors):
        cast.feed(f"f{i}", "a", error=error)

    assert cast.condition(spec()).error == said


@pytest.mark.parametrize(
    ("shows", "feeds", "waiting"),
    [
        ([Show("f")], [], True),
        ([Show("f")], [None], True),
        ([Show("f")], [NOON], False),
        ([], [], False),
    ],
)
def test_it_waits_while_nothing_that_it_shows_has_ever_come(
    cast: Cast, shows: list[Show], feeds: list[int | None], waiting: bool
) -> None:
    for at in feeds:
        cast.feed("f", at=at, arrived=at)

    found = cast.condition(replace(EMPTY, shows=shows))

    assert (found.waiting, found.read_at is None) == (waiting, waiting or not feeds)


def test_the_state_is_that_of_the_lines_shown_and_not_of_those_left_out(cast: Cast) -> None:
    states: dict[str, State] = {"a": "ok", "b": "critical"}
    feed = cast.feed("f")
    for i, (name, state) in enumerate(states.items()):
        cast.series(feed, name, 10.0 - i, state=state)

    assert cast.condition(spec(over_series="top", top=1)).state == "ok"
    assert cast.condition(spec(over_series="top", top=2)).state == "critical"


def test_a_series_that_is_lost_makes_its_tile_stale(cast: Cast) -> None:
    feed = cast.feed("f", "a")
    cast.series(feed, "b", lost=NOON)

    assert [one.freshness for one in cast.gathered(spec(Show("f"))).lines] == ["fresh", "stale"]
    assert cast.condition(spec(Show("f"))).freshness == "stale"
