"""The one door: what is kept, what is refused, what is noted."""

from __future__ import annotations

import json
import math
import threading
from typing import Any

import pytest
from django.db import connection

from tests.feeds import NOON, arrive, fail, make_feed, polled, time_passes
from widgets import clock, record
from widgets.change import Arrival
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.commit import commit
from widgets.models import Event, Feed, FeedState, Hour, Minute, Sample, Series
from widgets.reading import Reading, Verdict
from widgets.schedule import claim_due

pytestmark = pytest.mark.django_db


def state(feed: Feed) -> FeedState:
    return FeedState.objects.get(pk=feed.pk)


def series(feed: Feed, name: str = "a") -> Series:
    return Series.objects.get(feed=feed, name=name)


def events(feed: Feed) -> list[tuple[str, str, bool]]:
    found = Event.objects.filter(feed=feed).order_by("start", "pk")
    return [(e.series.name if e.series else "", e.what, e.end is not None) for e in found]


def test_a_reading_is_kept_as_last_value_sample_and_both_roll_ups() -> None:
    feed = make_feed()

    outcome = arrive(feed, {"a": 1.5}, units={"a": "ms"})

    assert outcome.status == "recorded"
    assert outcome.version == state(feed).version > 0
    one = series(feed)
    assert (one.value, one.unit, one.at) == (1.5, "ms", NOON)
    assert list(Sample.objects.values_list("ts", "value")) == [(NOON, 1.5)]
    assert list(Minute.objects.values_list("ts", "n", "sum")) == [(NOON - 30 * SECOND, 1, 1.5)]
    assert list(Hour.objects.values_list("ts", "last")) == [(NOON - 30 * SECOND, 1.5)]


def test_versions_never_fall_even_when_the_clock_does() -> None:
    feed = make_feed()

    versions = [arrive(feed, {"a": i}, at=NOON - i * SECOND).version for i in range(5)]

    assert versions == sorted(set(versions))
    assert versions[0] == NOON


def test_a_duplicate_changes_nothing() -> None:
    feed = make_feed()
    first = arrive(feed, {"a": 1, "b": 2})

    again = arrive(feed, {"a": 1, "b": 2})

    assert again.status == "nothing"
    assert again.version == first.version
    assert Sample.objects.count() == 2
    assert set(Minute.objects.values_list("n", "sum")) == {(1, 1.0), (1, 2.0)}


def test_late_and_redelivered_readings_leave_the_roll_ups_exact() -> None:
    feed = make_feed()
    moments = [NOON + i * 7 * SECOND for i in (5, 0, 3, 3, 1, 9, 0, 5, 2)]

    for i, at in enumerate(moments):
        arrive(feed, {"a": i}, at=at)

    kept = list(Sample.objects.order_by("ts").values_list("ts", "value"))
    assert len(kept) == len(set(moments))
    for table, width in ((Minute, MINUTE), (Hour, HOUR)):
        for row in table.objects.all():
            inside = [(ts, v) for ts, v in kept if row.ts <= ts < row.ts + width]
            assert row.n == len(inside)
            assert row.sum == math.fsum(v for _, v in inside)
            assert (row.min, row.max) == (min(v for _, v in inside), max(v for _, v in inside))
            assert (row.last_ts, row.last) == max(inside)


def test_points_of_the_past_that_come_along_are_kept_once() -> None:
    feed = make_feed()
    past = [("a", NOON - i * MINUTE, float(i)) for i in range(1, 4)]

    for _ in range(2):
        arrive(feed, {"a": 9.0}, history=past)

    assert list(Sample.objects.order_by("ts").values_list("value", flat=True)) == [3, 2, 1, 9]
    assert sum(Hour.objects.values_list("n", flat=True)) == 4
    assert series(feed).value == 9


def test_a_series_known_only_from_the_past_has_its_newest_point_and_its_age() -> None:
    feed = make_feed(expect_every=MINUTE)

    arrive(
        feed,
        {"a": 1.0},
        history=[("b", NOON - HOUR, 2.0), ("b", NOON - 2 * HOUR, 3.0)],
        units={"b": "s"},
        complete=True,
    )

    one = series(feed, "b")
    assert (one.value, one.unit, one.at, one.freshness) == (2, "s", NOON - HOUR, "stale")
    assert not one.ended
    assert series(feed).freshness == "fresh"
    arrive(feed, {"a": 1.0}, at=NOON + 1, complete=True)
    assert series(feed, "b").ended


def test_the_past_of_a_series_leaves_its_last_value_alone() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1.0})

    arrive(feed, {}, at=NOON + 1, history=[("a", NOON - HOUR, 2.0)])

    assert (series(feed).value, series(feed).at) == (1, NOON)


@pytest.mark.parametrize("ts", [0, -1, NOON + HOUR, 2**63])
def test_a_point_at_an_impossible_time_is_refused(ts: int) -> None:
    feed = make_feed()

    outcome = arrive(feed, {"a": 1.0}, history=[("a", ts, 2.0)])

    assert (outcome.status, Sample.objects.count()) == ("refused", 0)
    assert outcome.message == "a time of a is in the future or before 1970"


def test_more_points_than_one_reading_may_bring_are_refused() -> None:
    outcome = arrive(make_feed(), history=[("a", NOON - i, 0.0) for i in range(100_001)])

    assert outcome.message.startswith("100,001 points of the past in one reading; 100,000 is the")


def test_a_late_reading_goes_to_history_only() -> None:
    feed = make_feed()
    arrive(feed, {"a": 5}, text="new", at=NOON)

    late = arrive(feed, {"a": 1}, text="old", at=NOON - MINUTE)

    assert late.status == "recorded"
    assert series(feed).value == 5
    assert state(feed).text == "new"
    assert Sample.objects.count() == 2


def test_a_late_sample_whose_raw_neighbours_are_gone_is_left_out() -> None:
    feed = make_feed(keep_raw=DAY)
    arrive(feed, {"a": 1}, at=NOON)

    arrive(feed, {"a": 2}, at=NOON - 2 * DAY)
    commit([Arrival(feed.pk, NOON, Reading({"a": 2}, at=NOON - 2 * DAY, complete=False))], NOON)

    assert not Sample.objects.filter(ts=NOON - 2 * DAY + 1).exists()
    assert Sample.objects.filter(ts=NOON).count() == 1


def test_a_partial_reading_leaves_the_others_their_value_and_age() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1, "b": 2}, at=NOON)

    arrive(feed, {"a": 3}, at=NOON + SECOND)

    assert (series(feed, "b").value, series(feed, "b").at) == (2, NOON)
    assert not series(feed, "b").ended


def test_a_series_that_a_complete_reading_does_not_name_has_ended_and_may_return() -> None:
    feed = make_feed(thresholds=[{"critical_above": 1}])
    arrive(feed, {"a": 1, "b": 2}, complete=True)
    assert events(feed) == [("b", "critical", False)]

    arrive(feed, {"a": 1}, at=NOON + SECOND, complete=True)
    assert series(feed, "b").ended
    assert events(feed) == [("b", "critical", True)]
    assert state(feed).state == "ok"

    arrive(feed, {"a": 1, "b": 1}, at=NOON + 2 * SECOND, complete=True)
    assert not series(feed, "b").ended


@pytest.mark.parametrize(
    ("reading", "sentence"),
    [
        ({"numbers": {"a": float("nan")}}, "a is nan, which is no number a wall can show"),
        ({"numbers": {"a": "12"}}, "a is text ('12'); a number was expected"),
        ({"numbers": {"a": 10**400}}, "a is too large a number"),
        ({"numbers": {"": 1}}, "a series has an empty name"),
        ({"numbers": {"a\n": 1, "b\nc": 1}}, "characters that cannot be printed"),
        ({"numbers": {"a" * 501: 1}}, "has 501 characters; 500 is the most"),
        ({"numbers": {str(i): 1 for i in range(2001)}}, "2,001 series in one reading"),
        ({"rows": [{"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}]}, "nested too deeply"),
        ({"at": NOON + 6 * MINUTE, "numbers": {"a": 1}}, "its time is 360 s in the future"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(
    reading: dict[str, Any], sentence: str
) -> None:
    feed = make_feed()
    arrive(feed, {"good": 1})
    before = state(feed).version

    outcome = commit([Arrival(feed.pk, NOON, Reading(**reading))], NOON)[0]

    assert outcome.status == "refused"
    assert sentence in outcome.message
    assert state(feed).version == before
    assert series(feed, "good").value == 1


def test_text_that_postgresql_would_refuse_is_mended() -> None:
    feed = make_feed()

    arrive(feed, {"a\ud800": 2**64}, text="x\0y\ud800z", rows=[{"k\0": "v\0", "n": 2**64}])

    assert state(feed).text == "x\ufffdy\ufffdz"
    assert state(feed).rows == [{"k\ufffd": "v\ufffd", "n": float(2**64)}]
    assert series(feed, "a\ufffd").value == float(2**64)


def test_one_bad_reading_of_a_batch_fails_alone() -> None:
    good, bad = make_feed("good"), make_feed("bad")

    outcomes = commit(
        [
            Arrival(good.pk, NOON, Reading({"a": 1})),
            Arrival(bad.pk, NOON, Reading({"a": float("inf")})),
            Arrival(999_999, NOON, Reading({"a": 1})),
        ],
        NOON,
    )

    assert [outcome.status for outcome in outcomes] == ["recorded", "refused", "gone"]


def test_a_failed_refresh_keeps_the_last_reading_and_is_failed_at_the_second() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    arrive(feed, {"a": 7}, text="good")

    fail(feed, at=NOON + SECOND)
    assert (state(feed).freshness, state(feed).error) == ("fresh", "connection refused")
    fail(feed, at=NOON + 2 * SECOND)

    after = state(feed)
    assert (after.freshness, after.text, after.failing_since) == ("failed", "good", NOON + SECOND)
    assert series(feed).value == 7
    assert events(feed) == [("", "failed", False)]

    arrive(feed, {"a": 8}, at=NOON + 3 * SECOND)
    assert (state(feed).freshness, state(feed).error, state(feed).failures) == ("fresh", "", 0)
    assert events(feed) == [("", "failed", True)]


def test_a_failing_feed_is_asked_less_and_less_often_up_to_a_minute() -> None:
    feed = polled()
    pauses = []
    for _ in range(6):
        FeedState.objects.filter(pk=feed.pk).update(next_due=NOON)
        fail(feed)
        pauses.append(((state(feed).next_due or 0) - NOON) // SECOND)

    assert pauses == [0, 20, 40, 60, 60, 60]


def test_thresholds_are_judged_per_series_and_noted_as_events() -> None:
    feed = make_feed(thresholds=[{"series": "cpu*", "warning_above": 75, "critical_above": 90}])

    arrive(feed, {"cpu0": 80, "cpu1": 95, "load": 1000}, units={"cpu0": "%"})
    assert series(feed, "cpu0").message == "80 % is above 75 %"
    assert events(feed) == [("cpu0", "warning", False), ("cpu1", "critical", False)]
    assert state(feed).state == "critical"

    arrive(feed, {"cpu0": 95, "cpu1": 10}, at=NOON + SECOND)
    assert events(feed) == [
        ("cpu0", "warning", True),
        ("cpu1", "critical", True),
        ("cpu0", "critical", False),
    ]
    assert series(feed, "cpu1").since == NOON + SECOND
    assert series(feed, "cpu1").message == ""


def test_a_source_may_say_itself_that_a_series_is_critical() -> None:
    feed = make_feed()

    arrive(feed, {"up": 0}, verdicts={"up": Verdict("critical", "connection refused")})

    assert (series(feed, "up").state, series(feed, "up").message) == (
        "critical",
        "connection refused",
    )
    assert Event.objects.get().text == "connection refused"


def test_nothing_arrives_and_still_it_grows_late_then_stale_as_events() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    arrive(feed, {"a": 1})
    assert state(feed).judge_at == NOON + 20 * SECOND

    assert time_passes(feed, NOON + 19 * SECOND).status == "nothing"
    late = time_passes(feed, NOON + 20 * SECOND)
    assert (late.status, state(feed).freshness) == ("recorded", "late")
    assert state(feed).judge_at == NOON + 50 * SECOND
    time_passes(feed, NOON + 50 * SECOND)

    assert state(feed).freshness == "stale"
    assert state(feed).judge_at is None
    assert events(feed) == [("", "late", True), ("", "stale", False)]


def test_one_of_fifty_that_falls_silent_shows_though_the_others_go_on() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    hosts = {f"host{i}": 1.0 for i in range(50)}
    arrive(feed, hosts)
    del hosts["host7"]

    for i in range(1, 6):
        arrive(feed, hosts, at=NOON + i * 10 * SECOND)

    assert series(feed, "host7").freshness == "stale"
    assert set(Series.objects.exclude(name="host7").values_list("freshness", flat=True)) == {
        "fresh"
    }
    assert events(feed) == [("host7", "late", True), ("host7", "stale", False)]
    assert state(feed).freshness == "fresh"


def test_age_counts_from_the_earlier_of_the_readings_time_and_its_arrival() -> None:
    feed = make_feed(expect_every=10 * SECOND)

    commit([Arrival(feed.pk, NOON, Reading({"a": 1}, at=NOON - 30 * SECOND))], NOON)

    assert state(feed).freshness == "late"


def test_a_worker_that_slept_through_its_lease_records_nothing() -> None:
    feed = polled(node="")
    FeedState.objects.filter(pk=feed.pk).update(next_due=NOON)
    [slow] = claim_due(NOON)
    [second] = claim_due(slow.until)

    def under(number: int, value: float, now: int) -> str:
        arrival = Arrival(feed.pk, now, Reading({"a": value}), claim=number)
        return commit([arrival], now)[0].status

    assert under(slow.number, 1, slow.until) == "fenced"
    assert under(second.number, 2, slow.until + SECOND) == "recorded"
    assert under(second.number, 3, slow.until + SECOND) == "fenced"
    assert list(Sample.objects.values_list("value", flat=True)) == [2]


def test_a_form_that_was_opened_an_hour_ago_puts_nothing_back() -> None:
    feed = make_feed()
    form = Feed.objects.get(pk=feed.pk)
    version = arrive(feed, {"a": 1}).version

    form.thresholds = [{"warning_above": 0}]
    form.save()

    assert state(feed).version == version
    assert form.revision > feed.revision
    assert time_passes(feed, NOON + SECOND).status == "recorded"
    assert series(feed).state == "warning"


@pytest.mark.django_db(transaction=True)
def test_many_callers_share_a_commit_and_each_is_answered_after_it() -> None:
    feeds = [make_feed(f"f{i}") for i in range(20)]
    outcomes: list[str] = []
    start = clock.now()

    def hand_in(feed: Feed) -> None:
        for i in range(10):
            arrival = Arrival(feed.pk, start + i, Reading({"a": i}, at=start + i))
            outcomes.append(record.record(arrival, timeout=30).status)
        connection.close()

    threads = [threading.Thread(target=hand_in, args=[feed]) for feed in feeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record.stop()

    assert outcomes == ["recorded"] * 200
    assert Sample.objects.count() == 200


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_breaks_answers_every_caller_and_takes_the_good_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good, bad = make_feed("good"), make_feed("bad")
    real = commit

    def breaks(arrivals: list[Arrival], now: int) -> Any:
        if any(arrival.feed == bad.pk for arrival in arrivals):
            raise RuntimeError("boom")
        return real(arrivals, now)

    monkeypatch.setattr(record, "commit", breaks)

    answers = [
        record.submit(Arrival(feed.pk, clock.now(), Reading({"a": 1})))
        for feed in (good, bad, good)
    ]
    record.stop()

    assert answers[0].result().status == "recorded"
    with pytest.raises(record.NotRecorded, match="boom"):
        answers[1].result()
    assert answers[2].result().status in {"recorded", "nothing"}


def test_what_a_source_says_of_a_series_that_is_ok_stays_beside_it() -> None:
    feed = make_feed(thresholds=[{"warning_above": 10}])

    arrive(feed, {"up": 1}, verdicts={"up": Verdict("ok", "200 OK")})
    assert series(feed, "up").message == "200 OK"
    arrive(feed, {"up": 11}, at=NOON + SECOND)
    assert series(feed, "up").message == "11 is above 10"
    Feed.objects.filter(pk=feed.pk).update(thresholds=[])
    time_passes(feed, NOON + 2 * SECOND)

    assert (series(feed, "up").state, series(feed, "up").message) == ("ok", "")


def test_a_reading_stamped_on_arrival_is_the_newest_also_when_the_clock_was_set_back() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    commit([Arrival(feed.pk, NOON + HOUR, Reading({"a": 1}))], NOON + HOUR)

    commit([Arrival(feed.pk, NOON, Reading({"a": 99}))], NOON)

    assert (series(feed).value, series(feed).at, state(feed).at) == (99, NOON, NOON)
    assert state(feed).freshness == "fresh"


def test_two_thousand_series_may_end_cross_a_threshold_and_fall_silent_at_once() -> None:
    feed = make_feed(expect_every=10 * SECOND, thresholds=[{"warning_above": 0}])
    arrive(feed, {f"s{i}": 1 for i in range(2_000)})
    assert Event.objects.filter(end__isnull=True).count() == 2_000

    assert arrive(feed, {f"s{i}": 0 for i in range(2_000)}, at=NOON + 1).status == "recorded"
    assert time_passes(feed, NOON + MINUTE).status == "recorded"
    outcome = arrive(feed, {"other": 1}, at=NOON + MINUTE, complete=True)

    assert outcome.status == "recorded"
    assert Series.objects.filter(ended=True).count() == 2_000
    assert Event.objects.filter(end__isnull=True).count() == 1


def test_a_late_reading_does_not_bring_back_a_series_that_has_ended() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1, "b": 2}, complete=True)
    arrive(feed, {"a": 1}, at=NOON + SECOND, complete=True)

    arrive(feed, {"b": 0}, at=NOON - SECOND)

    assert (series(feed, "b").ended, series(feed, "b").value) == (True, 2)
    assert Sample.objects.filter(series=series(feed, "b")).count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_caller_who_stops_waiting_takes_nobody_down() -> None:
    feed = make_feed()
    answers = [
        record.submit(Arrival(feed.pk, clock.now(), Reading({"a": i}, complete=False)))
        for i in range(3)
    ]

    assert not answers[1].cancel()
    record.stop()

    assert {answer.result().status for answer in answers} <= {"recorded", "nothing"}


def test_the_keys_of_rows_and_options_keep_their_order_and_numbers_their_kind() -> None:
    options = {"zeta": 1, "a": [1.0, 1e20, "5", None]}
    feed = make_feed(options=options)

    arrive(feed, rows=[{"name": "x", "id": 1.0, "b": 2}])

    rows, kept = state(feed).rows, Feed.objects.get().options
    assert json.dumps(rows) == '[{"name": "x", "id": 1.0, "b": 2}]'
    assert json.dumps(kept) == json.dumps(options)


@pytest.mark.parametrize("expect_every", [None, MINUTE])
def test_a_series_that_its_source_has_lost_is_stale_until_it_is_back(
    expect_every: int | None,
) -> None:
    feed = make_feed(expect_every=expect_every)
    arrive(feed, {"a": 1, "b": 1})
    before = state(feed).at

    outcome = arrive(feed, at=NOON + SECOND, lost=["a", "never there"])

    assert outcome.status == "recorded"
    assert (series(feed, "a").freshness, series(feed, "b").freshness) == (
        "stale", "fresh" if expect_every else "aged",
    )  # fmt: skip
    assert state(feed).at == before
    assert events(feed) == [("a", "stale", False)]
    arrive(feed, {"a": 2}, at=NOON + 2 * SECOND)
    assert series(feed, "a").freshness == ("fresh" if expect_every else "aged")
    assert events(feed) == [("a", "stale", True)]


def test_what_was_lost_before_its_last_value_is_not_lost() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1})

    arrive(feed, at=NOON - SECOND, lost=["a"])

    assert series(feed).lost is None


def test_a_series_that_stays_lost_ends_after_a_day() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1, "b": 1})
    arrive(feed, lost=["a"], at=NOON + SECOND)
    assert state(feed).judge_at == NOON + SECOND + DAY

    time_passes(feed, NOON + DAY)
    assert not series(feed).ended
    time_passes(feed, NOON + SECOND + DAY)

    assert series(feed).ended
    assert not series(feed, "b").ended
    assert events(feed) == [("a", "stale", True)]


@pytest.mark.django_db(transaction=True)
def test_what_is_offered_is_taken_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = make_feed()
    arrivals = [
        Arrival(feed.pk, clock.now() + i, Reading({"a": i}, complete=False)) for i in range(3)
    ]
    monkeypatch.setattr(record, "MOST_WAITING", 2)
    with pytest.raises(record.Full, match="very much is waiting"):
        record.offer(arrivals)

    answers = record.offer(arrivals[:2])
    record.stop()

    assert [answer.result().status for answer in answers] == ["recorded"] * 2
    assert Sample.objects.count() == 2
