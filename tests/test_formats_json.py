"""Our own JSON: what it may say, and by which place what is wrong with it is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.feeds import NOON
from widgets.clock import SECOND
from widgets.formats import BadPush, Push, Reload, Request, formats
from widgets.reading import Reading, Verdict


def decode(body: Any) -> list[Push | BadPush]:
    text = body if isinstance(body, str) else json.dumps(body)
    request = Request("POST", "/api/feeds/shop", NOON, parts={"name": "shop"})
    found = formats["json"].decode(text.encode(), request)
    return [one for one in found if not isinstance(one, Reload)]


def reading(body: Any) -> Reading:
    """The only one there is, of the feed that the address names."""
    (push,) = decode(body)
    assert isinstance(push, Push)
    assert push.feed == "shop"
    assert not push.reading.complete
    return push.reading


def problem(body: Any) -> str:
    try:
        (found,) = decode(body)
    except BadPush as error:
        found = error
    return str(found)


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        (7, {"value": 7.0}),
        ("-1.5e3", {"value": -1500.0}),
        ({"open": 3, "late": 0.5}, {"open": 3.0, "late": 0.5}),
        ({"up": True, "down": False}, {"up": 1.0, "down": 0.0}),
        ({"disk": {"root": {"used": 5}}, "n": None}, {"disk.root.used": 5.0}),
        ({"numbers": {"time": 1, "text": 2}, "a": 3}, {"time": 1.0, "text": 2.0, "a": 3.0}),
        ({"rows": 4, "text": 5, "units": 6}, {"rows": 4.0, "text": 5.0, "units": 6.0}),
    ],
)
def test_numbers_are_series(body: Any, numbers: dict[str, float]) -> None:
    found = reading(body)

    assert found.numbers == numbers
    assert found.at is None


@pytest.mark.parametrize(
    "time",
    [
        1_780_315_230,
        1_780_315_230.0,
        "2026-06-01T12:00:30Z",
        "2026-06-01T14:00:30+02:00",
        "2026-06-01 12:00:30",
    ],
)
def test_a_time_is_seconds_or_iso(time: Any) -> None:
    assert reading({"time": time, "a": 1}).at == NOON


def test_a_time_keeps_its_microseconds() -> None:
    assert reading({"time": 1_780_315_229.250001, "a": 1}).at == NOON - SECOND + 250_001
    assert reading({"time": "2026-06-01T12:00:29.999999Z", "a": 1}).at == NOON - 1


def test_the_rest_of_a_reading() -> None:
    found = reading(
        {
            "cpu": 93, "units": {"cpu": "%"}, "states": {"cpu": ["critical", "hot"], "x": "ok"},
            "rows": [{"a": 1, "b": None}], "text": "**all**",
        }
    )  # fmt: skip

    assert found.units == {"cpu": "%"}
    assert found.verdicts == {"cpu": Verdict("critical", "hot"), "x": Verdict("ok")}
    assert found.rows == [{"a": 1, "b": None}]
    assert found.text == "**all**"


def test_a_list_is_a_batch_of_which_the_latest_counts() -> None:
    found = decode(
        [
            [1_780_315_229, 2],
            [1_780_315_230, 3],
            {"time": 1_780_315_228, "value": 1, "text": "old"},
            {"time": 1_780_315_229, "text": "new", "rows": [{"a": 1}]},
        ]
    )

    assert found == [
        Push(
            "shop",
            Reading(
                {"value": 3.0}, at=NOON, complete=False,
                history=[("value", NOON - SECOND, 2.0), ("value", NOON - 2 * SECOND, 1.0)],
            ),
            "[0]",
        ),
        Push("shop", Reading(text="new", at=NOON - SECOND, complete=False), "[3]"),
        Push("shop", Reading(rows=[{"a": 1}], at=NOON - SECOND, complete=False), "[3]"),
    ]  # fmt: skip


def test_what_is_good_in_a_list_is_taken_and_the_rest_is_named() -> None:
    found = decode([{"a": 1}, {"a": "x"}, 5, [1, 2, 3], [1_780_315_230, None], {"b": 2}])

    assert [str(bad) for bad in found if isinstance(bad, BadPush)] == [
        "[1].a: a is text ('x'); a number was expected",
        "[2]: an object or [time, number] is expected, not a number by itself",
        "[3]: a pair of time and number is expected",
        "[4][1]: a number is expected, not null",
    ]
    (good,) = (push for push in found if isinstance(push, Push))
    assert good.reading.numbers == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "line 1, column 1: this is no JSON: Expecting value"),
        ('{"a": 1', "line 1, column 8: this is no JSON: Expecting ',' delimiter"),
        ("{}", "it holds no number, no rows and no text"),
        ("null", "an object is expected, not null"),
        ('"text"', "an object is expected, not text"),
        ("NaN", "value is nan, which is no number a wall can show"),
        ('{"a": Infinity}', "a: a is inf, which is no number a wall can show"),
        ('{"a": 1e999}', "a: a is inf, which is no number a wall can show"),
        ({"a": 10**400}, "a: a is too large a number"),
        ({"a": [1]}, "a: a number is expected, not a list"),
        ({"a": {"b": "x"}}, "a.b: b is text ('x'); a number was expected"),
        ({"a" * 501: 1}, "has 501 characters; 500 is the most"),
        ({"a\nb": 1}, "has characters that cannot be printed"),
        ({"": 1}, "a series has an empty name"),
        ({"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, "a.b.c.d.e.f: it is nested too"),
        ({"a": 1, "time": 2**63}, "time: its time is 9,223,"),
        ({"a": 1, "time": 1_780_315_230_000}, "check the unit of its times"),
        ({"a": 1, "time": "9999-12-31T23:59:59Z"}, "in the future; set the clock"),
        ({"a": 1, "time": "0001-01-01T00:00:00+23:00"}, "time: its time is before 1970"),
        ({"a": 1, "time": 0}, "time: its time is before 1970"),
        ({"a": 1, "time": "noon"}, "time: 'noon' is no time of ISO 8601"),
        ({"a": 1, "time": True}, "time: seconds since 1970 or ISO 8601 is expected, not true"),
        ({"a": 1, "states": {"a": "bad"}}, "states.a: one of ok, warning, critical, unknown"),
        ({"a": 1, "units": {"a": 5}}, "units.a: text is expected, not a number"),
        ({"rows": [{"a": 1}, 5]}, "rows[1]: an object is expected, not a number"),
        ({"rows": [{"a": [[[[[[1]]]]]]}]}, "rows[0]: the reading is nested too deeply"),
        ({"rows": [{}] * 1_001}, "rows: 1,001 rows; 1,000 is the most"),
        ("[" * 100_000, "the body is nested too deeply"),
        ("1" * 5_000, "a number with thousands of digits"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body: Any, said: str) -> None:
    assert said in problem(body)


def test_the_name_of_the_feed_is_the_addresses() -> None:
    request = Request("POST", "/", NOON, parts={"name": "a\nb"})

    with pytest.raises(BadPush, match=r"the address: the feed name 'a\\nb' has characters"):
        list(formats["json"].decode(b"1", request))
