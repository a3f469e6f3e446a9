"""Alerts of Alertmanager and Grafana, and Grafana's annotations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pushing import Sender, ask, names
from widgets import clock
from widgets.clock import SECOND
from widgets.models import Event, FeedState, Series

HOOK = "/api/hooks/alertmanager"


def alert(name: str = "Down", status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": f"{name} it is"},
        "startsAt": "2026-06-01T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "c0ffee",
    }


def notification(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}:{a}", "receiver": "wall", "alerts": alerts, **more}


def shown() -> dict[str, tuple[float | None, str, str]]:
    return {s.name: (s.value, s.state, s.message) for s in Series.objects.filter(ended=False)}


@pytest.mark.parametrize("hook", [HOOK, "/api/hooks/grafana"])
async def test_an_alert_that_fires_is_a_series_and_ends_when_it_is_resolved(
    sender: Sender, hook: str
) -> None:
    firing = alert(severity="critical", instance="a")

    answer = await sender.post(hook, notification(firing, alert("Slow", team="x")))
    fired = await ask(shown)
    await sender.post(hook, notification({**firing, "status": "resolved"}, alert("Slow", team="x")))
    resolved = await ask(shown)

    assert (answer.status, answer.json) == (200, {"taken": 2})
    assert await ask(names) == ["alerts"]
    assert fired == {
        "Down{instance=a}": (1.0, "critical", "Down it is"),
        "Slow{team=x}": (1.0, "warning", "Slow it is"),
        "firing": (2.0, "ok", ""),
    }
    assert resolved == {
        "Slow{team=x}": (1.0, "warning", "Slow it is"),
        "firing": (1.0, "ok", ""),
    }


async def test_what_fires_is_counted_over_all_groups(sender: Sender) -> None:
    await sender.post(HOOK, notification(alert("A"), alert("B"), groupKey="1"))
    await sender.post(HOOK, notification(alert("C"), groupKey="2"))
    both = (await ask(shown))["firing"][0]
    await sender.post(HOOK, notification(alert("A", "resolved"), alert("B", "resolved"),
                                         groupKey="1"))  # fmt: skip
    one = await ask(shown)

    assert both == 3.0
    assert one == {"C": (1.0, "warning", "C it is"), "firing": (1.0, "ok", "")}
    assert await ask(lambda: len(FeedState.objects.get().memo["groups"])) == 1


async def test_what_was_left_out_is_said(sender: Sender) -> None:
    await sender.post(HOOK, notification(alert(), truncatedAlerts=7))

    assert (await ask(shown))["firing"][2] == "7 more alerts were not sent (max_alerts)"


async def test_labels_that_are_too_long_for_a_name_are_left_out_of_it(sender: Sender) -> None:
    await sender.post(HOOK, notification(alert(path="x" * 600)))

    assert "Down{c0ffee}" in await ask(shown)


@pytest.mark.parametrize(
    ("severity", "state"),
    [("critical", "critical"), ("PAGE", "critical"), ("warning", "warning"), ("info", "ok"),
     ("anything", "warning")],
)  # fmt: skip
async def test_the_severity_is_the_state(sender: Sender, severity: str, state: str) -> None:
    await sender.post(HOOK, notification(alert(severity=severity)))

    assert (await ask(shown))["Down"][1] == state


async def test_the_feed_may_be_named(sender: Sender) -> None:
    await sender.post(f"{HOOK}?feed=shop.alerts", notification(alert()))

    assert await ask(names) == ["shop.alerts"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ([], "an object is expected, not a list"),
        ({"text": "a custom payload"}, "alerts: a list is expected, as Alertmanager sends it"),
        ({"alerts": [{}] * 2_001}, "alerts: 2,001 alerts; 2,000 is the most"),
        ({"alerts": [5]}, "alerts[0]: an object is expected, not a number"),
        ({"alerts": [{"status": "firing"}]}, "alerts[0].labels: an object is expected, not null"),
        ({"alerts": [alert(status="pending")]}, "alerts[0].status: firing or resolved is expected"),
        ({"alerts": [alert("a\0b")]}, "alerts[0].labels: the series name"),
        ({"alerts": [alert(**{f"l{i}": "" for i in range(70)})]}, "labels; 64 is the most"),
    ],
)
async def test_what_is_wrong_is_named(sender: Sender, body: Any, said: str) -> None:
    answer = await sender.post(HOOK, body)

    assert answer.status == 400
    assert said in answer.json["error"]


# Annotations


def notes() -> list[tuple[int, int | None, str]]:
    return list(Event.objects.filter(axis="note").values_list("start", "end", "text"))


async def test_a_note_stands_among_the_events_once(sender: Sender) -> None:
    now = clock.now() // SECOND * SECOND
    given = {"text": "v2", "tags": ["deploy", "shop"], "time": now // 1000, "dashboardUID": "x"}

    first = await sender.post("/api/annotations", given)
    await sender.post("/api/annotations", given)
    await sender.post("/api/annotations", {**given, "timeEnd": now // 1000 + 5})

    assert first.status == 200
    assert first.json["message"] == "Annotation added"
    assert first.json["id"] > 0
    assert sorted(await ask(notes)) == [
        (now, now, "deploy, shop: v2"),
        (now, now + 5_000, "deploy, shop: v2"),
    ]
    assert await ask(names) == ["annotations"]


async def test_a_note_of_graphite(sender: Sender) -> None:
    now = clock.now() // SECOND

    answer = await sender.post(
        "/api/annotations/graphite?feed=f",
        {"what": "deploy", "tags": "a,b", "when": now, "data": "v2"},
    )

    assert answer.json["message"] == "Graphite annotation added"
    assert await ask(notes) == [(now * SECOND, now * SECOND, "a, b: deploy\nv2")]


async def test_without_a_time_it_is_now(sender: Sender) -> None:
    before = clock.now()

    await sender.post("/api/annotations", {"text": "x"})

    ((start, end, _),) = await ask(notes)
    assert before <= start <= clock.now()
    assert start == end


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "text: a text is expected"),
        ({"text": 5}, "text: text is expected, not a number"),
        ({"text": "x", "tags": [1]}, "tags: a list of texts is expected"),
        ({"text": "x", "time": "noon"}, "time: a number is expected, not text"),
        ({"text": "x", "time": 2**63}, "time: 9223372036854775808 is no moment"),
        ({"text": "x", "time": 253402300799000}, "time: its time is"),
        ({"text": "x", "time": -1}, "time: its time is before 1970"),
        ('{"text": "x", "time": NaN}', "time: nan is no moment"),
    ],
)
async def test_a_wrong_note_is_refused(sender: Sender, body: Any, said: str) -> None:
    answer = await sender.post("/api/annotations", body)

    assert answer.status == 400
    assert said in answer.json["message"]
    assert await ask(notes) == []
