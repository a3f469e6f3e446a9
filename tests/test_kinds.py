"""What each kind makes of data; what holds for all of them is in test_kinds_contract."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from widgets.clock import HOUR, MINUTE, SECOND
from widgets.kinds import Data, Frame, Limits, Line, kinds
from widgets.kinds._words import choose, crossed, explain, short_names
from widgets.kinds.status import columns
from widgets.kinds.text import to_html
from widgets.options import BadOptions, read

NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 3, 3, ZoneInfo("Europe/Berlin"))


def line(name: str = "a", value: float | None = 1.0, unit: str = "", **more: Any) -> Line:
    return Line(name, name, unit, value, NOW, **more)


def picture(
    slug: str, data: Data | list[Line], frame: Frame = FRAME, **given: Any
) -> dict[str, Any]:
    data = data if isinstance(data, Data) else Data(data)
    return kinds[slug].picture(read(kinds[slug].Options, given), data, frame)


def test_stat_shows_the_first_series_and_counts_the_others() -> None:
    drawn = picture("stat", Data([line("a", 3.4 * 2**30, "B"), line("b")], hidden=2))

    assert (drawn["text"], drawn["unit"], drawn["more"]) == ("3.4", "GiB", 3)


@pytest.mark.parametrize(
    ("value", "then", "unit", "said"),
    [
        (412, 394, "ms", "+18 ms in 1 h"),
        (394, 412, "ms", "−18 ms in 1 h"),
        (10, 10, "", "unchanged in 1 h"),
        (50, 45.5, "%", "+4.50 points in 1 h"),
        (50, None, "%", ""),
        (None, 50, "%", ""),
    ],
)
def test_stat_says_how_it_has_changed(
    value: float | None, then: float | None, unit: str, said: str
) -> None:
    drawn = picture("stat", [line(value=value, unit=unit, then={HOUR: then})], compare="1h")

    assert drawn["footer"].replace("\N{NO-BREAK SPACE}", " ") == said


def test_stat_asks_for_what_it_compares_with_and_for_its_spark() -> None:
    stat = kinds["stat"]

    plain = stat.needs(read(stat.Options, {"spark": False}))
    both = stat.needs(read(stat.Options, {"compare": "1d", "window": "5 min"}))

    assert (plain.window, plain.offsets) == (0, ())
    assert (both.window, both.offsets) == (5 * MINUTE, (24 * HOUR,))


def test_stat_without_points_has_no_spark() -> None:
    old = [(NOW - 2 * HOUR, 1.0)]

    assert picture("stat", [line()])["spark"] is None
    assert picture("stat", [line(points=old)])["spark"] is None


def test_a_spark_shorter_than_its_window_takes_the_whole_width() -> None:
    points = [(NOW - 2 * MINUTE, 1.0), (NOW - MINUTE, 3.0), (NOW, 2.0)]

    spark = picture("stat", [line(points=points)])["spark"]

    assert spark["line"] == "M0 1000l1500-1000l1500 500"


def test_a_bad_value_says_which_limit_it_is_beyond_and_since_when() -> None:
    bad = line(
        value=2.3,
        unit="%",
        state="critical",
        since=NOW - 6 * MINUTE,
        limits=Limits(warning_above=0.5, critical_above=1),
    )

    assert explain(bad, NOW).replace("\N{NO-BREAK SPACE}", " ") == "over 1 % for 6 min"
    assert explain(replace(bad, message="no disk"), NOW) == "no disk for 6 min"
    assert explain(replace(bad, state="ok"), NOW) == ""
    assert crossed(line(value=1, limits=Limits(warning_below=2))) == "under 2"


def test_what_does_not_fit_is_never_worse_than_what_does() -> None:
    lines = [line(str(i)) for i in range(10)]
    lines[8] = line("8", state="critical")
    lines[9] = line("9", freshness="stale")

    assert [shown.name for shown in choose(lines, 3)] == ["0", "8", "9"]
    assert choose(lines, 20) == lines


@pytest.mark.parametrize(
    ("names", "short"),
    [
        ([], []),
        (["/srv/volumes/1"], ["/srv/volumes/1"]),
        (["/srv/volumes/1", "/srv/volumes/2"], ["…1", "…2"]),
        (["web-1", "web-2"], ["web-1", "web-2"]),
        (["example.org", "example.net"], ["…org", "…net"]),
        (["same-name-same", "same-name-same"], ["…same", "…same"]),
        (["/srv/data/", "/srv/data/x"], ["/srv/data/", "…x"]),
    ],
)
def test_a_long_shared_beginning_is_left_out(names: list[str], short: list[str]) -> None:
    assert short_names([line(name) for name in names]) == short


def test_line_has_round_axes_and_puts_every_series_on_them() -> None:
    points = [(NOW - HOUR + i * MINUTE, float(i)) for i in range(61)]

    drawn = picture("line", [line("a", 60, "%", points=points)])

    assert [tick["label"].split("\xa0")[0] for tick in drawn["y"]] == ["0", "20", "40", "60"]
    assert [tick["at"] for tick in drawn["y"]] == ["100%", "66.67%", "33.33%", "0%"]
    assert drawn["x"][0]["label"] == "14:30"
    assert drawn["paths"][0]["d"].startswith("M0 1000l50-17")


def test_line_breaks_where_readings_are_missing() -> None:
    points = [(NOW - HOUR + i * MINUTE, 1.0) for i in range(61) if not 20 < i < 30]

    drawn = picture("line", [line(points=points, step=MINUTE)])

    assert drawn["paths"][0]["d"].count("M") == 2


def test_line_draws_near_limits_and_is_not_pressed_flat_by_far_ones() -> None:
    points = [(NOW - MINUTE, 50.0), (NOW, 60.0)]

    near = picture("line", [line(points=points, limits=Limits(warning_above=65))])
    far = picture("line", [line(points=points, limits=Limits(critical_above=1e6))])

    assert [limit["state"] for limit in near["limits"]] == ["warning"]
    assert far["limits"] == []


def test_line_keeps_the_ends_that_somebody_fixed() -> None:
    points = [(NOW - MINUTE, 5.0), (NOW, 6.0)]

    drawn = picture("line", [line(points=points)], min=0, max=100)

    assert (drawn["y"][0]["label"], drawn["y"][-1]["label"]) == ("0", "100")


def test_line_has_eight_colours_and_counts_the_rest() -> None:
    lines = [line(str(i), points=[(NOW, 1.0)]) for i in range(11)]

    drawn = picture("line", lines)

    assert len(drawn["paths"]) == 8
    assert drawn["more"] == 3


def test_line_names_what_its_legend_has_no_room_for() -> None:
    lines = [line(f"a rather long name {i}", points=[(NOW, 1.0)]) for i in range(4)]

    legend = picture("line", lines)["legend"]

    assert len(legend["items"]) + legend["more"] == 4
    assert legend["names"].endswith("a rather long name 3")
    assert picture("line", lines, legend=False)["legend"] is None


def test_line_without_points_says_so() -> None:
    assert picture("line", [line()], window="5 min")["empty"] == "No readings in the last 5 min"


@pytest.mark.parametrize(
    ("values", "unit", "given", "widths"),
    [
        ([50, 25], "%", {}, ["50.00%", "25.00%"]),
        ([50, 25], "", {}, ["100.00%", "50.00%"]),
        ([50, 25], "", {"max": 200}, ["25.00%", "12.50%"]),
        ([500], "", {"max": 200}, ["100.00%"]),
        ([0, 0], "", {}, ["0.00%", "0.00%"]),
        ([None], "", {}, ["0.00%"]),
        ([-50, 50], "", {}, ["50.00%", "50.00%"]),
    ],
)
def test_bars_are_as_long_as_their_values(
    values: list[float | None], unit: str, given: dict[str, Any], widths: list[str]
) -> None:
    drawn = picture("bars", [line(str(i), v, unit) for i, v in enumerate(values)], **given)

    assert [bar["rects"][0]["width"] for bar in drawn["bars"]] == widths


def test_bars_below_zero_end_where_zero_is() -> None:
    drawn = picture("bars", [line("a", -50), line("b", 50)])

    assert [bar["rects"][0]["x"] for bar in drawn["bars"]] == ["0.00%", "50.00%"]


def test_bars_show_as_many_as_fit_or_as_they_are_told() -> None:
    lines = [line(str(i)) for i in range(40)]

    assert picture("bars", lines)["more"] == 40 - 7
    assert picture("bars", lines, limit=3)["more"] == 37
    assert picture("bars", lines, replace(FRAME, height=6))["more"] < 30


def test_bars_name_the_limit_they_share() -> None:
    shared = [line(str(i), limits=Limits(warning_above=20_000)) for i in range(2)]
    other = line("x", limits=Limits(warning_above=5))

    assert picture("bars", shared)["footer"] == "limit 20,000"
    assert picture("bars", [*shared, other])["footer"] == ""


@pytest.mark.parametrize(
    ("value", "unit", "given", "text", "end"),
    [
        (50, "%", {}, "50", "50 8"),
        (0, "%", {}, "0", ""),
        (100, "%", {}, "100", "79.7 79.7"),
        (250, "%", {}, "250", "79.7 79.7"),
        (5, "", {"max": 10}, "5", "50 8"),
        (15, "", {"min": 10, "max": 20}, "15", "50 8"),
        (None, "%", {}, "–", ""),
    ],
)
def test_gauge_fills_its_arc(
    value: float | None, unit: str, given: dict[str, Any], text: str, end: str
) -> None:
    drawn = picture("gauge", [line(value=value, unit=unit)], **given)

    assert drawn["text"] == text
    assert drawn["fill"].endswith(end)
    assert bool(drawn["fill"]) == bool(end)


def test_gauge_marks_where_it_is_warning_and_critical() -> None:
    limits = Limits(warning_above=80, critical_above=95, critical_below=5)

    drawn = picture("gauge", [line(value=50, unit="%", limits=limits)])

    assert [zone["state"] for zone in drawn["zones"]] == ["warning", "critical", "critical"]


def test_status_says_what_is_wrong_and_since_when() -> None:
    drawn = picture(
        "status",
        [
            line("a", message="up"),
            line("b", state="critical", message="down", since=NOW - 6 * MINUTE),
            line("c", None, state="unknown"),
            line("d", 12, "ms", freshness="stale"),
        ],
    )

    said = [cell["old"] + cell["said"].replace("\xa0", " ") for cell in drawn["cells"]]
    assert said == ["up", "down 6 min", "unknown", "◌ 12 ms"]
    assert [cell["mark"] for cell in drawn["cells"]] == ["", "▲", "?", ""]
    assert drawn["footer"] == "1 critical, 1 unknown, 2 ok"


def test_status_counts_the_cells_that_do_not_fit() -> None:
    drawn = picture("status", [line(f"host-{i}") for i in range(500)], dense="no")

    assert len(drawn["cells"]) + drawn["more"] == 500
    assert drawn["footer"] == "500 ok"


def test_status_columns_make_cells_of_a_good_shape_and_full_rows() -> None:
    assert columns(1, 400, 300, 5) == 1
    assert columns(4, 400, 100, 5) == 2
    assert columns(0, 400, 300, 5) == 1


def test_table_shows_the_columns_it_is_told_and_aligns_numbers() -> None:
    rows = [{"name": "a", "cpu": 1.234, "up": True}, {"name": "b", "cpu": 12.5, "up": None}]

    drawn = picture("table", Data(rows=rows), columns=["cpu", "up"])

    assert [(cell["text"], cell["number"]) for cell in drawn["head"]] == [
        ("cpu", True),
        ("up", False),
    ]
    cells = [[cell["text"] for cell in row["cells"]] for row in drawn["rows"]]
    assert cells == [["1.2", "yes"], ["12.5", "–"]]


@pytest.mark.parametrize(
    ("values", "unit", "cells"),
    [
        ([41.5, 15, 4.1, None], "", ["41.5", "15.0", "4.1", "–"]),
        ([1, 20, -3], "", ["1", "20", "−3"]),
        ([0.25, 3], "", ["0.25", "3.00"]),
        ([2_000.5, 1], "", ["2,000", "1"]),
        ([5_000_000, 2], "", ["5M", "2"]),
        ([2_000.5, 0.004], "", ["2,000", "0.00400"]),
        ([2**20, 2**31], "B", ["1 MiB", "2 GiB"]),
        ([2**20, "n/a", [1]], "B", ["1 MiB", "n/a", "[1]"]),
    ],
)
def test_numbers_of_a_column_have_one_unit_and_one_number_of_decimals(
    values: list[Any], unit: str, cells: list[str]
) -> None:
    rows = [{"c": value} for value in values]

    drawn = picture("table", Data(rows=rows), units={"c": unit})

    said = [row["cells"][0]["text"].replace("\xa0", " ") for row in drawn["rows"]]
    assert said == cells


def test_table_counts_rows_and_names_columns_that_do_not_fit() -> None:
    rows = [{f"c{i}": i for i in range(9)} for _ in range(50)]

    drawn = picture("table", Data(rows=rows))

    assert drawn["footer"].endswith("c8")
    assert len(drawn["rows"]) + drawn["more"] == 50


def test_table_shows_series_where_there_are_no_rows() -> None:
    drawn = picture("table", [line("a", 5, "ms", state="warning", message="slow")])

    cells = [cell["text"].replace("\xa0", " ") for cell in drawn["rows"][0]["cells"]]
    assert cells == ["a", "5 ms", "◆ slow", "0 s"]


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**a** <b>b</b>", "<p><strong>a</strong> &lt;b&gt;b&lt;/b&gt;</p>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>\n"),
        (
            "[a](https://b.example)",
            '<p><a href="https://b.example" rel="noopener noreferrer">a</a></p>\n',
        ),
        ("![a](https://b.example/c.png)", "<p></p>\n"),
        ("~~a~~", "<p><s>a</s></p>\n"),
    ],
)
def test_text_is_markdown_and_nothing_else(markdown: str, html: str) -> None:
    assert to_html(markdown) == html


def test_text_of_the_widget_comes_before_the_readings() -> None:
    assert "own" in picture("text", Data(text="reading"), markdown="own")["html"]
    assert "reading" in picture("text", Data(text="reading"))["html"]


def test_text_is_as_large_as_fits() -> None:
    sizes = [picture("text", Data(text="word " * n))["size"] for n in (2, 35, 60, 500)]

    assert sizes == ["huge", "large", "medium", "small"]


@pytest.mark.parametrize(
    ("zone", "shown", "date"),
    [
        ("", "15:10:07", "Monday 23 November"),
        ("Asia/Kathmandu", "19:55:07", "Monday 23 November"),
        ("Pacific/Auckland", "03:10:07", "Tuesday 24 November"),
    ],
)
def test_clock_shows_the_time_of_its_zone(zone: str, shown: str, date: str) -> None:
    drawn = picture("clock", [], zone=zone)

    assert (drawn["time"], drawn["date"]) == (shown, date)


def test_clock_refuses_a_zone_that_is_none_and_names_the_nearest() -> None:
    with pytest.raises(BadOptions, match=r'options.zone: .*did you mean "Europe/Berlin"'):
        read(kinds["clock"].Options, {"zone": "Europe/Berln"})
