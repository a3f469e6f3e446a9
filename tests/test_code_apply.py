"""Files to the database and back: what changes, what stays, who may say what."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from dashboard.code.apply import apply_all, check_all
from dashboard.code.problem import BadFiles
from dashboard.code.write import write
from dashboard.models import Dashboard, Tile
from tests.feeds import arrive
from tests.test_code_check import Dial, Probe
from tests.test_settings import manage
from widgets.clock import DAY, MINUTE, SECOND
from widgets.kinds import kinds
from widgets.models import Feed, Sample, Widget
from widgets.sources import sources

pytestmark = pytest.mark.django_db

BOARD = """\
dashboard: wall
title: The wall
public: true
time_zone: Europe/Berlin
feeds:
  web shop:
    source: probe
    interval: 10s
    timeout: 3s
    options:
      url: "https://example.org/?a=${env:WATCHWALL_SECRET_A}"
      token: ${env:WATCHWALL_SECRET_TOKEN}
    thresholds: {series: cpu, warning_above: 75}
    keep: {raw: 3d}
  handed.in:
    source: push
    expect_every: 5 min
tiles:
  - at: [0, 0, 3, 2]
    widget: cpu
    title: "CPU: all"
    kind: dial
    shows: {feed: web shop, series: cpu}
    over_time: mean
    window: 15 min
    options: {most: 90}
  - at: {x: 3, y: 0, width: 3, height: 2}
    widget: both
    kind: dial
    shows:
      - {feed: handed.*}
      - {feed: web shop, name: "12:30"}
  - at: [6, 0, 3, 2]
    widget: cpu
"""


@pytest.fixture(autouse=True)
def registered() -> object:
    with kinds.added(Dial()), sources.added(Probe()):
        yield


def apply(*texts: str) -> list[str]:
    return [str(c) for c in apply_all({f"{chr(97 + i)}.yaml": t for i, t in enumerate(texts)})]


def refused(*texts: str) -> list[str]:
    with pytest.raises(BadFiles) as caught:
        apply(*texts)
    return [str(problem) for problem in caught.value.problems]


def revisions() -> dict[str, int]:
    rows = [*Feed.objects.all(), *Widget.objects.all(), *Dashboard.objects.all()]
    return {f"{type(row).__name__} {row.pk}": row.revision for row in [*rows, *Tile.objects.all()]}


def test_a_file_makes_what_it_describes_and_says_so() -> None:
    lines = apply(BOARD)

    assert lines == [
        "+ feed web shop",
        "+ feed handed.in",
        "+ widget cpu",
        "+ widget both",
        "+ dashboard wall",
        "+ tile cpu: 0, 0, 3 × 2",
        "+ tile both: 3, 0, 3 × 2",
        "+ tile cpu: 6, 0, 3 × 2",
    ]
    feed = Feed.objects.get(name="web shop")
    assert (feed.interval, feed.timeout, feed.keep_raw) == (10 * SECOND, 3 * SECOND, 3 * DAY)
    assert feed.thresholds == [{"series": "cpu", "warning_above": 75}]
    widget = Widget.objects.get(key="cpu")
    assert (widget.title, widget.over_time, widget.window) == ("CPU: all", "mean", 15 * MINUTE)
    assert widget.shows == [{"feed": "web shop", "series": "cpu"}]
    assert widget.tiles.count() == 2
    assert Dashboard.objects.get().time_zone == "Europe/Berlin"


def test_applying_twice_changes_nothing() -> None:
    apply(BOARD)
    before = revisions()

    assert apply(BOARD) == []
    assert revisions() == before


def test_checking_changes_nothing() -> None:
    assert len(check_all({"a.yaml": BOARD})) == 8

    assert not Feed.objects.exists()
    assert not Dashboard.objects.exists()


def test_only_rows_that_change_get_a_new_revision() -> None:
    apply(BOARD)
    before = revisions()

    lines = apply(
        BOARD.replace("interval: 10s", "interval: 30s")
        .replace('"CPU: all"', "CPU")
        .replace("{most: 90}", "{most: 80}")
        .replace("at: [6, 0, 3, 2]", "at: [6, 2, 3, 2]")
    )

    assert lines == [
        "~ feed web shop: interval 10 s → 30 s",
        '~ widget cpu: title "CPU: all" → "CPU", options',
        "~ tile cpu: 6, 0, 3 × 2 → 6, 2, 3 × 2",
    ]
    after = revisions()
    risen = {key.split()[0] for key in after if after[key] > before[key]}
    assert sum(after[key] > before[key] for key in after) == 3
    assert risen == {"Feed", "Widget", "Tile"}


def test_a_tile_that_goes_takes_its_widget_with_it_but_never_a_feed() -> None:
    apply(BOARD)
    arrive(Feed.objects.get(name="handed.in"), {"a": 1})
    kept = Tile.objects.get(x=0).pk

    lines = apply(
        BOARD[: BOARD.index("  - at: {x: 3")].replace(
            "  handed.in:\n    source: push\n    expect_every: 5 min\n", ""
        )
    )

    assert lines == [
        "- tile both: 3, 0, 3 × 2",
        "- tile cpu: 6, 0, 3 × 2",
        "- widget both: no tile shows it any more",
    ]
    assert [tile.pk for tile in Tile.objects.all()] == [kept]
    assert [widget.key for widget in Widget.objects.all()] == ["cpu"]
    assert Feed.objects.filter(name="handed.in").exists()
    assert Sample.objects.count() == 1


def test_a_widget_that_another_dashboard_shows_stays() -> None:
    apply(BOARD)
    other = Dashboard.objects.create(slug="other", title="Other")
    both = Widget.objects.get(key="both")
    Tile.objects.create(dashboard=other, widget=both, x=0, y=0, width=2, height=2)

    lines = apply(BOARD[: BOARD.index("  - at: {x: 3")])

    assert "- tile both: 3, 0, 3 × 2" in lines
    assert Widget.objects.filter(key="both").exists()


def test_what_a_file_is_silent_on_stays_hidden_and_paused() -> None:
    apply(BOARD.replace("public: true\n", ""))
    feed = Feed.objects.get(name="handed.in")
    feed.private = feed.paused = True
    feed.save()

    assert apply(BOARD.replace("public: true\n", "")) == []
    spoken = BOARD.replace("source: push", "source: push\n    private: false\n    paused: false")
    assert apply(spoken) == ["~ feed handed.in: private yes → no, paused yes → no", *DASH_PUBLIC]


DASH_PUBLIC = ["~ dashboard wall: public no → yes"]

OTHER = """\
dashboard: other
feeds:
  web shop:
    source: probe
    options: {url: x}
    interval: 5s
tiles:
  - {at: [0, 0], widget: mine, kind: dial, shows: {feed: web shop}}
"""


def test_a_feed_that_two_files_describe_differently_is_an_error() -> None:
    message = (
        'b.yaml:3: feeds.web shop: feed "web shop" is described differently by a.yaml: '
        "let both say the same of `interval` and apply them together"
    )

    assert refused(BOARD, OTHER) == [message]
    assert not Feed.objects.exists()


def test_so_is_one_that_the_file_of_another_dashboard_described_before() -> None:
    apply(BOARD)

    found = refused(OTHER)

    assert found == [
        'a.yaml:3: feeds.web shop: feed "web shop" is described differently by the dashboard '
        '"wall": let both say the same of `interval` and apply them together'
    ]
    assert not Dashboard.objects.filter(slug="other").exists()


def test_a_widget_that_two_files_describe_differently_is_an_error_too() -> None:
    apply(BOARD)
    text = "dashboard: other\ntiles:\n  - {at: [0, 0], widget: cpu, kind: dial}\n"

    assert refused(text)[0].startswith(
        'a.yaml:3: tiles[0].widget: widget "cpu" is described differently by the dashboard "wall"'
    )


def same_feed(interval: str) -> tuple[str, str]:
    """Two files that describe one feed alike."""
    feed = BOARD[BOARD.index("  web shop:") : BOARD.index("  handed.in:")]
    other = f"dashboard: other\nfeeds:\n{feed}"
    return BOARD.replace("10s", interval), other.replace("10s", interval)


def test_two_files_may_share_a_feed_and_change_it_together() -> None:
    apply(*same_feed("10s"))

    alone = refused(same_feed("20s")[0])
    lines = apply(*same_feed("20s"))

    assert len(alone) == 1
    assert lines == ["~ feed web shop: interval 10 s → 20 s"]
    assert apply(*same_feed("20s")) == []


def test_a_file_that_no_longer_describes_a_feed_has_no_more_say_in_it() -> None:
    apply(*same_feed("10s"))
    apply("dashboard: other\n")

    assert apply(same_feed("20s")[0]) == ["~ feed web shop: interval 10 s → 20 s"]


def test_an_edit_in_the_admin_is_put_back_by_the_file_that_describes_the_feed() -> None:
    apply(BOARD)
    feed = Feed.objects.get(name="web shop")
    feed.interval = 20 * SECOND
    feed.save()

    assert apply(BOARD) == ["~ feed web shop: interval 20 s → 10 s"]


def test_a_widget_may_move_from_one_dashboard_to_another() -> None:
    apply(BOARD, "dashboard: other\n")
    key = Widget.objects.get(key="both").pk
    start, end = BOARD.index("  - at: {x: 3"), BOARD.index("  - at: [6, 0")
    moved = "dashboard: other\ntiles:\n" + BOARD[start:end]

    lines = apply(BOARD[:start] + BOARD[end:], moved)

    assert lines == ["- tile both: 3, 0, 3 × 2", "+ tile both: 3, 0, 3 × 2"]
    assert Widget.objects.get(key="both").pk == key


def test_an_export_applies_to_no_change_and_keeps_secrets_as_references(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_TOKEN", "hunter2")
    apply(BOARD)
    Feed.objects.filter(name="handed.in").update(paused=True, keep_hours=DAY, node="a b")

    text = write(Dashboard.objects.get())

    assert apply(text) == []
    assert write(Dashboard.objects.get()) == text
    assert "${env:WATCHWALL_SECRET_TOKEN}" in text
    assert "hunter2" not in text
    assert "interval: 10 s\n" in text


def test_an_export_has_a_shown_feed_with_brackets_in_its_name() -> None:
    Feed.objects.create(name="disk[0]", source="push")
    apply("dashboard: d\ntiles: [{at: [0, 0], widget: w, kind: dial, shows: {feed: 'disk[0]'}}]")

    assert "disk[0]" in write(Dashboard.objects.get()).split("tiles:")[0]


def test_an_export_makes_the_same_dashboard_elsewhere() -> None:
    apply(BOARD)
    text = write(Dashboard.objects.get())
    Dashboard.objects.all().delete()
    Widget.objects.all().delete()
    Feed.objects.all().delete()

    apply(text)

    assert write(Dashboard.objects.get()) == text


def test_an_export_after_an_edit_can_be_applied_though_two_files_share_the_feed() -> None:
    apply(*same_feed("10s"))
    feed = Feed.objects.get(name="web shop")
    feed.interval = 20 * SECOND
    feed.save()

    assert apply(write(Dashboard.objects.get(slug="wall"))) == []


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("dashboard", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_the_command_checks_applies_and_exports(tmp_path: Path) -> None:
    file, copy = tmp_path / "wall.yaml", tmp_path / "copy.yaml"
    file.write_text("\ufeff" + BOARD, encoding="utf-8")

    assert run("check", file) == "ok\n"
    assert run("apply", "--dry-run", file).startswith("+ feed web shop\n")
    assert not Dashboard.objects.exists()
    assert "+ tile both: 3, 0, 3 × 2\n" in run("apply", file)
    assert run("apply", file) == "nothing to change\n"
    run("export", "wall", copy)
    assert copy.read_text(encoding="utf-8") == run("export", "wall")
    assert run("apply", copy) == "nothing to change\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"dashboard: wall\ntitle: \xff\n", "wall.yaml:2: this is not UTF-8"),
        (b"", "wall.yaml:1: the file is empty"),
        (b"dashboard: wall\ntitel: x\n", 'wall.yaml:2: titel: unknown key; did you mean "title"?'),
        (None, "wall.yaml cannot be read: No such file or directory"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "wall.yaml"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(CommandError) as caught:
        run("check", file)

    assert str(caught.value) == f"{tmp_path}/{message}"


@pytest.mark.parametrize("do", ["check", "apply", "export"])
def test_the_command_says_that_a_database_was_never_migrated(do: str, tmp_path: Path) -> None:
    file = tmp_path / "wall.yaml"
    file.write_text(BOARD, encoding="utf-8")
    given = "wall" if do == "export" else str(file)

    done = manage("dashboard", do, given, WATCHWALL_DATA=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        "CommandError: The database has no tables yet; "
        "run `manage.py migrate` or `make run` first.\n"
    )


def test_exporting_an_unknown_dashboard_names_the_nearest() -> None:
    apply(BOARD)

    with pytest.raises(CommandError, match=r'no dashboard "wal"; did you mean "wall"\?'):
        run("export", "wal")
