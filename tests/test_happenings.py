"""Events on their way to a picture."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.live import held
from dashboard.live.held import Held
from tests.walls import make_board, put
from widgets import clock, happenings
from widgets.change import Arrival
from widgets.clock import DAY, HOUR, SECOND
from widgets.commit import commit
from widgets.gather import gather
from widgets.models import Event, Feed, Series
from widgets.reading import Mark, Reading
from widgets.select import Spec, pick

pytestmark = pytest.mark.django_db


@pytest.fixture
def feed() -> Feed:
    thresholds = [{"series": "lag", "warning_above": 10}]
    return Feed.objects.create(name="f", source="push", thresholds=thresholds)


def arrive(feed: Feed, value: float, **more: Any) -> None:
    now = clock.now()
    commit([Arrival(feed.pk, now, Reading({"lag": value}, complete=False, **more))], now)


def spec_of(kind: str, **options: Any) -> Spec:
    tile = put(make_board(kind), kind=kind, options=options)
    return Spec.of(tile.widget)


def test_what_ended_before_is_left_out_and_what_goes_on_is_not(feed: Feed) -> None:
    now = clock.now()
    for start, end in ((now - 9 * DAY, now - 8 * DAY), (now - 9 * DAY, None), (now, now + 1)):
        Event.objects.create(feed=feed, axis="state", what="critical", start=start, end=end)

    found = happenings.load([feed.pk], now - DAY)[feed.pk]

    assert [(event.start, event.end) for event in found] == [(now, now + 1), (now - 9 * DAY, None)]


def test_an_event_of_a_series_has_the_key_of_its_line(feed: Feed) -> None:
    series = Series.objects.create(feed=feed, name="lag", unit="s")
    Event.objects.create(feed=feed, series=series, axis="state", what="warning", start=1, value=12)

    [event] = happenings.load([feed.pk], 0)[feed.pk]

    assert (event.key, event.feed, event.series, event.unit) == ("f/lag", "f", "lag", "s")


def test_only_widgets_that_show_events_load_them(feed: Feed) -> None:
    arrive(feed, 20)

    assert held.load_for([spec_of("stat")]).events == {}
    assert len(held.load_for([spec_of("events")]).events[feed.pk]) == 1


def test_a_change_of_state_is_drawn_with_its_event(feed: Feed) -> None:
    arrive(feed, 20, marks=[Mark(clock.now(), clock.now(), "deploy 4.2")])
    spec = spec_of("events")
    everything = held.load_for([spec])

    data = gather(spec, pick(spec, everything.of(spec)), _no_window, clock.now(), everything.events)

    said = {(event.what, event.text) for event in data.events}
    assert said == {("note", "deploy 4.2"), ("warning", "20 is above 10")}


def _no_window(series: int) -> None:
    return None


def test_events_of_series_that_are_not_shown_are_left_out(feed: Feed) -> None:
    arrive(feed, 20)
    other = Series.objects.create(feed=feed, name="other")
    Event.objects.create(feed=feed, series=other, axis="state", what="critical", start=clock.now())
    spec = Spec.of(put(make_board(), series="lag", kind="events").widget)
    everything = held.load_for([spec])

    data = gather(spec, pick(spec, everything.of(spec)), _no_window, clock.now(), everything.events)

    assert [event.series for event in data.events] == ["lag"]


def message(feed: Feed, now: Held, **more: Any) -> dict[str, Any]:
    version = now.feeds[feed.pk].version
    return {
        "feed": feed.pk, "version": version + 1, "previous": version, "whole": True, "state": {},
        "series": [], "points": [], "events": False,
    } | more  # fmt: skip


def test_a_message_that_tells_of_an_event_has_it_loaded(feed: Feed) -> None:
    arrive(feed, 20)
    shown, unseen = (held.load_for([spec_of(kind)]) for kind in ("events", "stat"))

    assert not shown.apply(message(feed, shown, events=True))
    assert shown.apply(message(feed, shown))
    # Of an older process, which does not say.
    assert unseen.apply(message(feed, unseen, events=True))


def test_a_commit_says_whether_an_event_began_or_ended(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr("widgets.publish.publish_feed", sent.append)

    for value in (1, 2, 20, 21, 3):
        arrive(feed, value)

    # The first reading of all has its freshness judged.
    assert [one["events"] for one in sent[1:]] == [False, True, False, True]


def test_a_new_widget_that_looks_further_back_lacks_its_events(feed: Feed) -> None:
    arrive(feed, 20)
    day, week = spec_of("events", window="1d"), spec_of("alerts")
    longer = Spec.of(put(make_board("l"), kind="events", options={"window": "7d"}).widget)
    everything = held.load_for([day])

    def lacking(spec: Spec) -> set[int]:
        return everything.lacks(spec, pick(spec, everything.of(spec)))

    assert (lacking(day), lacking(week), lacking(longer)) == (set(), set(), {feed.pk})
    everything.drop(feed.pk)
    assert (everything.events, everything.events_reach) == ({}, {})


def test_a_kind_that_counts_gets_every_sample_and_one_of_days_every_bucket(feed: Feed) -> None:
    now = clock.now()
    history = [("lag", now - i * SECOND, float(i)) for i in range(1, 2_000)]
    commit([Arrival(feed.pk, now, Reading({"lag": 1.0}, complete=False, history=history))], now)
    specs = [spec_of("histogram"), spec_of("line"), spec_of("availability")]
    everything = held.load_for(specs)

    counts = []
    for spec in specs:
        picked = pick(spec, everything.of(spec))
        data = gather(spec, picked, everything.windows_of(spec), now)
        counts.append(len(data.lines[0].points))

    assert counts[0] == 2_000
    assert counts[1] <= 600
    assert [spec.step for spec in specs] == [0, 0, HOUR]
