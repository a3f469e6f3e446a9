from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest.mock import Mock

import pytest
from django import forms

from tests.serving import speaking
from widgets import io, options
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import Options
from widgets.reading import MAX_TEXT, Reading, Verdict
from widgets.sources import Source, SourceError, sources

SECRET = "hunter/2 & co"
SHORT = SECOND // 20


class WordOptions(Options):
    word = forms.CharField(required=False)


class Says(Source):
    """Whatever the test's function gives."""

    slug = "says"
    Options = WordOptions

    def __init__(self, say: Any) -> None:
        self.say = say

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Any:
        return self.say(options, memo)


class Awaits(Says):
    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Any:
        return await self.say(options, memo)


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("WATCHWALL_SECRET_WORD", SECRET)
    return {"word": "${env:WATCHWALL_SECRET_WORD}"}


def run(
    source: Source,
    options: Any = None,
    memo: dict[str, Any] | None = None,
    within: int = 5 * SECOND,
    feed: Any = None,
) -> Reading:
    memo = {} if memo is None else memo
    return io.submit(fetch(source, options, memo, within, feed)).result(30)


def failure(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(SourceError) as caught:
        run(*args, **kwargs)
    return str(caught.value)


async def for_ever(options: Any, memo: dict[str, Any]) -> Reading:
    memo["half"] = "done"
    await asyncio.Event().wait()
    raise AssertionError


def test_a_fetch_that_hangs_is_cut_off_and_leaves_its_memo_alone() -> None:
    memo = {"count": 1}

    assert failure(Awaits(for_ever), None, memo, SHORT) == "no answer within 50 ms"
    assert memo == {"count": 1}


def test_a_fetch_that_succeeds_changes_its_memo() -> None:
    def say(options: Any, memo: dict[str, Any]) -> Reading:
        memo["count"] += 1
        return Reading(numbers={"x": memo["count"]})

    memo = {"count": 1}

    assert run(Says(say), None, memo).numbers == {"x": 2.0}
    assert memo == {"count": 2}


def test_a_thread_that_hangs_is_left_behind_only_once_a_feed() -> None:
    release = threading.Event()
    begun: list[int] = []

    def say(options: Any, memo: Any) -> Reading:
        begun.append(1)
        if len(begun) == 1:
            release.wait(30)
        return Reading(text="well")

    hanging = Says(say)
    assert failure(hanging, within=SHORT, feed=7) == "no answer within 50 ms"
    assert failure(hanging, feed=7) == (
        "the fetch before still hangs; another waits until it is over"
    )
    assert len(begun) == 1
    assert run(hanging, feed=8).text == "well"
    release.set()
    for thread in threading.enumerate():
        if thread.name == "fetch":
            thread.join(30)
    assert run(hanging, feed=7).text == "well"


def test_what_being_cut_off_means_is_for_the_source_to_say() -> None:
    class Check(Awaits):
        def cut_off(self, options: dict[str, Any], message: str) -> Reading:
            return Reading(numbers={"up": 0}, verdicts={"up": Verdict("critical", message)})

    reading = run(Check(for_ever), within=SHORT)

    assert reading.verdicts["up"].message == "no answer within 50 ms"


def test_a_time_limit_of_the_source_itself_is_not_taken_for_the_feeds() -> None:
    def say(options: Any, memo: Any) -> Reading:
        raise TimeoutError("the serial line is silent")

    assert failure(Says(say)) == "the serial line is silent"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Reading(numbers={"x": float("nan")}), "x is nan, which is no number"),
        (Reading(numbers={"x": "0.5"}), "x is text ('0.5'); a number was expected"),  # type: ignore[dict-item]
        (None, "TypeError: fetch gave NoneType where a Reading was expected"),
    ],
)
def test_a_reading_that_cannot_be_kept_fails_with_its_reason(given: Any, said: str) -> None:
    assert said in failure(Says(lambda options, memo: given))


def test_options_that_are_wrong_fail_with_their_path() -> None:
    source = Says(lambda options, memo: Reading())

    assert failure(source, {"wrod": 1}) == (
        'the options are wrong: options.wrod: unknown option; did you mean "word"?'
    )
    assert "WATCHWALL_SECRET_ABSENT is not set" in failure(
        source, {"word": "${env:WATCHWALL_SECRET_ABSENT}"}
    )


def test_options_are_read_once_until_they_change_and_nothing_is_left_in_them(
    monkeypatch: pytest.MonkeyPatch, secret: dict[str, str]
) -> None:
    reads = Mock(side_effect=options.read)
    monkeypatch.setattr("widgets.fetch.read", reads)
    words: list[str] = []

    def say(options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        words.append(options.pop("word"))
        return Reading({})

    for given in ({"word": "1"}, {"word": "1"}, {"word": 1}, secret, secret):
        run(Says(say), given, feed="a feed")
    run(Says(say), secret)

    assert words == ["1", "1", "1", SECRET, SECRET, SECRET]
    assert [call.args[1] for call in reads.call_args_list] == [
        {"word": "1"}, {"word": 1}, secret, secret,
    ]  # fmt: skip


def test_an_error_nobody_foresaw_names_its_class_and_is_logged_without_the_secret(
    secret: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    def say(options: Any, memo: Any) -> Reading:
        raise ZeroDivisionError(f"cannot split {options['word']}")

    with caplog.at_level(logging.ERROR):
        said = failure(Says(say), secret)

    assert said == (
        "the source failed: ZeroDivisionError: cannot split ${env:WATCHWALL_SECRET_WORD}"
    )
    assert "Traceback" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("written", [SECRET, "hunter/2%20%26%20co", "hunter%2F2%20%26%20co"])
def test_no_error_tells_a_secret_however_it_is_written(
    secret: dict[str, str], written: str
) -> None:
    def say(options: Any, memo: Any) -> Reading:
        raise SourceError(f"http://x/?key={written} answered 500")

    assert failure(Says(say), secret) == ("http://x/?key=${env:WATCHWALL_SECRET_WORD} answered 500")


def test_a_secret_that_comes_back_in_an_answer_is_struck_out(secret: dict[str, str]) -> None:
    def say(options: Any, memo: Any) -> Reading:
        word = options["word"]
        assert word == SECRET
        return Reading(
            text=word,
            rows=[{"echo": [f"Bearer {word}"]}],
            notes=[word],
            numbers={word: 1},
            units={word: "s"},
            verdicts={word: Verdict("ok", word)},
            history=[(word, 1, 1.0)],
        )

    reading = run(Says(say), secret)

    assert SECRET not in repr(reading)
    assert reading.rows == [{"echo": ["Bearer ${env:WATCHWALL_SECRET_WORD}"]}]


def test_no_half_of_a_secret_stays_where_a_text_is_cut(secret: dict[str, str]) -> None:
    def say(options: Any, memo: Any) -> Reading:
        word = options["word"]
        return Reading(text="x" * (MAX_TEXT - 7) + word, rows=[{"a": "x" * (MAX_TEXT - 7) + word}])

    assert "hunter" not in repr(run(Says(say), secret))


def test_an_error_is_text_that_every_database_holds_and_no_novel() -> None:
    def say(options: Any, memo: Any) -> Reading:
        raise SourceError("\0\ud800" + "x" * 10_000)

    said = failure(Says(say))

    assert len(said) == 500
    assert said.startswith("\N{REPLACEMENT CHARACTER}" * 2)


def test_a_hundred_targets_that_hang_do_not_hold_up_the_next() -> None:
    connected = threading.Semaphore(0)

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.release()
        await asyncio.Event().wait()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42")
        await writer.drain()

    with speaking(hang) as silent, speaking(answer) as quick:
        asked = [
            io.submit(fetch(sources["json"], taking(silent), {}, 600 * SECOND, i))
            for i in range(100)
        ]
        for _ in asked:
            assert connected.acquire(timeout=30)

        assert run(sources["json"], taking(quick)).numbers == {"x": 42.0}

        assert not any(one.done() for one in asked)
        io.stop()
        assert all(one.cancelled() for one in asked)


def test_a_hundred_names_whose_server_hangs_do_not_hold_up_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, looked_up = threading.Event(), threading.Semaphore(0)
    real = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if host.startswith("hangs"):
            looked_up.release()
            release.wait(60)
        return real("127.0.0.1", *args, **kwargs)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n42")
        await writer.drain()

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with ExitStack() as stack:
        quick = stack.enter_context(speaking(answer))
        stack.callback(release.set)
        asked = [
            io.submit(fetch(sources["json"], taking(f"http://hangs{i}.test"), {}, 600 * SECOND, i))
            for i in range(100)
        ]
        for _ in asked:
            assert looked_up.acquire(timeout=30)

        named = quick.replace("127.0.0.1", "answers.test")
        assert run(sources["json"], taking(named)).numbers == {"x": 42.0}

        assert not any(one.done() for one in asked)
        io.stop()


def taking(url: str) -> dict[str, Any]:
    return {"url": url, "numbers": {"x": "@"}}
