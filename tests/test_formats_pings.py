"""Pings of Healthchecks and of Uptime Kuma, and what silence means."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from tests.feeds import NOON, arrive, make_feed, time_passes
from tests.pushing import Sender, ask, names
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.formats import healthchecks
from widgets.judge import promise
from widgets.models import Event, Feed, FeedState, Series
from widgets.push import tokens

RUNS = [f"00000000-0000-4000-8000-{i:012}" for i in range(30)]


@pytest.fixture
async def job(sender: Sender) -> Sender:
    """A sender whose token is for one feed, and stands in the address."""
    sender.token = ""
    sender.address = await ask(lambda: tokens.create("job", ["nightly"], as_uuid=True))  # type: ignore[attr-defined]
    return sender


def series() -> dict[str, tuple[float | None, str, str]]:
    return {s.name: (s.value, s.state, s.message) for s in Series.objects.filter(ended=False)}


def state() -> FeedState:
    return FeedState.objects.get(feed__name="nightly")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_a_ping_says_that_a_job_ran(job: Any, method: str) -> None:
    answer = await job.send(method, f"/ping/{job.address}")

    assert answer.status == 200
    assert answer.body == (b"" if method == "HEAD" else b"OK")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["ping-body-limit"] == "10000"
    assert await ask(series) == {"up": (1.0, "ok", "")}


@pytest.mark.parametrize(
    ("action", "body", "expected"),
    [
        ("/fail", b"", (0.0, "critical", "failed")),
        ("/fail", b"no space\nleft", (0.0, "critical", "failed: no space")),
        ("/1", b"", (0.0, "critical", "exit status 1")),
        ("/255", b"", (0.0, "critical", "exit status 255")),
        ("/0", b"fine", (1.0, "ok", "")),
    ],
)
async def test_a_ping_says_that_a_job_failed(
    job: Any, action: str, body: bytes, expected: tuple[float, str, str]
) -> None:
    await job.post(f"/ping/{job.address}{action}", body)

    assert await ask(series) == {"up": expected}
    assert (await ask(state)).text == (body.decode() or None)


async def test_from_start_to_end_is_the_duration(job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = NOON
    monkeypatch.setattr("widgets.clock.now", lambda: now)

    await job.get(f"/ping/{job.address}/start")
    assert (await ask(state)).notes == ["running since 2026-06-01 12:00:30 UTC"]
    assert await ask(series) == {}
    now += 90 * SECOND
    await job.get(f"/ping/{job.address}")

    assert (await ask(series))["duration"][0] == 90.0
    assert (await ask(state)).notes == []
    now += SECOND
    await job.get(f"/ping/{job.address}")
    assert list(await ask(series)) == ["up"]


async def test_runs_at_the_same_time_are_told_apart_by_their_id(
    job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOON
    monkeypatch.setattr("widgets.clock.now", lambda: now)
    for run in RUNS[:2]:
        await job.get(f"/ping/{job.address}/start?rid={run}")
        now += 10 * SECOND

    await job.get(f"/ping/{job.address}?rid={RUNS[1]}")
    second = (await ask(series))["duration"][0]
    now += SECOND
    await job.get(f"/ping/{job.address}/fail?rid={RUNS[0]}")
    first = (await ask(series))["duration"][0]

    assert (second, first) == (10.0, 21.0)


async def test_runs_that_never_end_are_forgotten(job: Any) -> None:
    for run in RUNS:
        await job.get(f"/ping/{job.address}/start?rid={run}")

    assert len((await ask(state)).memo["begun"]) == healthchecks.MOST_RUNS


async def test_a_log_is_no_sign_of_life(job: Any) -> None:
    await job.get(f"/ping/{job.address}")
    before = await ask(lambda: Series.objects.get().arrived)

    await job.post(f"/ping/{job.address}/log", b"half of it")

    assert await ask(lambda: Series.objects.get().arrived) == before
    assert (await ask(state)).text == "half of it"


async def test_a_long_body_is_cut(job: Any) -> None:
    await job.post(f"/ping/{job.address}", b"x" * 50_000)

    assert len((await ask(state)).text or "") == 10_000


async def test_a_key_and_a_name_mean_the_feed_of_that_name(sender: Sender) -> None:
    key, sender.token = sender.token, ""

    found = [
        (await sender.get(f"/ping/{key}{rest}")).status
        for rest in ("/backup", "/backup/start", "/backup/3", "/7", "", "/fail", "/backup/300",
                     "/backup/x")
    ]  # fmt: skip

    assert found == [200, 200, 200, 200, 404, 404, 404, 404]
    assert sorted(await ask(names)) == ["7", "backup"]
    assert (await ask(series))["up"]


@pytest.mark.parametrize("address", ["/ping/{}", "/ping/{}/fail", "/ping/{}/x/1", "/api/push/{}"])
async def test_a_strangers_ping_leaves_no_trace(sender: Sender, address: str) -> None:
    sender.token = ""

    answer = await sender.get(address.format("c1a7e8a4-9df4-4b0b-8b67-000000000000"))

    assert answer.status == 401
    assert await ask(names) == []


async def test_a_run_that_is_no_uuid_is_refused(job: Any) -> None:
    answer = await job.get(f"/ping/{job.address}?rid=nonsense")

    assert (answer.status, answer.text) == (400, "rid: 'nonsense' is no UUID\n")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"up": (1.0, "ok", "")}),
        ("?status=up&msg=OK&ping=12.5", {"up": (1.0, "ok", "OK"), "ping": (12.5, "ok", "")}),
        ("?status=down&msg=no%20answer&ping=", {"up": (0.0, "critical", "no answer")}),
        ("?status=anything", {"up": (0.0, "critical", "")}),
    ],
)
async def test_kumas_push(job: Any, query: str, expected: dict[str, Any]) -> None:
    answer = await job.get(f"/api/push/{job.address}{query}")

    assert (answer.status, answer.json) == (200, {"ok": True})
    assert await ask(series) == expected


@pytest.mark.parametrize("ping", ["-1", "1e12", "nan", "x"])
async def test_kumas_ping_is_milliseconds(job: Any, ping: str) -> None:
    answer = await job.get(f"/api/push/{job.address}?ping={ping}")

    assert answer.status == 400
    assert answer.json["ok"] is False
    assert "no number of milliseconds" in answer.json["msg"]


async def test_kumas_push_needs_a_token_for_one_feed(sender: Sender) -> None:
    answer = await sender.get(f"/api/push/{sender.token}")

    assert answer.status == 404
    assert "one for one is needed" in answer.json["msg"]


# Silence


def test_a_grace_makes_silence_late_and_then_down() -> None:
    promised = promise(None, 0, HOUR, 5 * MINUTE)

    assert (promised.late_after, promised.stale_after) == (HOUR, HOUR + 5 * MINUTE)
    assert not promised.is_down(NOON, NOON + HOUR + 5 * MINUTE - 1)
    assert promised.is_down(NOON, NOON + HOUR + 5 * MINUTE)
    assert not promised.is_down(None, NOON)
    assert promise(None, 0, HOUR).down_after is None


@pytest.mark.django_db
def test_a_job_that_falls_silent_is_late_then_critical_then_well_again() -> None:
    feed = make_feed("nightly", expect_every=HOUR, grace=5 * MINUTE)
    found = []

    def look() -> None:
        series = Series.objects.get()
        found.append((series.freshness, series.state, series.message, state().state))

    arrive(feed, {"up": 1})
    look()
    moments = []
    for _ in range(2):
        moments.append(state().judge_at)
        time_passes(feed, moments[-1] or 0)
        look()
    arrive(feed, {"up": 1}, at=NOON + 2 * HOUR)
    look()

    assert moments == [NOON + HOUR, NOON + HOUR + 5 * MINUTE]
    assert found == [
        ("fresh", "ok", "", "ok"),
        ("late", "ok", "", "ok"),
        ("stale", "critical", "silent for 1 h 5 min and more", "critical"),
        ("fresh", "ok", "", "ok"),
    ]
    event = Event.objects.get(axis="state")
    assert (event.what, event.text, event.end) == (
        "critical", "silent for 1 h 5 min and more", NOON + 2 * HOUR,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_grace_follows_on_what_is_expected() -> None:
    with pytest.raises(ValidationError, match="it follows on expect_every"):
        Feed(name="a", source="push", grace=MINUTE).full_clean()
