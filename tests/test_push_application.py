"""The push addresses stand in front of Django, and share commits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.pushing import Sender, ask, values
from widgets import record
from widgets.commit import commit
from widgets.push import application


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/api/feeds/a"), ("POST", "/api/feeds/"), ("POST", "/api/feeds/a/b"),
     ("POST", "/login/"), ("DELETE", "/api/feeds/a"), ("POST", "//"), ("POST", "")],
)  # fmt: skip
async def test_what_belongs_to_no_format_goes_on_to_django(
    sender: Sender, method: str, path: str
) -> None:
    answer = await sender.send(method, path)

    assert (answer.status, answer.text) == (299, "Django")


async def test_many_at_a_time_are_all_answered_and_share_commits(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sender.post("/api/feeds/a", "0")
    commits: list[int] = []

    def counted(arrivals: Any, now: int) -> Any:
        commits.append(len(arrivals))
        return commit(arrivals, now)

    monkeypatch.setattr(record, "commit", counted)

    found = await asyncio.gather(
        *(sender.post("/api/feeds/a", f"[[{1_750_000_000 + i}, {i}]]") for i in range(100))
    )

    assert {answer.status for answer in found} == {200}
    assert sum(commits) == 100
    assert len(commits) < 50


async def test_a_large_body_is_decoded_in_a_thread(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "LARGE", 10)
    to_thread = asyncio.to_thread
    handed: list[Any] = []

    async def counted(work: Any) -> Any:
        handed.append(work)
        return await to_thread(work)

    monkeypatch.setattr(asyncio, "to_thread", counted)

    await sender.post("/api/feeds/a", '{"a": 1}')
    await sender.post("/api/feeds/a", '{"a": 1, "bbbbbbbbbbbbbb": 2}')

    assert await ask(values) == {"a/a": 1.0, "a/bbbbbbbbbbbbbb": 2.0}
    assert len(handed) == 1
