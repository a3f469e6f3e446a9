"""The past takes a bounded part of memory, and every tile a fair share of it."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from dashboard.live import board, comparing, fragments, held
from dashboard.live.board import Key
from dashboard.live.hub import Hub
from dashboard.live.room import fitting
from dashboard.live.slot import Slot
from dashboard.models import Dashboard
from tests.feeds import arrive, make_feed
from tests.walls import Screen, eventually, make_board, put
from widgets import clock, history
from widgets.clock import MINUTE, SECOND
from widgets.models import Feed, Series
from widgets.select import Spec


def filled(name: str, series: int, points: int) -> Feed:
    """A feed of so many series with so many samples each."""
    feed = make_feed(name)
    now = clock.now()
    for n in range(points, 0, -1):
        arrive(feed, {f"s{i}": float(n) for i in range(series)}, at=now - n * SECOND)
    return feed


def specs(*made: Dashboard) -> list[Spec]:
    keys = [Key(one.pk) for one in made]
    boards = board.read(keys)
    return [spec for key in keys for spec in boards[key].specs]


def drawn(made: Dashboard) -> list[str]:
    shown = board.read([Key(made.pk)])[Key(made.pk)]
    everything = held.load_for(shown.specs)
    return [fragments.paint(shown, tile, everything, clock.now()).html for tile in shown.tiles]


@pytest.mark.parametrize(
    ("sizes", "most", "kept"),
    [
        ([3, 3, 3], 9, 3),
        ([3, 3, 3], 8, 2),
        ([0, 0], 0, 2),
        ([5, 1], 4, 0),
        ([], 0, 0),
    ],
)
def test_room_is_given_in_order_until_one_does_not_fit(
    sizes: list[int], most: int, kept: int
) -> None:
    found = fitting({(i, 0): size for i, size in enumerate(sizes)}, most)

    assert found == [(i, 0) for i in range(kept)]


@pytest.mark.django_db
def test_of_a_table_only_what_fits_is_read_and_only_whole_series() -> None:
    filled("f", series=3, points=10)
    ids = list(Series.objects.order_by("pk").values_list("pk", flat=True))
    now = clock.now()

    sizes = [
        [len(window) for window in history.load(ids, 0, now, step, most).values()]
        for step, most in [(0, 30), (0, 29), (0, 10), (0, 9), (0, 0), (MINUTE, 0)]
    ]

    assert sizes == [[10, 10, 10], [10, 10], [10], [], [], []]


@pytest.mark.django_db
def test_every_tile_gets_its_first_series_before_any_gets_its_second(
    settings: LazySettings,
) -> None:
    filled("many", series=8, points=5)
    filled("few", series=2, points=5)
    made = make_board()
    put(made, "many", kind="line")
    put(made, "few", kind="line", x=3)
    names = dict(Series.objects.values_list("pk", "feed__name"))
    settings.HUB_POINTS = 30

    loaded = held.load_for(specs(made))
    # As when they came one after the other and together do not fit.
    settings.HUB_POINTS = 1_000
    later = held.load_for(specs(made))
    settings.HUB_POINTS = 30
    assert later.is_full()
    later.fit(specs(made))

    assert not later.is_full()
    assert sorted(names[series] for series, _ in later.windows) == ["few"] * 2 + ["many"] * 4
    assert later.windows.keys() | later.left_out == loaded.windows.keys() | loaded.left_out
    assert len(later.left_out) == 4


@pytest.mark.django_db
def test_a_tile_says_how_many_of_its_series_it_shows(settings: LazySettings) -> None:
    filled("f", series=12, points=10)
    made = make_board()
    put(made, kind="line", width=12)
    settings.HUB_POINTS = 55

    (html,) = drawn(made)

    assert "first 5 of 12 series" in html
    assert html.count('<path class="k') == 5
    assert "+7 more" in html


@pytest.mark.django_db
def test_a_series_that_is_left_out_counts_for_the_state_of_its_tile(settings: LazySettings) -> None:
    limits = [{"series": "s*", "critical_above": 5}]
    feed = make_feed("f", thresholds=limits)
    now = clock.now()
    arrive(feed, {f"s{i}": float(i) for i in range(6)}, at=now - SECOND)
    arrive(feed, {f"s{i}": float(i) for i in range(7)}, at=now)
    made = make_board()
    put(made, kind="line")
    settings.HUB_POINTS = 4

    (html,) = drawn(made)

    assert "first 2 of 7 series" in html
    assert 'data-state="critical"' in html


@pytest.mark.django_db
def test_a_number_is_shown_without_its_past_and_a_mean_is_not_shown_at_all(
    settings: LazySettings,
) -> None:
    filled("f", series=1, points=10)
    made = make_board()
    put(made, kind="stat")
    put(made, kind="stat", over_time="mean", x=3)
    settings.HUB_POINTS = 9

    number, mean = drawn(made)

    assert 'class="value' in number
    assert "no room for its history" in number
    assert "WATCHWALL_HUB_POINTS" in mean
    assert 'class="value' not in mean


def opened() -> tuple[Dashboard, Dashboard]:
    filled("one", series=3, points=10)
    filled("two", series=3, points=10)
    first, second = make_board("first"), make_board("second")
    put(first, "one", kind="line")
    put(second, "two", kind="line")
    return first, second


async def test_boards_share_the_room_and_what_goes_makes_room_again(
    hub: Hub, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "LINGER", 0.0)
    settings.HUB_POINTS = 45
    first, second = await hub.query(opened)
    leaving = Slot(Screen())
    await hub.join(Key(first.pk), leaving)
    assert len(hub.held.windows) == 3

    await hub.join(Key(second.pk), Slot(Screen()))
    assert len(hub.held.windows) == 4, "the first of each, then the second of each"
    assert not hub.held.is_full()

    hub.leave(Key(first.pk), leaving)
    hub.comparer.wake()
    await eventually(lambda: len(hub.held.windows) == 3 and not hub.held.left_out)

    await eventually(lambda: hub.walls[Key(second.pk)].grid.count("<path") == 3)


async def test_windows_that_grow_past_the_room_are_let_go(hub: Hub, settings: LazySettings) -> None:
    settings.HUB_POINTS = 1_000
    first, _ = await hub.query(opened)
    await hub.join(Key(first.pk), Slot(Screen()))
    settings.HUB_POINTS = 32

    feed = hub.held.feeds[next(iter(hub.held.feeds))]
    numbers = {f"s{i}": 1.0 for i in range(3)}
    for _ in range(3):
        await hub.query(lambda: arrive(Feed.objects.get(pk=feed.id), numbers, at=clock.now()))
    await eventually(lambda: hub.held.is_full())
    hub.comparer.wake()

    await eventually(lambda: not hub.held.is_full())
    await eventually(lambda: "first 2 of 3 series" in hub.walls[Key(first.pk)].grid)
