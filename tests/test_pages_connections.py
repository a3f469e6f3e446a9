"""The page of connections: what staff see of every screen, over all processes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from dashboard.models import Audience
from tests.walls import make_board
from widgets import clock, processes
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.models import Process

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("staff", is_staff=True))
    return client


def told(**fields: Any) -> dict[str, Any]:
    now = clock.now()
    given = {
        "user": "", "address": "10.0.0.7", "browser": "Firefox 140, Linux", "way": "socket",
        "since": now - HOUR, "slug": "ops", "title": "Ops", "tile": None, "heard": now - SECOND,
        "behind": 0, "versions_behind": 0,
    }  # fmt: skip
    return given | fields


def process(name: str, *rows: dict[str, Any], count: int = 0, seen: int = 0) -> None:
    """A web process that told of these connections `seen` µs ago."""
    now = clock.now() - seen
    Process.objects.create(
        key=name, role="web", node="box", pid=int(name), build="1", started=1, seen=now
    )
    Audience.objects.create(process=name, seen=now, count=count or len(rows), rows=list(rows))


def text(client: Client) -> str:
    html = client.get("/connections/").content.decode()
    return " ".join(strip_tags(html.partition("<main")[2].replace("<", " <")).split())


def test_only_staff_see_it(stranger: Client, viewer: Client, staff: Client) -> None:
    assert stranger.get("/connections/").status_code == 302
    assert viewer.get("/connections/").status_code == 403
    assert staff.get("/connections/").status_code == 200
    assert "Connections" in staff.get("/walls/").content.decode()
    assert "Connections" not in viewer.get("/walls/").content.decode()


def test_each_screen_says_who_it_is_what_it_shows_and_whether_it_does(staff: Client) -> None:
    make_board()
    process("1", told(), told(user="viewer", way="events", tile=3, title="Load"))
    process("2", told(behind=2 * MINUTE, versions_behind=5 * MINUTE, address="10.0.0.8"))

    html = staff.get("/connections/").content.decode()
    said = text(staff)

    assert "3, as of " in said
    assert "anonymous 10.0.0.7 · Firefox 140, Linux Ops up to date said so 1 s ago" in said
    assert "WebSocket 1 h web 1 on box" in said
    assert "viewer 10.0.0.7 · Firefox 140, Linux Load up to date said so 1 s ago events" in said
    assert "◌ 2 min behind shows 5 min older than sent" in said
    assert said.index("10.0.0.8") < said.index("10.0.0.7"), "the furthest behind comes first"
    assert 'href="/d/ops/w/3/"' in html


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"heard": None}, "not known yet"),
        ({"heard": None, "behind": MINUTE}, "◌ 1 min behind never said what it shows"),
        ({"heard": 1, "behind": 0}, "◌ silent for"),
        ({"behind": SECOND}, "Ops up to date"),
    ],
)
def test_what_a_screen_shows_is_said_as_far_as_it_is_known(
    staff: Client, fields: dict[str, Any], expected: str
) -> None:
    process("1", told(**fields))

    assert expected in text(staff)


def test_what_does_not_fit_is_counted(staff: Client) -> None:
    process("1", *(told(user=f"user{n}", behind=n * SECOND) for n in range(150)), count=3000)
    process("2", *(told(behind=10 * SECOND) for n in range(150)), count=2000)

    said = text(staff)

    assert "first 200 of 5000" in said
    assert "user149" in said
    assert "user1 " not in said


def test_of_a_process_that_is_gone_it_says_so_and_shows_nothing(staff: Client) -> None:
    process("1", told(user="here"))
    process("2", told(user="lost"), count=40, seen=processes.ALIVE + 5 * SECOND)
    process("3", told(user="old"), seen=HOUR)
    process("4", count=0, seen=MINUTE)

    said = text(staff)

    assert "1, as of" in said
    assert "lost" not in said
    assert "web 2 on box was last heard of 20 s ago; its 40 connections are not shown." in said
    assert "web 3" not in said
    assert "web 4" not in said


def test_nobody_watches(staff: Client) -> None:
    assert "No page is open." in text(staff)


def test_what_strangers_say_of_themselves_is_text(staff: Client) -> None:
    process("1", told(browser="<script>alert(1)</script>", address="<b>"))

    html = staff.get("/connections/").content.decode()

    assert "<script>alert" not in html
    assert "&lt;b&gt;" in html


def test_it_costs_a_few_queries_however_many_watch(
    staff: Client, django_assert_max_num_queries: Any
) -> None:
    for n in range(1, 6):
        process(str(n), *(told() for _ in range(50)))

    with django_assert_max_num_queries(5):
        staff.get("/connections/")
