"""`manage.py feed try` of what is listened to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from widgets.clock import SECOND
from widgets.reading import Reading
from widgets.sources import Heard, Listened, Out, SourceError, Streamed, sources
from widgets.streams.trying import listened

Plan = Callable[[Out, threading.Event], None]


class Planned(Streamed):
    """Does what the test says."""

    slug = "planned"
    label = "Planned"
    plan: Plan

    def listen(self, feeds: Sequence[Listened], out: Out, stop: threading.Event) -> None:
        assert [feed.trial for feed in feeds] == [True]
        type(self).plan(out, stop)


@pytest.fixture
def source() -> Iterator[Planned]:
    with sources.added(Planned()) as one:
        yield one  # type: ignore[misc]


def heard(value: float, name: str = "") -> Heard:
    return Heard(0, Reading({"n": value}, at=int(value) * SECOND, complete=False), name)


def test_what_comes_first_is_shown_and_not_acknowledged(source: Planned) -> None:
    acknowledged: list[int] = []

    def plan(out: Out, stop: threading.Event) -> None:
        out.connected()
        assert out.room(0)
        out.put([heard(1), heard(2, "other")], lambda: acknowledged.append(1))
        stop.wait(20)
        out.put([heard(3)])
        out.drain()

    Planned.plan = staticmethod(plan)
    reading = listened(source, {}, 20 * SECOND)

    assert reading.numbers == {"n": 2}
    assert reading.history == [("n", SECOND, 1)]
    assert reading.notes == ['for the feed "other"']
    assert acknowledged == []


@pytest.mark.parametrize(
    ("connects", "wrong", "said"),
    [
        (True, "", "connected, and nothing came within 10 ms"),
        (False, "", "nothing came within 10 ms"),
        (True, "a: no JSON", "connected, and nothing came within 10 ms; a: no JSON"),
    ],
)
def test_that_nothing_came_is_said(source: Planned, connects: bool, wrong: str, said: str) -> None:
    def plan(out: Out, stop: threading.Event) -> None:
        if connects:
            out.connected()
        if wrong:
            out.failed(0, wrong)
        stop.wait(20)

    Planned.plan = staticmethod(plan)
    with pytest.raises(SourceError) as caught:
        listened(source, {}, SECOND // 100)

    assert str(caught.value) == said


def test_why_it_does_not_connect_is_said_without_a_secret(
    source: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_BROKER", "opensesame")

    def plan(out: Out, stop: threading.Event) -> None:
        raise SourceError("refused to opensesame")

    Planned.plan = staticmethod(plan)
    with pytest.raises(SourceError, match=r"^refused to \$\{env:WATCHWALL_SECRET_BROKER\}$"):
        listened(source, {}, 20 * SECOND)


def test_wrong_options_are_said(source: Planned) -> None:
    Planned.plan = staticmethod(lambda out, stop: None)

    with pytest.raises(SourceError, match=r"^the options are wrong: options\.x: unknown option"):
        listened(source, {"x": 1}, SECOND)
