from __future__ import annotations

import pytest

from widgets.kinds import Line
from widgets.kinds.text import to_html
from widgets.values import escape_markdown, fill

LINES = [Line("f/cpu", "cpu", "%", 45.2), Line("f/x", "GET /x", "*b*", 3), Line("f/n", "none")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cpu {cpu}", "cpu 45.2\N{NO-BREAK SPACE}%"),
        ("{ GET /x }", "3\N{NO-BREAK SPACE}*b*"),
        ("{none}", "–"),
        ("{nobody} {", "{nobody} {"),
        ("no braces", "no braces"),
        ("{cpu}{cpu}", "45.2\N{NO-BREAK SPACE}%45.2\N{NO-BREAK SPACE}%"),
    ],
)
def test_a_name_in_braces_is_its_value(text: str, said: str) -> None:
    assert fill(text, LINES) == said


def test_what_a_unit_holds_is_no_markdown() -> None:
    html = to_html(fill("{GET /x}", LINES, escape_markdown))

    assert html == "<p>3&nbsp;*b*</p>\n"
