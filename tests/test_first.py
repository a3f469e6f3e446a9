"""The first board: what it shows, when it is applied, and how it follows the wall's port."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from dashboard import first
from dashboard.code.apply import apply_all
from dashboard.code.write import write
from dashboard.models import Dashboard, Tile
from widgets.models import Feed, Widget

pytestmark = pytest.mark.django_db

ADDRESS = "http://127.0.0.1:9000"


def asked() -> str:
    return str(Feed.objects.get(name=first.SELF).options["url"])


def test_it_shows_eight_kinds_on_a_dozen_tiles_to_everybody() -> None:
    first.apply_first()

    board = Dashboard.objects.get()
    assert (board.slug, board.public, board.first) == ("this-machine", True, True)
    assert Tile.objects.count() == 12
    assert set(Widget.objects.values_list("kind", flat=True)) == {
        "bars", "clock", "gauge", "line", "stat", "status", "table", "text",
    }  # fmt: skip
    assert set(Feed.objects.values_list("source", flat=True)) == {"host", "http", "watchwall"}


def test_its_tiles_leave_no_hole() -> None:
    first.apply_first()

    covered = {
        (x, y)
        for tile in Tile.objects.all()
        for x in range(tile.x, tile.x + tile.width)
        for y in range(tile.y, tile.y + tile.height)
    }
    assert covered == {(x, y) for x in range(12) for y in range(8)}


def test_it_is_applied_only_where_there_is_no_dashboard() -> None:
    Dashboard.objects.create(slug="mine", title="Mine")

    assert first.apply_first() == []
    assert not Feed.objects.exists()


def test_its_export_applies_to_no_change() -> None:
    first.apply_first(ADDRESS)

    assert apply_all({"f": write(Dashboard.objects.get())}) == []


def test_the_wall_asks_itself_at_the_address_it_has_now() -> None:
    first.apply_first(ADDRESS)
    assert asked() == "http://127.0.0.1:9000/login/"

    assert not first.follow(ADDRESS)
    assert first.follow("http://[::1]:9001")

    assert asked() == "http://[::1]:9001/login/"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8000/login/",
        "http://127.0.0.1:8000/",
        "http://example.org/login/",
        "http://[/login/",
        "${env:WATCHWALL_SECRET_URL}",
    ],
)
def test_what_people_made_of_the_check_is_left_alone(url: str) -> None:
    first.apply_first()
    feed = Feed.objects.get(name=first.SELF)
    feed.options = {"url": url}
    feed.save()

    assert not first.follow(ADDRESS)
    assert asked() == url


def test_a_wall_without_the_check_has_nothing_to_follow() -> None:
    assert not first.follow(ADDRESS)


def test_the_command_makes_it_once_and_then_follows() -> None:
    said = []
    for port in (8000, 8000, 9000):
        out = StringIO()
        call_command("dashboard", "first", "--address", f"http://127.0.0.1:{port}/", stdout=out)
        said.append(out.getvalue())

    assert said == [
        "made the first board, This machine\n",
        "",
        "the check of this wall now asks http://127.0.0.1:9000\n",
    ]
