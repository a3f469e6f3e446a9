from __future__ import annotations

from string import digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.sources._naming import Naming, NoName, joined, naming

EXAMPLE = "{1}.{3}"


def levels(place: str) -> bool:
    return place == "topic" or (place != "" and set(place) <= set(digits))


def read(given: str) -> Naming:
    return naming(given, levels, EXAMPLE)


PARTS = {"topic": "home/cellar/co2", "1": "home", "2": "cellar", "3": "co2"}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("{1}.{3}", "home.co2"),
        ("{topic}", "home/cellar/co2"),
        ("co2 of {2}", "co2 of cellar"),
        ("{3}{3}", "co2co2"),
        ("fixed", "fixed"),
        ("", ""),
    ],
)
def test_places_are_filled_with_the_parts(given: str, name: str) -> None:
    assert read(given)(PARTS) == name


def test_a_part_that_the_message_lacks_is_named() -> None:
    with pytest.raises(NoName, match="the message has no 4, which the option name asks for"):
        read("{4}")(PARTS)


def test_what_cannot_be_printed_is_replaced() -> None:
    assert read("{1}")({"1": "a\nb\0"}) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{level}", "there is no {level}; write it like {1}.{3}"),
        ("{}", "there is no {}; write it like {1}.{3}"),
        ("{1", "a brace has no counterpart; write it like {1}.{3}"),
        ("1}", "a brace has no counterpart"),
        ("{{1}}", "a brace has no counterpart"),
    ],
)
def test_a_template_that_cannot_be_is_refused_with_an_example(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        read(given)


@pytest.mark.parametrize(
    ("name", "series", "whole"),
    [
        ("home.co2", "value", "home.co2"),
        ("home", "co2.mean", "home.co2.mean"),
        ("", "value", "value"),
        ("", "co2", "co2"),
    ],
)
def test_a_bare_number_is_called_as_its_message_is(name: str, series: str, whole: str) -> None:
    assert joined(name, series) == whole


@given(st.text(alphabet="{}13 topic\n", max_size=20), st.dictionaries(st.text(), st.text()))
def test_any_template_is_refused_or_gives_a_printable_name(
    given: str, parts: dict[str, str]
) -> None:
    try:
        name = read(given)({**PARTS, **parts})
    except ValueError:  # NoName is one.
        return
    assert name == "" or name.isprintable()
