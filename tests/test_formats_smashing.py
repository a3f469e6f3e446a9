"""Smashing's jobs, unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.feeds import NOON
from tests.pushing import Sender, ask, names, values
from widgets import publish
from widgets.clock import SECOND
from widgets.formats import BadPush, Push, Request, formats
from widgets.push import tokens
from widgets.reading import Reading, Verdict


def reading(body: dict[str, Any]) -> Reading:
    request = Request("POST", "/widgets/karma", NOON, parts={"id": "karma"})
    (push,) = formats["smashing"].decode(json.dumps(body).encode(), request)
    assert isinstance(push, Push)
    assert push.feed == "karma"
    return push.reading


def problem(body: Any) -> str:
    request = Request("POST", "/widgets/karma", NOON, parts={"id": "karma"})
    with pytest.raises(BadPush) as error:
        list(formats["smashing"].decode(json.dumps(body).encode(), request))
    return str(error.value)


async def test_a_job_is_answered_as_it_expects(sender: Sender) -> None:
    token, sender.token = sender.token, ""

    good = await sender.post("/widgets/karma", {"auth_token": token, "current": 5})
    wrong = await sender.post("/widgets/karma", {"auth_token": "x", "current": 6})
    none = await sender.post("/widgets/other", {"current": 6})
    odd = await sender.post("/widgets/other", {"auth_token": ["x"], "current": 6})
    bad = await sender.post("/widgets/other", "no JSON")

    assert (good.status, good.body) == (204, b"")
    for refused in (wrong, none, odd, bad):
        assert (refused.status, refused.text) == (401, "Invalid API key\n")
    assert await ask(values) == {"karma/current": 5.0}


@pytest.mark.parametrize(
    ("address", "body", "pages"),
    [
        ("/dashboards/sales", {"event": "reload"}, ["sales"]),
        ("/dashboards/*", {"event": "reload"}, ["*"]),
        ("/dashboards/ignored", {"event": "reload", "dashboard": "sales"}, ["sales"]),
        ("/dashboards/sales", {"event": "other"}, []),
        ("/dashboards/sales", {}, []),
    ],
)
async def test_a_reload_reaches_the_pages_of_a_dashboard(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, address: str, body: Any, pages: list[str]
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(publish, "publish_reload", lambda slug, now: asked.append(slug))
    token, sender.token = sender.token, ""

    answer = await sender.post(address, {"auth_token": token, **body})

    assert (answer.status, asked) == (204, pages)
    assert await ask(names) == []


async def test_a_token_reloads_no_dashboard_but_those_it_is_for(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(publish, "publish_reload", lambda slug, now: asked.append(slug))
    sender.token = await ask(lambda: tokens.create("sales", ["sales*"]))

    found = {
        slug: (await sender.post(f"/dashboards/{slug}", {"event": "reload"})).status
        for slug in ("sales-eu", "ops", "*")
    }

    assert found == {"sales-eu": 204, "ops": 403, "*": 403}
    assert asked == ["sales-eu"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"auth_token": "%s"}',
        b'{ "x": "\\"", "auth_token" :\n"%s", "current": 1}',
        b'{"text": "\\"auth_token\\": \\"nobody\\"", "auth_token": "%s"}',
    ],
)
def test_the_token_is_found_in_the_body_without_reading_all_of_it(body: bytes) -> None:
    assert json.loads(body % b"ww_T-1")["auth_token"] == "ww_T-1"

    assert formats["smashing"].token_in(body % b"ww_T-1") == "ww_T-1"


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"auth_token": 5}', b'{"auth_token": ""}', b"{"])
def test_where_there_is_no_token_there_is_none(body: bytes) -> None:
    assert formats["smashing"].token_in(body) == ""


def test_the_token_goes_nowhere() -> None:
    found = reading({"auth_token": "secret", "current": 5, "text": "t"})

    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("body", "numbers"),
    [
        ({"current": 5, "last": 4}, {"current": 5.0, "last": 4.0}),
        ({"current": "5.5"}, {"current": 5.5}),
        ({"value": 30, "min": 0, "max": 100}, {"value": 30.0, "min": 0.0, "max": 100.0}),
        ({"current": 5, "updatedAt": 1_780_315_230_000, "title": "7", "id": "karma"},
         {"current": 5.0}),
        ({"current": 5, "note": "text", "on": True, "x": None, "y": [1], "z": "nan"},
         {"current": 5.0}),
    ],
)  # fmt: skip
def test_numbers_are_series(body: dict[str, Any], numbers: dict[str, float]) -> None:
    assert reading(body).numbers == numbers


def test_suffix_is_the_unit_status_the_state_and_moreinfo_a_note() -> None:
    found = reading({"current": 5, "suffix": " %", "status": "danger", "moreinfo": "since noon"})

    assert found.units == {"current": "%"}
    assert found.verdicts == {"current": Verdict("critical")}
    assert found.notes == ["since noon"]


def test_points_with_times_are_history() -> None:
    found = reading({"points": [{"x": 1_780_315_229, "y": 1}, {"x": 1_780_315_230, "y": "2"}]})

    assert (found.at, found.numbers) == (NOON, {"value": 2.0})
    assert found.history == [("value", NOON - SECOND, 1.0)]


def test_of_points_that_are_merely_counted_the_last_counts() -> None:
    found = reading({"points": [{"x": 1, "y": 1}, {"x": 2, "y": 7}]})

    assert (found.at, found.numbers, found.history) == (None, {"value": 7.0}, [])


def test_items_comments_and_text() -> None:
    items = [{"label": "a", "value": 1}]

    assert reading({"items": items}).rows == items
    assert reading({"comments": [{"name": "n", "body": "b"}]}).rows == [{"name": "n", "body": "b"}]
    assert reading({"text": "hello"}).text == "hello"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "an object is expected, not a list"),
        ({}, "it holds nothing that a widget of ours shows"),
        ({"title": "t"}, "it holds nothing"),
        ({"points": [{"x": 1}]}, "points[0].y: a number is expected"),
        ({"points": [5]}, "points[0]: an object is expected, not a number"),
        ({"points": [{"x": 4e12, "y": 1}]}, "points[0].x: its time is"),
        ({"points": [{"x": 1, "y": 1}] * 10_001}, "points: 10,001 points; 10,000 is the most"),
        ({"items": [5]}, "items[0]: an object is expected"),
        ({"items": [{}] * 1_001}, "items: 1,001 rows"),
        ({"n" * 501: 1}, "501 characters"),
    ],
)
def test_what_is_wrong_is_named(body: Any, said: str) -> None:
    assert said in problem(body)
