"""What is said of files that cannot be taken: file, line, key, what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django import forms

from dashboard.code.apply import apply_all, check_all
from dashboard.code.problem import BadFiles
from dashboard.models import Dashboard, Tile
from tests.feeds import make_feed
from widgets.kinds import Kind, kinds
from widgets.models import Feed, Widget
from widgets.options import BadOptions, BoolField, Options, read
from widgets.sources import Source, sources

pytestmark = pytest.mark.django_db


class DialOptions(Options):
    most = forms.IntegerField(initial=100, min_value=1)
    legend = BoolField(initial=True)


class Dial(Kind):
    slug = "dial"
    label = "Dial"
    Options = DialOptions
    size = (2, 4)


class ProbeOptions(Options):
    url = forms.CharField()
    token = forms.CharField(required=False)


class Probe(Source):
    slug = "probe"
    label = "Probe"
    Options = ProbeOptions


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with kinds.added(Dial()), sources.added(Probe()):
        yield


def said(*texts: str) -> list[str]:
    files = {f"{chr(97 + i)}.yaml": text for i, text in enumerate(texts)}
    with pytest.raises(BadFiles) as caught:
        check_all(files)
    return [str(problem) for problem in caught.value.problems]


WHOLE = """\
dashboard: wall
feeds:
  web:
    source: probe
    options: {url: x}
tiles:
  - at: [0, 0, 3, 2]
    widget: dial
    kind: dial
    shows: {feed: web}
"""


def test_a_whole_file_is_taken() -> None:
    assert len(check_all({"a.yaml": WHOLE})) == 4


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "kind: dial",
            "kind: dail",
            'a.yaml:9: tiles[0].kind: no widget kind "dail"; did you mean "dial"?',
        ),
        (
            "source: probe",
            "source: prob",
            'a.yaml:4: feeds.web.source: no source "prob"; did you mean "probe"?',
        ),
        (
            "feed: web",
            "feed: wbe",
            'a.yaml:10: tiles[0].shows[0].feed: no feed matches "wbe"; did you mean "web"?',
        ),
        (
            "dashboard: wall",
            "dashbord: wall",
            "a.yaml:1: dashboard: a name is expected, such as `dashboard: wall`",
        ),
        (
            "dashboard: wall",
            "dashboard: a wall",
            "a.yaml:1: dashboard: Enter a valid “slug” consisting of letters, numbers, "
            "underscores or hyphens.",
        ),
        (
            "dashboard: wall",
            "dashboard: 12",
            "a.yaml:1: dashboard: text is expected, not 12; put it in quotes",
        ),
        (
            "dashboard: wall",
            "dashboard: wall\npublik: true",
            'a.yaml:2: publik: unknown key; did you mean "public"?',
        ),
        (
            "dashboard: wall",
            "dashboard: wall\npublic: yes",
            'a.yaml:2: public: true or false is expected, not "yes"',
        ),
        (
            "dashboard: wall",
            "dashboard: wall\ntime_zone: Europe/Berlln",
            "a.yaml:2: time_zone: 'Europe/Berlln' is no time zone",
        ),
        (
            "dashboard: wall",
            "dashboard: wall\ntheme: drak",
            'a.yaml:2: theme: "drak" is not known here; did you mean "dark"?',
        ),
        (
            "options: {url: x}",
            "options: {url: x, tokn: y}",
            'a.yaml:5: feeds.web.options.tokn: unknown option; did you mean "token"?',
        ),
        (
            "options: {url: x}",
            "options:\n      token: y",
            "a.yaml:5: feeds.web.options.url: This field is required.",
        ),
        (
            "options: {url: x}",
            "options:\n      url: x\n      token: ${env:HOME}",
            "a.yaml:7: feeds.web.options.token: ${env:HOME} cannot be read; "
            "only names that begin with WATCHWALL_SECRET_",
        ),
        (
            "options: {url: x}",
            "options: {url: x}\n    interval: 12:30",
            "a.yaml:6: feeds.web.interval: '12:30' is no duration; write 10s, 5 min, 1h30m or 7d",
        ),
        (
            "options: {url: x}",
            "options: {url: x}\n    interval: 100ms",
            "a.yaml:6: feeds.web.interval: a polled feed needs an interval of 1 s or more, or cron",
        ),
        (
            "options: {url: x}",
            "options: {url: x}\n    thresholds:\n      - series: a\n        warning_abov: 1",
            "a.yaml:8: feeds.web.thresholds[0].warning_abov: unknown key; "
            'did you mean "warning_above"?',
        ),
        (
            "options: {url: x}",
            "options: {url: x}\n    keep: {raw: 7d, hour: 1d}",
            'a.yaml:6: feeds.web.keep.hour: unknown key; did you mean "hours"?',
        ),
        (
            "source: probe\n    options: {url: x}",
            "source: push\n    interval: 5s",
            'a.yaml:5: feeds.web.interval: "push" is not asked; `expect_every` is what it may say',
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: [10, 0, 3, 2]",
            "a.yaml:7: tiles[0].at: x 10 and width 3 are more than the 12 columns",
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: [0, 23, 3, 2]",
            "a.yaml:7: tiles[0].at: y 23 and height 2 are more than the 24 rows",
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: [0, 0, 0, 2]",
            "a.yaml:7: tiles[0].at: width and height are at least 1",
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: [0, -1, 3, 2]",
            "a.yaml:7: tiles[0].at: a whole number from 0 up is expected, not -1",
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: {x: 0, widht: 3, y: 0}",
            'a.yaml:7: tiles[0].at.widht: unknown key; did you mean "width"?',
        ),
        (
            "at: [0, 0, 3, 2]",
            "at: here",
            "a.yaml:7: tiles[0].at: [x, y, width, height] is expected, such as [0, 0, 3, 2]",
        ),
        (
            "    kind: dial\n    shows: {feed: web}\n",
            "",
            'a.yaml:8: tiles[0].widget: no tile of this file describes a widget "dial"',
        ),
        (
            "    shows: {feed: web}\n",
            "  - at: [2, 1, 3, 2]\n    widget: dial\n",
            'a.yaml:10: tiles[1].at: it overlaps tiles[0] ("dial")',
        ),
        (
            "    shows: {feed: web}\n",
            "  - at: [3, 0, 3, 2]\n    widget: dial\n    title: Again\n    kind: dial\n",
            'a.yaml:11: tiles[1].widget: "dial" is described already, on line 8; '
            "its key alone is enough here",
        ),
        (
            "    shows: {feed: web}\n",
            "    shows: {feed: web, unit: 3}\n",
            "a.yaml:10: tiles[0].shows[0].unit: text is expected",
        ),
        (
            "    shows: {feed: web}\n",
            "    over_time: men\n",
            'a.yaml:10: tiles[0].over_time: "men" is not known here; did you mean "mean"?',
        ),
        (
            "feeds:\n  web:\n    source: probe\n    options: {url: x}\n",
            "feeds: web\n",
            "a.yaml:2: feeds: names to what they are is expected",
        ),
    ],
)
def test_a_problem_names_file_line_key_and_what_was_expected(
    old: str, new: str, problem: str
) -> None:
    text = WHOLE.replace(old, new)
    assert text != WHOLE

    assert problem in said(text)


def test_all_problems_of_all_files_are_said_at_once_and_by_line() -> None:
    one = WHOLE.replace("kind: dial", "kind: dail").replace("feed: web", "feed: wbe")
    other = "dashboard: other\ndashboard: again\n"

    found = said(one.replace("source: probe", "source: prob"), other)

    assert [line.split(": ")[0] for line in found] == [
        "a.yaml:4",
        "a.yaml:9",
        "a.yaml:10",
        "b.yaml:2",
    ]


def test_nothing_is_applied_in_part() -> None:
    bad = WHOLE.replace("dashboard: wall", "dashboard: other").replace("kind: dial", "kind: d")

    with pytest.raises(BadFiles):
        apply_all({"a.yaml": WHOLE, "b.yaml": bad})

    models: list[Any] = [Dashboard, Tile, Widget, Feed]
    assert [model.objects.count() for model in models] == [0, 0, 0, 0]


def test_a_pattern_may_match_feeds_of_the_database_and_of_the_other_file() -> None:
    make_feed("handed.in")
    board = WHOLE.replace("dashboard: wall", "dashboard: two").replace("dial\n", "dial2\n", 1)
    board = board.replace("feed: web", "feed: handed.*").replace("  web:", "  web2:")
    third = "dashboard: three\ntiles: [{at: [0, 0], widget: w, kind: dial, shows: {feed: web2}}]"

    assert check_all({"a.yaml": WHOLE, "b.yaml": board, "c.yaml": third})


def test_a_feed_with_brackets_in_its_name_is_shown_by_that_name() -> None:
    text = WHOLE.replace("  web:", '  "disk[0]":').replace("feed: web", 'feed: "disk[0]"')

    assert len(check_all({"a.yaml": text})) == 4


@pytest.mark.parametrize("private_in", ["file", "database"])
@pytest.mark.parametrize("pattern", ["web", "w*"])
def test_a_private_feed_is_refused_on_a_public_dashboard(private_in: str, pattern: str) -> None:
    text = WHOLE.replace("feeds:", "public: true\nfeeds:").replace("feed: web", f"feed: {pattern}")
    if private_in == "database":
        make_feed("web", private=True)
    else:
        text = text.replace("    source: probe", "    private: true\n    source: probe")

    line = 11 if private_in == "database" else 12

    assert said(text) == [
        f'a.yaml:{line}: tiles[0].shows[0].feed: "web" is private and this dashboard is public'
    ]


def test_two_files_for_one_dashboard_are_an_error() -> None:
    assert said(WHOLE, WHOLE) == ['b.yaml:1: dashboard: "wall" is described by a.yaml too']


def test_a_tile_without_a_size_has_the_usual_one_of_its_kind() -> None:
    apply_all({"a.yaml": WHOLE.replace("[0, 0, 3, 2]", "[1, 2]")})

    tile = Tile.objects.get()
    assert (tile.x, tile.y, tile.width, tile.height) == (1, 2, 2, 4)


@pytest.mark.parametrize(
    ("given", "meant"), [("no", False), ("off", False), (False, False), ("yes", True), (True, True)]
)
def test_a_no_in_an_option_is_a_no(given: object, meant: bool) -> None:
    assert read(DialOptions, {"legend": given})["legend"] is meant


def test_what_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(BadOptions, match="'perhaps' is neither true nor false"):
        read(DialOptions, {"legend": "perhaps"})
