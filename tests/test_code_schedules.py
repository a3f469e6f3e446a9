"""Schedules in a dashboard's file: checked, applied, and written as they were read."""

from __future__ import annotations

import pytest

from dashboard.code.apply import apply_all, check_all
from dashboard.code.problem import BadFiles
from dashboard.code.write import write
from dashboard.models import Dashboard, Description
from widgets.clock import MINUTE, SECOND
from widgets.models import Feed

pytestmark = pytest.mark.django_db

BOARD = """\
dashboard: wall
feeds:
  report:
    source: host
    cron: "0 7 * * mon-fri"
    time_zone: Europe/Berlin
  quick:
    source: host
    interval: 5s
    unwatched: 1 min
  steady:
    source: host
"""


def changes(text: str, name: str = "wall.yaml") -> list[str]:
    return [str(change) for change in apply_all({name: text})]


def refused(old: str, new: str) -> list[str]:
    assert old in BOARD
    with pytest.raises(BadFiles) as caught:
        check_all({"wall.yaml": BOARD.replace(old, new)})
    return [str(problem) for problem in caught.value.problems]


def test_schedules_are_applied_and_come_back_as_they_were() -> None:
    changes(BOARD)

    report, quick = Feed.objects.get(name="report"), Feed.objects.get(name="quick")
    assert (report.interval, report.cron) == (None, "0 7 * * mon-fri")
    assert str(report.cadence) == "0 7 * * mon-fri Europe/Berlin"
    assert (quick.interval, quick.unwatched) == (5 * SECOND, MINUTE)
    assert str(Feed.objects.get(name="steady").cadence) == "every 2 s"

    written = write(Dashboard.objects.get(slug="wall"))
    assert "{source: host, cron: 0 7 * * mon-fri, time_zone: Europe/Berlin}" in written
    assert "{source: host, interval: 5 s, unwatched: 1 min}" in written
    assert changes(written) == []


def test_a_schedule_that_is_changed_is_said_as_it_was_and_as_it_will_be() -> None:
    changes(BOARD)

    daily = BOARD.replace("    interval: 5s\n    unwatched: 1 min", '    cron: "0 * * * *"')
    assert changes(daily) == [
        '~ feed quick: interval 5 s → none, unwatched 1 min → none, cron "" → "0 * * * *"'
    ]
    assert changes(BOARD) == [
        '~ feed quick: interval none → 5 s, unwatched none → 1 min, cron "0 * * * *" → ""'
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('cron: "0 7 * * mon-fri"', 'cron: "0 7 * *"',
         "wall.yaml:5: feeds.report.cron: '0 7 * *' is not five fields, which are minute, hour, "
         'day of month, month and day of week: "0 7 * * mon-fri" is at 7:00 on weekdays'),
        ('cron: "0 7 * * mon-fri"', 'cron: "0 0 31 2 *"',
         "wall.yaml:5: feeds.report.cron: '0 0 31 2 *' never comes true: no month has such a day"),
        ('cron: "0 7 * * mon-fri"', "interval: 10s",
         "wall.yaml:6: feeds.report.time_zone: it is that of cron, which is not given"),
        ('cron: "0 7 * * mon-fri"', "cron: 7",
         "wall.yaml:5: feeds.report.cron: text is expected, not 7; put it in quotes"),
        ("Europe/Berlin", "Europe/Belrin",
         "wall.yaml:5: feeds.report.cron: 'Europe/Belrin' is no time zone; write it as "
         "Europe/Berlin or UTC"),
        ("unwatched: 1 min", "unwatched: 5s",
         "wall.yaml:10: feeds.quick.unwatched: longer than the interval, which holds while "
         "somebody watches"),
        ("interval: 5s", 'cron: "* * * * *"',
         "wall.yaml:9: feeds.quick.cron: in place of an interval, and not beside one"),
        ('source: host\n    cron: "0 7', 'source: push\n    cron: "0 7',
         'wall.yaml:5: feeds.report.cron: "push" is not asked; `expect_every` is what it may say'),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused_where_it_stands(
    old: str, new: str, problem: str
) -> None:
    assert problem in refused(old, new)


def test_what_was_described_before_there_were_calendars_is_no_quarrel() -> None:
    changes(BOARD)
    for said in Description.objects.all():
        for key in ("cron", "time_zone", "unwatched"):
            said.said.pop(key)
        said.save()

    other = BOARD.replace("dashboard: wall", "dashboard: other").replace(
        "steady:\n    source: host", "steady:\n    source: host\n    interval: 30s"
    )
    with pytest.raises(BadFiles) as caught:
        changes(other, "other.yaml")

    [problem] = caught.value.problems
    assert "let both say the same of `interval`" in str(problem)
