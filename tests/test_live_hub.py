"""From a commit to every screen, also when messages are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock

import pytest
from channels.layers import get_channel_layer
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from dashboard.live import comparing, held, jobs
from dashboard.live import hub as hub_module
from dashboard.live.board import Key
from dashboard.live.hub import Hub
from dashboard.live.slot import Slot
from dashboard.models import Dashboard, Tile
from tests.feeds import arrive, make_feed
from tests.walls import DEADLINE, Screen, eventually, make_board, put
from widgets import clock, processes, publish, trouble
from widgets.clock import HOUR
from widgets.models import Feed, Widget


@pytest.fixture(autouse=True)
def far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing repairs everything, so it is out of the way of all that does not test it."""
    monkeypatch.setattr(comparing, "COMPARE_EVERY", 3600.0)


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch, far_apart: None) -> None:
    monkeypatch.setattr(comparing, "COMPARE_EVERY", 0.02)


def setting(**board: Any) -> tuple[Dashboard, Tile, Feed]:
    """A dashboard with one tile that shows one feed."""
    feed = make_feed()
    arrive(feed, {"a": 1}, at=clock.now())
    made = make_board(**board)
    return made, put(made), feed


def say(feed: Feed, value: float) -> None:
    arrive(feed, {"a": value}, at=clock.now())


async def watch(hub: Hub, board: Dashboard, session: str | None = None, **key: Any) -> Screen:
    screen = Screen()
    slot = Slot(screen, session)
    assert await hub.join(Key(board.pk, **key), slot)
    screen.sender = asyncio.create_task(slot.run())  # type: ignore[attr-defined]
    await screen.sees('id="wall"')
    return screen


def told(name: str) -> float:
    return processes._telling.tell(clock.now()).get(name, 0)


@contextmanager
def lost(monkeypatch: pytest.MonkeyPatch, which: Callable[[int], bool]) -> Iterator[None]:
    """The layer loses those messages, counted from 0, for which `which` says so."""
    send, sent = publish._send, iter(range(1_000_000))
    with monkeypatch.context() as patched:
        patched.setattr(
            publish, "_send", lambda *message: None if which(next(sent)) else send(*message)
        )
        yield


async def test_a_socket_first_gets_a_heartbeat_and_everything_there_is(hub: Hub) -> None:
    board, tile, _ = await hub.query(setting)

    screen = await watch(hub, board)

    assert screen.frames[0].startswith('{"type": "heartbeat", "now": ')
    for element in ("wall", "status", "title"):
        assert f'<hx-partial id="{element}">' in screen.frames[1]
    assert f'<article id="w{tile.pk}"' in screen.frames[1]


async def test_a_change_is_drawn_once_and_is_the_same_text_for_every_socket(hub: Hub) -> None:
    board, tile, feed = await hub.query(setting)
    screens = [await watch(hub, board) for _ in range(20)]
    wall = hub.walls[Key(board.pk)]
    before = wall.renders

    await hub.query(say, feed, 42.5)
    for screen in screens:
        await screen.sees("42.5")

    assert wall.renders == before + 1
    last = {id(screen.frames[-1]) for screen in screens}
    assert len(last) == 1
    assert screens[0].frames[-1].startswith(f'<hx-partial id="w{tile.pk}"><article id="w{tile.pk}"')
    assert 'id="wall"' not in screens[0].frames[-1]


async def test_a_wall_says_that_nothing_is_recorded_until_it_is_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _, _ = await hub.query(setting)
    screen = await watch(hub, board)

    trouble.failed("pulse", "full")
    await screen.sees("<b>Nothing is recorded</b> <small>the disk of the database is full")
    late = await watch(hub, board)
    assert "Nothing is recorded" in late.frames[1]
    trouble.wrote("pulse")

    def calm(screen: Screen) -> bool:
        return 'id="status"' in (last := screen.frames[-1]) and "Nothing is recorded" not in last

    await screen.until(calm)


async def test_many_sockets_at_once_load_a_board_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _, _ = await hub.query(setting)
    load = Mock(side_effect=held.load)
    monkeypatch.setattr(held, "load", load)

    await asyncio.gather(*(watch(hub, board) for _ in range(20)))

    assert load.call_count == 1


async def test_a_reader_that_stalls_delays_nobody_and_then_gets_the_latest(hub: Hub) -> None:
    board, _, feed = await hub.query(setting)
    slow, quick = await watch(hub, board), await watch(hub, board)
    slow.reading.clear()

    for value in (11.5, 12.5, 13.5, 14.5):
        await hub.query(say, feed, value)
        await quick.sees(str(value))
    slow.reading.set()
    await slow.sees("14.5")

    # The one that was being sent when it stalled, and the newest.
    assert sum("partial" in frame for frame in slow.frames[2:]) <= 2


async def test_a_message_that_does_not_follow_makes_it_load_the_feed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)
    before = told("reloads")

    with lost(monkeypatch, lambda n: n == 0):
        await hub.query(say, feed, 21.5)
        await hub.query(say, feed, 22.5)
        await screen.sees("22.5")

    assert told("reloads") == before + 1
    window = next(iter(hub.held.windows.values()))
    assert window.last == [1, 21.5, 22.5]


async def test_a_message_too_large_to_be_sent_whole_makes_it_load_the_feed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "MOST_BYTES", 10)
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)

    await hub.query(say, feed, 21.5)

    await screen.sees("21.5")


async def test_what_the_layer_lost_is_found_by_comparing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    board, _, feed = await hub.query(setting)
    before = told("repairs")
    screen = await watch(hub, board)

    with lost(monkeypatch, lambda n: True):
        await hub.query(say, feed, 31.5)
        await screen.sees("31.5")

    assert told("repairs") >= before + 1


async def test_with_every_third_message_lost_each_screen_ends_right(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)

    with lost(monkeypatch, lambda n: n % 3 == 0):
        for i in range(1, 11):
            await hub.query(say, feed, 10.5 + i)
        await screen.sees("20.5")

    window = next(iter(hub.held.windows.values()))
    assert window.last == [1, *(10.5 + i for i in range(1, 11))]


async def test_an_old_message_and_one_delivered_twice_change_nothing(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)
    messages = Mock(side_effect=publish.publish_feed)
    monkeypatch.setattr(publish, "publish_feed", messages)
    await hub.query(say, feed, 21.5)
    await hub.query(say, feed, 22.5)
    await screen.sees("22.5")

    for call in messages.call_args_list[:]:
        publish.publish_feed(*call.args)
    await hub.query(say, feed, 23.5)
    await screen.sees("23.5")

    assert next(iter(hub.held.windows.values())).last == [1, 21.5, 22.5, 23.5]


async def test_what_is_committed_while_a_board_is_loaded_is_not_missed(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, _, feed = await hub.query(setting)
    load = held.load

    def slowly(*args: Any) -> held.Held:
        loaded = load(*args)
        monkeypatch.setattr(held, "load", load)
        say(feed, 77.5)
        return loaded

    monkeypatch.setattr(held, "load", slowly)
    screen = await watch(hub, board)

    await screen.sees("77.5")
    assert next(iter(hub.held.windows.values())).last == [1, 77.5]


async def test_an_edited_widget_is_drawn_anew_and_the_rest_left_alone(hub: Hub) -> None:
    board, tile, _ = await hub.query(setting)
    other = await hub.query(put, board, x=3)
    screen = await watch(hub, board)

    def edit() -> None:
        widget = Widget.objects.get(pk=tile.widget_id)
        widget.title = "Renamed"
        widget.save()

    await hub.query(edit)
    await screen.sees("Renamed")

    assert f'id="w{other.pk}"' not in screen.frames[-1]


async def test_a_tile_that_moves_brings_the_whole_grid(hub: Hub) -> None:
    board, tile, _ = await hub.query(setting)
    screen = await watch(hub, board)

    await hub.query(Tile(pk=tile.pk, dashboard=board, widget=tile.widget, x=5, y=1, width=4,
                         height=3, revision=tile.revision).save)  # fmt: skip

    await screen.sees('<section class="tile c-5 r-1 w-4 h-3">')
    assert '<hx-partial id="wall">' in screen.frames[-1]


async def test_a_new_tile_shows_a_feed_that_nobody_watched(hub: Hub) -> None:
    board, _, _ = await hub.query(setting)
    screen = await watch(hub, board)
    feed = await hub.query(make_feed, "g")
    await hub.query(say, feed, 55.5)

    await hub.query(put, board, "g", x=3)

    await screen.sees("55.5")


async def test_a_feed_made_later_appears_where_a_pattern_wants_it(hub: Hub) -> None:
    board = await hub.query(make_board)
    await hub.query(put, board, "check.*")
    screen = await watch(hub, board)

    feed = await hub.query(make_feed, "check.web")
    await hub.query(say, feed, 99.5)

    await screen.sees("99.5")


async def test_a_feed_that_is_deleted_leaves_its_tile(hub: Hub) -> None:
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)

    await hub.query(feed.delete)

    await screen.sees("no feed is named f")


async def test_a_dashboard_that_is_deleted_closes_its_sockets(hub: Hub) -> None:
    board, _, _ = await hub.query(setting)
    screen = await watch(hub, board)

    await hub.query(board.delete)

    assert await screen.is_closed() == 4404


async def test_a_dashboard_that_is_public_no_more_asks_strangers_to_sign_in(hub: Hub) -> None:
    board, _, _ = await hub.query(setting)
    screen = await watch(hub, board)
    board.public = False

    await hub.query(board.save)

    assert await screen.is_closed() == 4401


def sign_in() -> tuple[User, str]:
    user = User.objects.create_user("viewer")
    client = Client()
    client.force_login(user)
    return user, str(client.session.session_key)


def close_account(user: User) -> None:
    user.is_active = False
    user.save()


def change_password(user: User) -> None:
    user.set_password("another")
    user.save()


@pytest.mark.parametrize(
    "end",
    [
        pytest.param(lambda user: Session.objects.get().delete(), id="signed out"),
        pytest.param(close_account, id="account closed"),
        pytest.param(change_password, id="password changed"),
        pytest.param(lambda user: user.delete(), id="user deleted"),
    ],
)
async def test_whoever_may_see_no_more_is_closed(hub: Hub, end: Callable[[User], object]) -> None:
    board, _, _ = await hub.query(setting, public=False)
    user, session = await hub.query(sign_in)
    screen = await watch(hub, board, session)

    await hub.query(end, user)

    assert await screen.is_closed() in {4401, 4403}


async def test_whoever_may_see_stays_when_others_go(hub: Hub) -> None:
    board, _, feed = await hub.query(setting, public=False)
    _, session = await hub.query(sign_in)
    stays = await watch(hub, board, session)
    goes = await watch(hub, board, "no such session")

    hub.comparer.wake()
    assert await goes.is_closed() == 4401
    await hub.query(say, feed, 61.5)

    await stays.sees("61.5")
    assert stays.code is None


async def test_a_tile_that_cannot_be_read_says_so_and_the_others_go_on(hub: Hub) -> None:
    board, _, feed = await hub.query(setting)
    broken = await hub.query(put, board, x=3)
    await hub.query(Widget.objects.filter(pk=broken.widget_id).update, shows="nonsense")

    screen = await watch(hub, board)
    await hub.query(say, feed, 71.5)

    await screen.sees("71.5")
    assert "cannot be drawn: shows: a list is expected" in screen.fragments[0]


async def test_a_job_of_the_hub_that_fails_begins_again(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "PAUSE", 0.0)
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)
    load, failures = held.load, iter([True])

    def flaky(*args: Any) -> held.Held:
        if next(failures, False):
            raise OSError("the disk is gone")
        return load(*args)

    monkeypatch.setattr(held, "load", flaky)
    monkeypatch.setattr(publish, "MOST_BYTES", 10)
    await hub.query(say, feed, 81.5)

    await screen.sees("81.5")
    assert "The hub's loading failed; it begins again" in caplog.text


async def test_a_board_nobody_watches_is_forgotten_with_its_feeds(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, often: None
) -> None:
    monkeypatch.setattr(comparing, "LINGER", 0.0)
    board, _, feed = await hub.query(setting)
    slot = Slot(Screen())
    await hub.join(Key(board.pk), slot)
    group = publish.feed_group(feed.pk)
    await eventually(lambda: group in get_channel_layer().groups)

    hub.leave(Key(board.pk), slot)
    await eventually(lambda: group not in get_channel_layer().groups)

    assert publish.CATALOGUE in get_channel_layer().groups
    assert (hub.walls, hub.held.feeds, hub.held.windows) == ({}, {}, {})


async def test_tiles_that_show_the_same_series_share_its_window(hub: Hub) -> None:
    board, _, _ = await hub.query(setting)
    await hub.query(put, board, x=3, kind="line")
    await hub.query(put, board, x=6, window=2 * HOUR)

    await watch(hub, board)

    assert [step for _, step in hub.held.windows] == [0]
    assert list(hub.held.reach.values()) == [2 * HOUR]


async def test_a_series_that_ends_is_forgotten_and_comes_back_whole(hub: Hub) -> None:
    board, _, feed = await hub.query(setting)
    screen = await watch(hub, board)

    await hub.query(arrive, feed, {"b": 52.5}, clock.now(), complete=True)
    await screen.sees("52.5")
    await eventually(lambda: len(hub.held.windows) == 1)
    assert list(hub.held.feeds[feed.pk].series) == ["b"]
    assert hub.held.reach.keys() == hub.held.windows.keys()

    await hub.query(say, feed, 63.5)
    await eventually(lambda: [1, 63.5] in [w.last for w in hub.held.windows.values()])
    assert set(hub.held.feeds[feed.pk].series) == {"a", "b"}


async def test_one_tile_by_itself_is_sent_with_its_table(hub: Hub) -> None:
    board, tile, feed = await hub.query(setting)
    await hub.query(put, board, x=3)

    screen = await watch(hub, board, tile=tile.pk)
    await hub.query(say, feed, 91.5)
    await screen.sees("91.5")

    assert screen.fragments[0].count("<article") == 1
    assert '<hx-partial id="facts"><div id="facts">' in screen.fragments[-1]


async def test_of_a_board_that_is_not_there_nothing_is_held(hub: Hub) -> None:
    board, _, _ = await hub.query(setting)

    assert not await hub.join(Key(board.pk, 12345), Slot(Screen()))
    assert not await hub.join(Key(12345), Slot(Screen()))

    assert hub.walls == {}


async def test_a_heartbeat_reaches_every_socket(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "HEARTBEAT_EVERY", 0.01)
    board, _, _ = await hub.query(setting)
    beating = asyncio.create_task(hub.beat())

    screen = await watch(hub, board)
    await screen.until(lambda s: sum("heartbeat" in frame for frame in s.frames) >= 3)

    beating.cancel()


@pytest.mark.parametrize("steps", range(6))
async def test_it_ends_also_in_the_moment_it_is_told_of_something(
    transactional_db: None, steps: int
) -> None:
    hub = hub_module.current()
    await eventually(lambda: publish.CATALOGUE in hub.groups.joined)

    hub.comparer.wake()
    hub.groups.want({"more"})
    for _ in range(steps):
        await asyncio.sleep(0)

    async with asyncio.timeout(DEADLINE):
        await hub.stop()
