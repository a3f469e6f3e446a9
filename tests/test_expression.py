from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.expression import BadExpression, parse

VALUES = {"errors": 3.0, "total": 12.0, "cpu.user": 0.5, "GET /x": 7.0, "zero": 0.0, "min": 5.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("errors / total * 100", 25),
        ("errors/total", 0.25),
        ("total - errors - 1", 8),
        ("total - (errors - 1)", 10),
        ("2 + 3 * errors", 11),
        ("-errors + --2", -1),
        ("- (errors)", -3),
        ("1.5e1 * errors + .5", 45.5),
        ("cpu.user * 100", 50),
        ("'GET /x' + \"GET /x\"", 14),
        ("max(errors, total, 5)", 12),
        ("min(errors, 2)", 2),
        ("sum(errors, total)", 15),
        ("abs(errors - total)", 9),
        ("min * 2", 10),
    ],
)
def test_it_computes(text: str, value: float) -> None:
    assert parse(text).value(VALUES) == pytest.approx(value)


@pytest.mark.parametrize("text", ["errors / zero", "errors / nobody", "total * 1e308 * 1e308"])
def test_what_has_no_finite_result_is_unknown(text: str) -> None:
    assert parse(text).value(VALUES) is None


def test_it_knows_its_names_each_once_and_in_order() -> None:
    assert parse("b / (a + b) + max(c, 1)").names == ("b", "a", "c")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a number or a name is expected at 1"),
        ("errors +", "a number or a name is expected at 9"),
        ("errors errors", "'errors' at 8 is not expected there"),
        ("(errors", "')' is expected at 8, not its end"),
        ("errors $ 2", "'$' at 7 is no part of an expression"),
        ("1 + 2", "it names no series"),
        ("abs(errors, 2)", "abs() takes one number"),
        ("max()", "a number or a name is expected at 5"),
        ("errors(2)", "'(' at 7 is not expected there"),
        ("errors ** 2", "a number or a name is expected at 9"),
        ("e" * 301, "301 characters; 300 is the most"),
        ("(" * 30 + "errors" + ")" * 30, "nested deeper than 20"),
        ("errors.__class__()", "'(' at 17 is not expected there"),
        ("'errors", '"\'" at 1 is no part'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(BadExpression) as raised:
        parse(text)

    assert said in str(raised.value)


@settings(deadline=None)
@given(st.text("ab+-*/()., 1'\"e", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text).value({"a": 2.0, "b": 0.0})
    except BadExpression:
        return

    assert found is None or math.isfinite(found)


numbers = st.floats(0.1, 1e6)


@settings(deadline=None)
@given(numbers, numbers, numbers)
def test_it_agrees_with_python(a: float, b: float, c: float) -> None:
    values: dict[str, Any] = {"a": a, "b": b, "c": c}
    text = "a - b / c * -a + (b - c) * max(a, b, 3) - abs(c - a)"

    assert parse(text).value(values) == pytest.approx(eval(text, {}, values))
