"""Trying what was typed: its source is asked, nothing is recorded, no secret is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from threading import Event
from typing import Any

import pytest
from django import forms
from django.test import Client
from django.utils.html import strip_tags

from tests.forms import inputs, opened
from widgets import io
from widgets.clock import SECOND
from widgets.models import Feed, FeedState, Sample
from widgets.options import MappingField, Options
from widgets.reading import Reading, Verdict
from widgets.sources import Heard, Listened, Out, Source, SourceError, Streamed, sources

pytestmark = pytest.mark.django_db
PATH = "/feeds/new/?source=says"
LITERAL = "correct-horse"


class SaysOptions(Options):
    word = forms.CharField(required=False)
    url = forms.CharField(initial="https://here.example")
    password = forms.CharField(required=False)
    headers = MappingField(required=False)


class Says(Source):
    """Whatever the test's function gives."""

    slug = "says"
    label = "Says"
    Options = SaysOptions

    def __init__(self) -> None:
        self.say: Any = lambda options, memo: Reading()
        self.asked: list[dict[str, Any]] = []

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        self.asked.append(options)
        found: Reading = self.say(options, memo)
        return found


@pytest.fixture
def says() -> Iterator[Says]:
    with sources.added(Says()) as source:
        assert isinstance(source, Says)
        yield source
    io.stop()


def tried(client: Client, path: str = PATH, **typed: str) -> str:
    answer = client.post(path, {**opened(client, path), **typed, "try": ""})
    assert answer.status_code == 200
    html: str = answer.content.decode()
    return html


def panel(html: str) -> str:
    return " ".join(strip_tags(html.partition("<aside")[2].replace("<", " <")).split())


def beside(html: str, field: str) -> str:
    return html.partition(f'id="id_{field}_error"')[2].partition("</p>")[0]


def test_what_its_source_says_is_shown_and_nothing_is_recorded(owner: Client, says: Says) -> None:
    says.say = lambda options, memo: Reading(
        numbers={"latency": 0.412, "<u>": 1},
        units={"latency": "s"},
        verdicts={"latency": Verdict("warning", "slow today")},
        rows=[{"name": "a", "n": 1}, {"name": "<i>", "more": None}],
        text="All is well.",
        history=[("latency", SECOND, 1.0)],
        notes=["one was left out"],
    )

    html = tried(owner, **{"options-word": "typed"})

    said = panel(html)
    assert "latency warning: slow today 412 ms" in said
    assert "2 rows" in said
    assert "name n more" in said
    assert "All is well." in said
    assert "1 point of the past" in said
    assert "one was left out" in said
    assert "<u>" not in html
    assert "<i>" not in html.partition("<aside")[2]
    assert says.asked[0]["word"] == "typed"
    assert "There is a feed" not in html
    assert beside(html, "name") == "", "a trial needs no name"
    assert not Feed.objects.exists()
    assert not Sample.objects.exists()


def test_what_was_typed_is_there_to_be_saved(owner: Client, says: Says) -> None:
    html = tried(owner, **{"options-word": "typed", "name": "it", "interval": "soon"})

    shown = inputs(html)
    assert (shown["options-word"], shown["name"], shown["interval"]) == ("typed", "it", "soon")


def refuse(sentence: str) -> Any:
    def say(options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        raise SourceError(sentence)

    return say


@pytest.mark.parametrize(
    ("sentence", "field"),
    [
        ("https://here.example: connection refused", "options-url"),
        ("word: no such word", "options-word"),
        ("WATCHWALL_SECRET_X is not set in the environment", "options-password"),
        ("no answer within 5 s", "timeout"),
    ],
)
def test_why_there_is_no_reading_stands_beside_the_field_that_it_concerns(
    owner: Client, says: Says, monkeypatch: pytest.MonkeyPatch, sentence: str, field: str
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_X", "whatever it is")
    says.say = refuse(sentence)

    html = tried(owner, **{"options-password": "${env:WATCHWALL_SECRET_X}"})

    assert sentence in beside(html, field)
    assert "There was no reading" in panel(html)


def test_what_is_typed_wrong_is_not_tried(owner: Client, says: Says) -> None:
    html = tried(owner, **{"options-headers": "no colon", "timeout": "5s"})

    assert "`name: text` is expected" in beside(html, "options-headers")
    assert says.asked == []


def test_it_is_cut_off_at_its_time_limit(owner: Client, says: Says) -> None:
    async def never(options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        import asyncio

        await asyncio.Event().wait()
        return Reading()

    says.fetch = never  # type: ignore[method-assign,assignment]

    html = tried(owner, timeout="200ms")

    assert "no answer within 200 ms" in beside(html, "timeout")


def test_a_server_that_answers_with_what_it_was_sent_tells_no_secret(
    owner: Client, says: Says
) -> None:
    says.say = lambda options, memo: Reading(
        numbers={f"n {LITERAL}": 1},
        rows=[{LITERAL: LITERAL, "nested": {"a": [LITERAL]}}],
        text=f"you said {options['headers']['Authorization']}",
        verdicts={f"n {LITERAL}": Verdict("ok", LITERAL)},
        notes=[LITERAL],
    )
    typed = {"options-password": LITERAL, "options-headers": f"Authorization: Bearer {LITERAL}"}

    html = tried(owner, **typed)

    assert LITERAL in str(says.asked), "it was really sent"
    assert LITERAL not in html
    says.say = refuse(f"refused: {LITERAL}")
    assert LITERAL not in tried(owner, **typed)


def test_a_secret_of_the_environment_is_used_and_not_shown(
    owner: Client, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_X", LITERAL)
    says.say = lambda options, memo: Reading(text=options["password"])

    html = tried(owner, **{"options-password": "${env:WATCHWALL_SECRET_X}"})

    assert says.asked[0]["password"] == LITERAL
    assert LITERAL not in html


def test_counters_are_asked_twice_so_that_there_are_rates(
    owner: Client, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("dashboard.feeds.tried.time.sleep", waited.append)

    def count(options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        before = memo.get("seen")
        memo["seen"] = 1
        return Reading(numbers={"rate": 7} if before else {})

    says.say = count

    assert "rate 7" in panel(tried(owner))
    assert waited == [1]


def test_a_trial_of_a_feed_leaves_what_its_source_remembers(owner: Client, says: Says) -> None:
    feed = Feed.objects.create(name="it", source="says", interval=10 * SECOND)
    FeedState.objects.update(memo={"seen": 41})

    def count(options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        memo["seen"] += 1
        return Reading(numbers={"seen": memo["seen"]})

    says.say = count

    assert "seen 42" in panel(tried(owner, f"/feeds/{feed.pk}/edit/"))
    assert FeedState.objects.get().memo == {"seen": 41}


class Murmurs(Streamed):
    """One number, and then nothing."""

    slug = "murmurs"
    label = "Murmurs"
    heard: Sequence[Heard] = (Heard(0, Reading(numbers={"level": 7}), name="tank.1"),)

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        assert feeds[0].trial
        out.put(self.heard)
        stop.wait(10)


def test_what_is_listened_to_shows_what_comes_first(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.feeds.tried.LISTENED", SECOND // 5)
    with sources.added(Murmurs()):
        heard = tried(owner, "/feeds/new/?source=murmurs")
        monkeypatch.setattr(Murmurs, "heard", ())
        silent = tried(owner, "/feeds/new/?source=murmurs")

    assert "level 7" in panel(heard)
    assert "for the feed &quot;tank.1&quot;" in panel(heard)
    assert "nothing came within 200 ms" in silent
    assert not Feed.objects.exists()


def test_what_is_handed_in_cannot_be_tried(owner: Client) -> None:
    html = owner.get("/feeds/new/?source=push").content.decode()

    assert 'name="try"' not in html
    assert "Nothing to try" in html
