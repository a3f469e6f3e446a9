"""Pictures as tables, for who cannot see them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.gallery.examples import examples
from tests.test_kinds_contract import DATA
from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.kinds import Data, Frame, Kind, Line, Sheet, kinds
from widgets.options import read
from widgets.sheets import history_sheet, lines_sheet, rows_sheet, say_moment, sheet

NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 12, 8, ZoneInfo("Europe/Berlin"))


def of(kind: Kind, data: Data, **options: Any) -> Sheet:
    return sheet(kind, read(kind.Options, options), data, FRAME)


@pytest.mark.parametrize("case", DATA)
@pytest.mark.parametrize("slug", kinds.slugs())
def test_every_picture_is_a_table_too(slug: str, case: str) -> None:
    found = of(kinds[slug], DATA[case])

    assert all(len(row) == len(found.head) for row in found.rows)
    assert all(isinstance(cell, str) for row in found.rows for cell in row)
    assert len(found.rows) <= 500


@pytest.mark.parametrize("slug", sorted(set(kinds.slugs()) - {"clock", "countdown", "text"}))
def test_an_example_has_its_data_in_its_table(slug: str) -> None:
    example = next(e for e in examples()[slug] if not e.alone)

    found = of(kinds[slug], example.data, **example.options)

    cells = {cell for row in found.rows for cell in row}
    assert len(cells - {"–"}) > 2


def test_series_are_told_with_their_state_and_age() -> None:
    line = Line("a", "a", "ms", 5, NOW - MINUTE, state="warning", message="slow")

    assert lines_sheet(Data([line]), NOW).rows == [
        ("a", "5\N{NO-BREAK SPACE}ms", "warning: slow", "1 min")
    ]


def test_rows_are_told_with_all_their_columns() -> None:
    found = rows_sheet(Data(rows=[{"a": 1}, {"b": [1], "a": None}]))

    assert found == Sheet(["a", "b"], [["1", "–"], ["–", "[1]"]])


def test_a_window_is_told_in_24_steps_with_the_least_and_the_greatest() -> None:
    points = [(NOW - DAY + i * HOUR + HOUR // 2, float(i)) for i in range(24)]
    points.append((NOW - 10, 99.0))

    found = history_sheet([Line("a", "a", points=points)], FRAME, DAY)

    assert found.head == ["From, each 1 h", "a"]
    assert len(found.rows) == 24
    assert found.rows[0] == ["22 Nov 15:10", "0"]
    assert found.rows[-1][1] == "23 to 99"


def test_a_moment_of_another_day_has_its_date() -> None:
    assert say_moment(NOW - HOUR, FRAME) == "14:10"
    assert say_moment(NOW - 20 * HOUR, FRAME) == "22 Nov 19:10"
