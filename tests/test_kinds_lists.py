"""What the kinds that list make of data: status, alerts, events, log, table, days and lanes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.kinds import Data, Frame, Happening, Line, kinds
from widgets.kinds.status import squares
from widgets.options import BadOptions, read

NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 6, 3, ZoneInfo("Europe/Berlin"))


def line(name: str = "a", value: float | None = 1.0, **more: Any) -> Line:
    return Line(name, name, value=value, at=NOW, **more)


def event(name: str, what: str, ago: int, lasting: int | None, **more: Any) -> Happening:
    start = NOW - ago
    end = None if lasting is None else start + lasting
    return Happening(name, "shop", name, more.pop("axis", "state"), what, start, end, **more)


def picture(
    slug: str, data: Data | list[Line], frame: Frame = FRAME, **given: Any
) -> dict[str, Any]:
    data = data if isinstance(data, Data) else Data(data)
    return kinds[slug].picture(read(kinds[slug].Options, given), data, frame)


def test_hundreds_of_cells_are_one_path_and_the_bad_ones_have_shapes() -> None:
    lines = [line(f"h{i}") for i in range(498)]
    lines += [line("bad", state="critical", message="down"), line("old", freshness="stale")]

    drawn = picture("status", lines)

    assert drawn["well"].count("M") == 498
    assert [one["state"] for one in drawn["marked"]] == ["critical", "ok"]
    assert len({one["d"].lstrip("M0123456789 ") for one in drawn["marked"]}) == 2
    assert [cell["name"] for cell in drawn["named"]] == ["bad", "old"]
    assert drawn["described"] == "500 cells: 1 critical, 499 ok"


def test_few_cells_have_words_unless_there_is_one_row_or_it_is_told_otherwise() -> None:
    lines = [line(str(i)) for i in range(4)]
    chip = replace(FRAME, width=2, height=1)

    assert "cells" in picture("status", lines)
    assert picture("status", lines, chip)["dense"]
    assert picture("status", lines, dense="yes")["dense"]
    assert "cells" in picture("status", lines, chip, dense="no")


@pytest.mark.parametrize(
    ("count", "width", "height", "across"), [(1, 100, 100, 1), (4, 100, 100, 2), (10, 500, 50, 10)]
)
def test_squares_are_as_large_as_fits(count: int, width: int, height: int, across: int) -> None:
    assert squares(count, width, height)[0] == across


def test_alerts_are_the_worst_first_and_of_equals_the_newest() -> None:
    lines = [
        line("well"),
        line("old", freshness="stale"),
        line("slow", state="warning", message="lag", since=NOW - HOUR),
        line("down", state="critical", since=NOW - 2 * HOUR),
        line("just now", state="critical", since=NOW - MINUTE),
    ]

    drawn = picture("alerts", lines)

    assert [row["name"] for row in drawn["rows"]] == ["just now", "down", "slow", "old"]
    assert [row["what"] for row in drawn["rows"]] == ["critical", "critical", "warning", "stale"]
    assert [row["lasting"] for row in drawn["rows"]] == ["1 min", "2 h", "1 h", "0 s"]
    assert drawn["footer"] == "2 critical, 1 warning, 1 stale of 5"


def test_when_nothing_is_wrong_that_is_said_with_of_how_many() -> None:
    drawn = picture("alerts", Data([line(), line(freshness="stale")], hidden=3), old=False)

    assert (drawn["rows"], drawn["watched"], drawn["more"]) == ([], "5 watched", 0)


EVENTS = [
    event("pay", "critical", 6 * MINUTE, None, text="over 1 %"),
    event("", "note", HOUR, 0, axis="note", text="deploy"),
    event("lag", "warning", 2 * HOUR, 12 * MINUTE, value=41.0, unit="s"),
    event("lag", "warning", 30 * HOUR, HOUR),
]


def test_events_go_on_or_are_over() -> None:
    drawn = picture("events", Data(events=EVENTS))

    said = [(row["moment"], row["what"], row["text"], row["lasting"]) for row in drawn["rows"]]
    assert said == [
        ("15:04", "critical", "pay over 1 %", "6 min"),
        ("14:10", "", "deploy", ""),
        ("13:10", "warning", "lag 41\xa0s", "12 min"),
    ]
    assert [row["look"] for row in drawn["rows"]] == ["critical", "", ""]


def test_events_are_those_asked_for() -> None:
    notes = picture("events", Data(events=EVENTS), of=["note"])
    week = picture("events", Data(events=EVENTS), window="7d")

    assert [row["text"] for row in notes["rows"]] == ["deploy"]
    assert len(week["rows"]) == 4
    assert week["dated"]
    assert picture("events", Data())["empty"] == "Nothing happened in the last 1 d"
    with pytest.raises(BadOptions, match="'stat' is none of state, freshness, note"):
        read(kinds["events"].Options, {"of": ["stat"]})


def test_a_log_shows_its_end_and_knows_levels() -> None:
    rows = [{"time": f"14:0{i}", "level": "info", "message": f"m{i}"} for i in range(30)]
    rows[-1]["level"] = "ERROR"

    drawn = picture("log", Data(rows=rows))

    assert drawn["lines"][-1] == {
        "time": "14:029", "level": "ERROR", "message": "m29", "state": "critical", "mark": "▲",
    }  # fmt: skip
    assert len(drawn["lines"]) + drawn["more"] == 30
    first = picture("log", Data(rows=rows), newest_first=True)["lines"][0]
    assert first["message"] == "m0"


def test_a_log_of_text_finds_its_levels_and_rows_without_a_message_show_all() -> None:
    text = picture("log", Data(text="a\n\n2026-11-24 [WARN] disk\nno error\nerror: no disk"))
    rows = picture("log", Data(rows=[{"time": "t", "a": 1, "b": [2]}]))

    assert [(one["state"], one["level"]) for one in text["lines"]] == [
        ("", ""),
        ("warning", "WARN"),
        ("", ""),
        ("critical", "error"),
    ]
    assert rows["lines"][0]["message"] == "1 [2]"


def test_a_table_has_bars_and_colours_in_its_cells() -> None:
    rows = [{"n": "a", "cpu": 96, "free": 3}, {"n": "b", "cpu": 48, "free": 50}]

    drawn = picture(
        "table", Data(rows=rows), bars=["cpu"], units={"cpu": "%"},
        colours={"cpu": "80 95", "free": "20 5"},
    )  # fmt: skip

    cells = [row["cells"] for row in drawn["rows"]]
    assert [cell["bar"] for cell in cells[0]] == ["", "96%", ""]
    assert [[cell["state"] for cell in row] for row in cells] == [
        ["", "critical", "critical"],
        ["", "", ""],
    ]
    assert cells[0][1]["mark"] == "▲"


def test_colours_that_are_no_two_numbers_are_refused() -> None:
    with pytest.raises(BadOptions, match="cpu: two numbers are expected, such as 80 95"):
        read(kinds["table"].Options, {"colours": {"cpu": "80"}})


def test_series_have_a_small_line_where_it_is_asked_for() -> None:
    points = [(NOW - HOUR, 1.0), (NOW, 2.0)]

    drawn = picture("table", [line(points=points)], spark=True)

    assert [cell["text"] for cell in drawn["head"]] == ["name", "last 1 h", "value", "state", "age"]
    assert drawn["rows"][0]["cells"][1]["spark"] == "M0 1000l3000-1000"


def month(name: str, **more: Any) -> Line:
    points = [(NOW - 30 * DAY + i * HOUR, 1.0) for i in range(720)]
    return line(name, points=points, step=HOUR, **more)


def test_a_lane_has_a_path_for_each_state_and_says_its_share() -> None:
    events = [event("pay", "critical", 12 * HOUR, 6 * HOUR), event("other", "warning", HOUR, None)]

    [lane] = picture("timeline", Data([month("pay")], events=events))["lanes"]

    assert [span["state"] for span in lane["spans"]] == ["ok", "critical"]
    assert lane["spans"][1]["d"] == "M1500 0h750v100h-750z"
    assert lane["value"] == "75\xa0%"
    assert lane["described"] == "1 time not ok; last critical for 6 h, ended 6 h ago"


def test_the_shortest_trouble_is_wide_enough_to_be_seen() -> None:
    events = [event("pay", "critical", HOUR, SECOND)]

    [lane] = picture("timeline", Data([month("pay")], events=events))["lanes"]

    assert "h18v100" in lane["spans"][1]["d"]


def test_a_lane_of_which_nothing_is_known_says_so() -> None:
    [lane] = picture("timeline", [line()])["lanes"]

    assert (lane["value"], lane["described"], lane["spans"]) == ("–", "nothing is known", [])


def test_availability_is_of_the_time_that_is_known() -> None:
    events = [event("pay", "critical", 50 * HOUR, 6 * HOUR), event("pay", "warning", HOUR, None)]

    [row] = picture("availability", Data([month("pay")], events=events), days=10)["rows"]

    # Nine days and 15 h 10 min 7 s are known, and six hours of them were down.
    known = 9 * 24 + 15 + 10 / 60 + 7 / 3600
    assert float(row["value"].split("\xa0")[0]) == pytest.approx(100 * (1 - 6 / known), abs=0.06)
    assert {bar["word"]: bar["d"].count("M") for bar in row["bars"]} == {"ok": 9, "bad": 1}
    assert row["described"] == "1 of 10 days below 100\xa0%"


def test_what_counts_as_down_and_how_much_of_it_is_still_well_can_be_said() -> None:
    events = [event("pay", "warning", 50 * HOUR, HOUR)]
    data = Data([month("pay")], events=events)

    strict = picture("availability", data, days=10, down="warning")["rows"][0]
    mild = picture("availability", data, days=10, down="warning", target=95)["rows"][0]

    assert [bar["word"] for bar in strict["bars"]] == ["ok", "bad"]
    assert [bar["word"] for bar in mild["bars"]] == ["ok"]


def test_days_of_which_nothing_is_known_are_none() -> None:
    [row] = picture("availability", [line()], days=3)["rows"]

    assert [bar["word"] for bar in row["bars"]] == ["none"]
    assert row["value"] == "–"
