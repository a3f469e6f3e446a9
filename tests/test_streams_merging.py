"""Several readings as one: it says what they would have said one after another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.feeds import NOON, make_feed
from widgets.change import Arrival
from widgets.clock import SECOND
from widgets.commit import commit
from widgets.models import FeedState, Sample, Series
from widgets.reading import Mark, Reading, Verdict
from widgets.streams import merging
from widgets.streams.merging import Part, fold_of, merged, positions_in, unknown

READINGS = [
    Reading({"a": 1, "b": 1}, units={"a": "s"}, text="one"),
    Reading({"b": 2}, verdicts={"b": Verdict("critical", "down")}, rows=[{"x": 1}]),
    Reading(history=[("a", NOON - SECOND, 0), ("c", NOON, 9)]),
    Reading({"b": 3}, verdicts={"b": Verdict("warning", "slow")}),
    Reading({"d": 4}, lost=["a"], marks=[Mark(NOON, NOON, "deployed")]),
    Reading({"a": 5}, units={"a": "ms"}),
    Reading({"c": 6}, ended=["d"]),
    Reading({"b": 7}, notes=["so it is"], text="two"),
]


def parts(readings: list[Reading]) -> list[Part]:
    return [Part(one, NOON + i) for i, one in enumerate(readings)]


def state(name: str) -> list[Any]:
    feed = FeedState.objects.get(feed__name=name)
    fields = ("name", "unit", "value", "at", "state", "message", "verdict", "lost", "ended")
    series = Series.objects.filter(feed__name=name).order_by("name").values_list(*fields)
    samples = Sample.objects.filter(series__feed__name=name).order_by("series__name", "ts")
    return [
        (feed.at, feed.rows, feed.text, feed.notes, feed.state),
        list(series),
        list(samples.values_list("series__name", "ts", "value")),
    ]


@pytest.mark.django_db
def test_one_reading_of_many_leaves_what_each_by_itself_would_have_left() -> None:
    apart, together = make_feed("apart"), make_feed("together")

    for part in parts(READINGS):
        reading = merged([part])
        commit([Arrival(apart.pk, part.arrived, reading)], NOON + SECOND)
    fold = fold_of(parts(READINGS))
    last = NOON + len(READINGS) - 1
    commit([Arrival(together.pk, last, Reading(complete=False), fold=fold)], NOON + SECOND)

    assert state("together") == state("apart")


@pytest.mark.parametrize("last", [2, 0], ids=["in order", "late"])
def test_the_newest_of_them_is_the_value_now_wherever_it_stands(last: int) -> None:
    given = [Part(Reading({"n": i}, at=NOON + i), NOON) for i in range(3)]
    given.append(given.pop(last))

    whole = merged(given)

    assert (whole.numbers, whole.at) == ({"n": 2}, NOON + 2)
    assert sorted(whole.history) == [("n", NOON, 0), ("n", NOON + 1, 1)]


def test_of_what_is_stored_already_nothing_is_said_again() -> None:
    memo: dict[str, Any] = {}
    given = [Part(Reading({"n": i}), NOON + i, "s", (i, 0)) for i in range(3)]
    fold = fold_of(given, merged(given))
    assert fold(memo, Reading()) == merged(given)
    assert fold(memo, Reading()) is None
    assert positions_in(memo) == {"s": (2, 0)}

    more = [*given, Part(Reading({"n": 9}), NOON + 9, "s", (2, 1))]
    only = fold_of(more, merged(more))(memo, Reading())
    assert only is not None
    assert (only.numbers, only.history) == ({"n": 9}, [])


def test_where_streams_stand_is_forgotten_of_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "MOST_STREAMS", 2)
    memo: dict[str, Any] = {}
    for stream in ("a", "b", "a", "c"):
        n = len(memo.get("positions", {}))
        unknown([Part(Reading(), NOON, stream, (n, NOON))], memo)

    assert list(memo["positions"]) == ["a", "c"]


def test_what_is_empty_moves_the_place_on_and_says_nothing() -> None:
    memo: dict[str, Any] = {}
    place = Part(Reading(), NOON, "s", (7,), empty=True)

    assert fold_of([place])(memo, Reading()) is None
    assert positions_in(memo) == {"s": (7,)}
