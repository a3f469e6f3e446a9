"""What a tile, the grid and the status line say."""

from __future__ import annotations

import logging
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.live import board, fragments, held
from dashboard.live.board import Board, Key
from dashboard.live.fragments import Painted, paint, say_moment, status
from dashboard.live.wall import FRAME, Wall
from dashboard.models import Dashboard
from tests.feeds import NOON, arrive, fail, make_feed
from tests.walls import make_board, put
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.models import Widget
from widgets.reading import Verdict
from widgets.select import MOST_WITH_WINDOW
from widgets.trouble import Trouble

pytestmark = pytest.mark.django_db


def read(made: Dashboard, tile: int | None = None) -> Board:
    key = Key(made.pk, tile)
    return board.read([key])[key]


def painted(made: Dashboard, now: int = NOON) -> list[Painted]:
    shown = read(made)
    everything = held.load_for(shown.specs)
    return [paint(shown, tile, everything, now) for tile in shown.tiles]


def test_a_tile_carries_its_version_condition_and_moments() -> None:
    feed = make_feed(expect_every=10 * SECOND)
    outcome = arrive(feed, {"a": 1.5}, verdicts={"a": Verdict("critical", "down")})
    made = make_board()
    tile = put(made, title="Load")

    (one,) = painted(made)

    version = max(outcome.version, tile.revision, tile.widget.revision)
    assert (
        f'<article id="w{tile.pk}" class="widget widget-stat" data-version="{version}"' in one.html
    )
    assert 'data-state="critical" data-freshness="fresh"' in one.html
    assert f'data-late-at="{(NOON + 20 * SECOND) // 1000}"' in one.html
    assert f'data-stale-at="{(NOON + 50 * SECOND) // 1000}"' in one.html
    assert f'href="/d/ops/w/{tile.pk}/"' in one.html
    assert (one.state, one.freshness) == ("critical", "fresh")


def test_a_tile_is_late_and_then_stale_by_time_alone() -> None:
    arrive(make_feed(expect_every=10 * SECOND), {"a": 1.5})
    made = make_board()
    put(made)

    words = [painted(made, NOON + s * SECOND)[0].freshness for s in (0, 19, 20, 49, 50)]

    assert words == ["fresh", "fresh", "late", "late", "stale"]


def test_a_private_feed_is_not_drawn_where_everybody_may_look() -> None:
    arrive(make_feed(private=True), {"a": 77.25})
    made = make_board()
    put(made)

    (one,) = painted(made)

    assert "77.25" not in one.html
    assert "This tile shows a private feed" in one.html


def test_a_private_feed_is_drawn_where_one_must_sign_in() -> None:
    arrive(make_feed(private=True), {"a": 77.25})
    made = make_board(public=False)
    put(made)

    (one,) = painted(made)

    assert "77.2" in one.html


def test_a_private_feed_among_others_is_left_out_and_counted() -> None:
    arrive(make_feed("check.a"), {"up": 1})
    arrive(make_feed("check.b", private=True), {"secret": 1})
    made = make_board()
    put(made, "check.*", kind="bars")

    (one,) = painted(made)

    assert "up" in one.html
    assert "secret" not in one.html
    assert "1 private feed is left out" in one.html


def test_what_a_stranger_sends_arrives_as_text() -> None:
    evil = "<script>alert('1')</script>\"&amp;"
    feed = make_feed()
    arrive(feed, {evil: 1}, units={evil: "<b>"}, notes=[evil])
    fail(feed, evil)
    made = make_board(title=evil)
    put(made, kind="bars", title=evil)
    shown = read(made)
    wall = Wall(shown)

    wall.paint(held.load_for(shown.specs), NOON, 0.0)
    text = wall.everything()[1].text

    assert "<script" not in text
    assert "<b>" not in text.replace("<b>1", "").replace("<b>0", "")
    assert "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;&quot;&amp;amp;" in text


def test_a_failing_tile_says_so_on_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    arrive(make_feed(), {"a": 1})
    made = make_board()
    put(made)

    def broken(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(fragments, "gather", broken)
    (one,) = painted(made)

    assert "could not be drawn" in one.html
    assert one.freshness == "failed"
    assert caplog.records[-1].levelno == logging.ERROR


def test_series_without_room_count_since_they_began_and_load_no_window() -> None:
    feed = make_feed()
    names = [f"s{i:02}" for i in range(MOST_WITH_WINDOW + 1)]
    bad = Verdict("critical", "down")
    arrive(feed, {names[-1]: 1}, at=NOON - MINUTE, verdicts={names[-1]: bad})
    arrive(feed, dict.fromkeys(names[:-1], 1.0), verdicts=dict.fromkeys(names[:-1], bad))
    made = make_board()
    put(made, kind="line", window=HOUR)

    [tile] = painted(made)

    assert tile.since["critical"] == NOON - MINUTE
    assert len(held.load_for(read(made).specs).windows) == MOST_WITH_WINDOW


def test_a_widget_of_a_kind_that_was_removed_names_it() -> None:
    made = make_board()
    tile = put(made, title="Old")
    Widget.objects.filter(pk=tile.widget_id).update(kind="gone")

    (one,) = painted(made)

    assert "no widget kind &quot;gone&quot;" in one.html
    assert "Old" in one.html


def test_a_tile_waits_for_the_feed_it_names() -> None:
    make_feed("there")
    made = make_board()
    put(made, "there")
    put(made, "nowhere", x=3)

    there, nowhere = painted(made)

    assert "of there" in there.html
    assert "no feed is named nowhere" in nowhere.html


def of(state: str = "ok", freshness: str = "fresh", **since: int) -> Painted:
    return Painted("", state, freshness, since=since)  # type: ignore[arg-type]


def test_the_status_line_counts_the_worst_first_and_says_since_when() -> None:
    shown = read(make_board(time_zone="Europe/Berlin"))
    tiles = [
        of("critical", critical=NOON),
        of("critical", critical=NOON - 6 * MINUTE),
        of("warning", "stale", warning=NOON - DAY),
        of(),
    ]

    line = status(shown, tiles, NOON)

    words = [part.split("</span>")[0] for part in line.split("<span ")[1:]]
    assert ["hidden" in word for word in words] == [False, False, True, False, True]
    assert "▲ <b>2 critical</b> <small>since 13:54</small>" in words[0]
    assert "◆ <b>1 warning</b> <small>since 31 May 14:00</small>" in words[1]
    assert "◌ <b>1 stale</b>" in words[3]


def test_the_status_line_says_first_that_nothing_is_recorded_and_why() -> None:
    shown = read(make_board())

    line = status(shown, [of()], NOON, Trouble("full", NOON - MINUTE, NOON))

    assert "<b>Nothing is recorded</b> <small>the disk of the database is full, since" in line
    assert line.index("Nothing is recorded") < line.index("critical</b>")
    assert "Nothing is recorded" not in status(shown, [of()], NOON)


def test_a_moment_is_said_in_the_zone_of_the_board() -> None:
    shown = read(make_board(time_zone="Asia/Tokyo"))

    assert shown.zone == ZoneInfo("Asia/Tokyo")
    assert say_moment(shown, NOON, NOON) == "21:00"
    assert say_moment(shown, NOON - DAY, NOON) == "31 May 21:00"


def test_the_grid_places_tiles_by_classes_and_never_by_style() -> None:
    made = make_board()
    put(made, x=9, y=4, width=3, height=2)
    put(made, kind="clock", shows=[], x=2)
    shown = read(made)
    wall = Wall(shown)

    wall.paint(held.load_for(shown.specs), NOON, 0.0)

    assert '<section class="tile c-9 r-4 w-3 h-2"><article' in wall.grid
    assert 'style="' not in wall.grid


def test_a_tile_is_drawn_at_once_and_then_once_a_frame() -> None:
    feed = make_feed()
    arrive(feed, {"a": 1})
    made = make_board()
    put(made)
    shown = read(made)
    everything = held.load_for(shown.specs)
    wall = Wall(shown)
    wall.paint(everything, NOON, 100.0)

    wall.mark({"other"})
    due = [wall.due_at]
    wall.mark({"f"})
    due.append(wall.due_at)
    early = wall.paint(everything, NOON, 100.0 + FRAME / 2)
    then = wall.paint(everything, NOON, 100.0 + FRAME)
    due.append(wall.due_at)

    assert due == [None, 100.0 + FRAME, None]
    assert early == {}
    assert list(then) == [shown.tiles[0].element]


def test_a_window_for_a_comparison_with_last_week_is_not_a_week_of_samples() -> None:
    made = make_board()
    put(made, options={"compare": "7d"}, window=HOUR)

    (spec,) = read(made).specs

    assert (spec.window, spec.reach, spec.step) == (HOUR, 7 * DAY, MINUTE)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc", "Europe", ""])
def test_a_board_whose_zone_this_machine_does_not_know_is_said_in_utc(zone: str) -> None:
    assert read(make_board(time_zone=zone)).zone == ZoneInfo("UTC")
