"""Numbers one by one, gathered into readings."""

from __future__ import annotations

import pytest

from tests.feeds import NOON
from widgets.clock import SECOND
from widgets.formats import BadPush, Push
from widgets.formats import _points as points_module
from widgets.formats._points import Points, series_name
from widgets.reading import Reading, Verdict


def pushed(*points: tuple[str, str, int | None, float]) -> list[Push]:
    taken = Points(NOON)
    for i, (feed, series, at, value) in enumerate(points):
        taken.add(feed, series, at, value, f"line {i + 1}")
    return list(taken.pushes())


def test_series_are_named_by_field_and_sorted_tags() -> None:
    assert series_name("usage_idle", {"host": "a", "cpu": "cpu0"}) == "usage_idle{cpu=cpu0,host=a}"
    assert series_name("value", {}) == "value"


def test_points_of_one_moment_are_one_reading() -> None:
    found = pushed(("cpu", "a", NOON, 1.0), ("cpu", "b", NOON, 2.0), ("mem", "a", NOON, 3.0))

    assert found == [
        Push("cpu", Reading({"a": 1.0, "b": 2.0}, at=NOON, complete=False, history=[]), "line 1"),
        Push("mem", Reading({"a": 3.0}, at=NOON, complete=False, history=[]), "line 3"),
    ]


def test_what_is_older_than_the_latest_of_a_feed_is_history() -> None:
    (found,) = pushed(
        ("f", "a", NOON, 3.0),
        ("f", "a", NOON - 2, 1.0),
        ("f", "b", NOON - 1, 9.0),
    )

    assert (found.reading.at, found.reading.numbers) == (NOON, {"a": 3.0})
    assert found.reading.history == [("a", NOON - 2, 1.0), ("b", NOON - 1, 9.0)]


def test_without_a_time_is_later_than_any() -> None:
    found = pushed(("f", "a", None, 1.0), ("f", "a", NOON, 2.0), ("f", "a", None, 3.0))

    assert [(p.reading.at, p.reading.numbers) for p in found] == [
        (NOON, {"a": 2.0}),
        (None, {"a": 3.0}),
    ]


def test_of_two_for_one_moment_the_last_counts() -> None:
    assert pushed(("f", "a", NOON, 1.0), ("f", "a", NOON, 2.0))[0].reading.numbers == {"a": 2.0}


def test_units_and_verdicts_go_with_their_series() -> None:
    taken = Points(NOON)
    taken.add("f", "a", NOON, 1.0, "x", unit="ms", verdict=Verdict("critical", "down"))
    taken.add("f", "b", NOON, 2.0, "y")

    reading = next(taken.pushes()).reading

    assert reading.units == {"a": "ms"}
    assert reading.verdicts == {"a": Verdict("critical", "down")}


@pytest.mark.parametrize(
    ("feed", "series", "at", "value", "said"),
    [
        ("f", "a", NOON, float("nan"), "a is nan"),
        ("f", "a", NOON, float("-inf"), "a is -inf"),
        ("f", "a", 0, 1.0, "before 1970"),
        ("f", "a", -(2**63), 1.0, "before 1970"),
        ("f", "a", 2**63, 1.0, "in the future"),
        ("f", "a", NOON + 301 * SECOND, 1.0, "301 s in the future; set the clock of its sender"),
        ("f", "", NOON, 1.0, "a series has an empty name"),
        ("f", "a\0b", NOON, 1.0, "cannot be printed"),
        ("f", "a\nb", NOON, 1.0, "cannot be printed"),
        ("f", "n" * 65_536, NOON, 1.0, "65536 characters; 500 is the most"),
        ("", "a", NOON, 1.0, "the name of the feed is empty"),
        ("f\tg", "a", NOON, 1.0, "cannot be printed"),
        ("f" * 65_536, "a", NOON, 1.0, "65,536 characters; 200 is the most"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_place(
    feed: str, series: str, at: int, value: float, said: str
) -> None:
    taken = Points(NOON)

    with pytest.raises(BadPush) as error:
        taken.add(feed, series, at, value, "line 7")

    assert error.value.place == "line 7"
    assert said in str(error.value)
    assert list(taken.pushes()) == []


def test_one_body_holds_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(points_module, "MOST_POINTS", 3)

    with pytest.raises(BadPush, match="line 4: more than 3 numbers in one body") as error:
        pushed(*[("f", "a", NOON, 1.0)] * 4)

    assert error.value.status == 413
