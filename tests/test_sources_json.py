from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.serving import serving
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources.json import JsonOptions, learn

LOAD = {
    "load": {"one": 0.5, "five": 1, "text": "0.5", "busy": True, "none": None},
    "big": 2**64,
    "hosts": [{"name": "a", "value": 1, "unit": "s"}, {"name": "b", "value": None}],
    "at": 1_700_000_000,
    "iso": "2023-11-14T22:13:20Z",
}


async def handle(request: web.Request) -> web.Response:
    match request.path:
        case "/html":
            return web.Response(text="<!doctype html><title>Sign in</title>")
        case "/large":
            return web.Response(body=b'["' + b"x" * 10_000_000 + b'"]')
        case "/deep":
            return web.Response(body=b"[" * 100_000 + b"]" * 100_000)
        case "/latin":
            return web.Response(body='{"x": "größer"}'.encode("latin-1"), charset="latin-1",
                                content_type="application/json")  # fmt: skip
        case "/much":
            rows = [{"i": i, "text": "x" * 100} for i in range(900)]
            return web.json_response(rows)
        case "/echo":
            return web.json_response(dict(request.headers))
        case "/echo/escaped":
            text = json.dumps(dict(request.headers)).replace("/", "\\/")
            return web.Response(text=text, content_type="application/json")
        case "/500":
            return web.json_response(LOAD, status=500)
    return web.json_response(LOAD)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving(handle) as address:
        yield address
    io.stop()


def ask(url: str, **options: Any) -> Reading:
    asked = fetch(sources["json"], {"url": url, **options}, {}, 20 * SECOND)
    return io.submit(asked).result(30)


def taken(document: Any, **options: Any) -> Reading:
    """What the source learns from a document, given as bytes or as what becomes JSON."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    charset = options.pop("charset", "")
    found = read(JsonOptions, {"url": "http://x", **options})
    return clean(learn(body, charset, found, "http://x"))


def test_numbers_rows_text_and_time_are_taken_from_an_answer(server: str) -> None:
    reading = ask(
        server,
        numbers={"load.1": "load.one", "busy": "load.busy", "big": "big"},
        units={"load.*": "", "b*": "B"},
        rows="hosts",
        text="join(' and ', hosts[].name)",
        time="at",
    )

    assert reading.numbers == {"load.1": 0.5, "busy": 1.0, "big": 18446744073709551616.0}
    assert reading.units == {"load.1": "", "busy": "B", "big": "B"}
    assert reading.rows == LOAD["hosts"]
    assert reading.text == "a and b"
    assert reading.at == 1_700_000_000 * SECOND
    assert reading.complete


def test_a_unit_is_given_to_a_name_with_brackets() -> None:
    reading = taken(LOAD, numbers={"disk[0]": "load.one"}, units={"disk[0]": "B"})

    assert reading.units == {"disk[0]": "B"}


def test_a_large_document_is_read_as_a_small_one_is(server: str) -> None:
    assert len(ask(server + "/much", rows="@").rows or ()) == 900


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/html", " answered with HTML or XML, not JSON"),
        ("/large", " answered with more than 1 MB; ask it for less"),
        ("/deep", ": the answer is nested too deeply"),
        ("/500", " answered 500 Internal Server Error"),
    ],
)
def test_what_is_no_answer_is_an_error_that_names_the_server(
    server: str, path: str, said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        ask(server + path, numbers={"x": "x"})

    assert str(caught.value) == server + said


def test_an_error_tells_nothing_of_the_addresss_query() -> None:
    with pytest.raises(SourceError) as caught:
        ask("http://127.0.0.1:1/path?key=opensesame", numbers={"x": "x"})

    assert str(caught.value) == "http://127.0.0.1:1: connection refused"


def test_an_encoding_that_the_answer_names_is_believed(server: str) -> None:
    assert ask(server + "/latin", text="x").text == "größer"


def test_many_numbers_come_from_an_object_or_from_a_list() -> None:
    listed = taken(LOAD, series="hosts")

    assert listed.numbers == {"a": 1.0}
    assert listed.units == {"a": "s"}
    assert taken({"a": 1, "b": None}, series="@").numbers == {"a": 1.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"numbers": {"cpu": "load.text"}},
            "cpu: `load.text` gave text '0.5'; a number was expected – use to_number(…)",
        ),
        ({"numbers": {"cpu": "load.on"}}, "cpu: `load.on` gave nothing; a number was expected"),
        ({"numbers": {"cpu": "hosts"}}, "cpu: `hosts` gave a list of 2; a number was expected"),
        ({"numbers": {"cpu": "sum(hosts)"}}, "cpu: `sum(hosts)` failed: In function sum(), "),
        ({"series": "load.one"}, "series: `load.one` gave the number 0.5; an object of name"),
        ({"series": "[at]"}, "series: item 0 of `[at]` is the number 1.7e+09; {name, value}"),
        ({"series": "[hosts[0], hosts[0]]"}, "series: `[hosts[0], hosts[0]]` gave 'a' twice"),
        ({"series": "load"}, "text: `load` gave text '0.5'; a number was expected"),
        ({"rows": "load"}, "rows: `load` gave an object of 5; a list of objects was expected"),
        ({"rows": "[at]"}, "rows: `[at]` gave a list of 1; a list of objects was expected"),
        ({"text": "iso", "time": "load.text"}, "time: `load.text` gave text '0.5'; seconds or"),
        ({"text": "iso", "time": "load.none"}, "time: `load.none` gave nothing; seconds or"),
    ],
)
def test_what_was_not_expected_names_the_expression_and_what_came(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        taken(LOAD, **options)

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("query", ["at", "iso", "join('', [iso, ''])"])
def test_seconds_milliseconds_and_iso_8601_mean_the_same_moment(query: str) -> None:
    milliseconds = {**LOAD, "at": LOAD["at"] * 1000}  # type: ignore[operator]

    assert taken(LOAD, text="iso", time=query).at == 1_700_000_000 * SECOND
    assert taken(milliseconds, text="iso", time=query).at == 1_700_000_000 * SECOND


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the answer is no JSON (Expecting value at line 1, column 1)"),
        (b'{"x": 1', "the answer is no JSON (Expecting ',' delimiter at line 1, column 8)"),
        (b'{"x": "\xe9"}', "the answer is not encoded as it should be: 'utf-8' codec"),
        (b'{"x": ' + b"9" * 5_000 + b"}", "the answer has a number of more than 4,300 digits"),
        (b'{"x": ' + b"9" * 400 + b"}", "x: `x` gave too large a number"),
        (b'{"x": NaN}', "x is nan, which is no number a wall can show"),
        (b'{"x": 1e999}', "x is inf, which is no number a wall can show"),
    ],
)
def test_rubbish_is_an_error_that_says_what_is_wrong(body: bytes, said: str) -> None:
    with pytest.raises((SourceError, BadReading)) as caught:
        taken(body, numbers={"x": "x"})

    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("document", "options"),
    [
        (b"x" * 34 + b"hunter2 and more", {"text": "a"}),
        ({"a": "x" * 34 + "hunter2 and more"}, {"numbers": {"a": "a"}}),
        ([{"name": "x" * 34 + "hunter2 and more", "value": 1}] * 2, {"series": "@"}),
        (b"{}", {"text": "a", "charset": "x" * 34 + "hunter2 and more"}),
    ],
)
def test_no_half_of_a_secret_stays_where_an_error_quotes_an_answer(
    document: Any, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_WORD", "hunter2 and more")

    with pytest.raises(SourceError, match=r"x{34}") as caught:
        taken(document, **options)

    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("path", ["/echo", "/echo/escaped"])
def test_a_login_that_a_server_sends_back_is_struck_out(server: str, path: str) -> None:
    login = base64.b64encode(b"ann:secret??secret???").decode()
    assert "/" in login

    reading = ask(server + path, user="ann", password="secret??secret???", text="Authorization")

    assert reading.text == "Basic ***"


def test_an_encoding_nobody_knows_is_an_error() -> None:
    for charset in ("klingon", "base64", "idna"):
        with pytest.raises(SourceError, match="encod"):
            taken(b'{"x": "\xff"}', numbers={"x": "x"}, charset=charset)


def test_text_that_no_database_holds_is_made_good() -> None:
    reading = taken(b'[{"a": "\\u0000", "b": "\\ud800", "c": NaN}]', rows="@", text="[0].b")

    assert reading.rows == [{"a": "�", "b": "�", "c": None}]
    assert reading.text == "�"


def test_documents_in_utf_16_are_read_without_being_told() -> None:
    assert taken('{"x": 1}'.encode("utf-16"), numbers={"x": "x"}).numbers == {"x": 1.0}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"numbers": {"x": "a..b"}}, "options.numbers: `a..b` is no JMESPath expression"),
        ({"series": "a["}, "options.series: `a[` is no JMESPath expression"),
        ({"rows": "a" * 2_000}, "options.rows: an expression has 1,000 characters at most"),
        ({"text": "(" * 999}, "options.text: `((((("),
        ({}, "options: say what to take: numbers, series, rows or text"),
    ],
)
def test_wrong_expressions_are_named_before_anything_is_asked(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadOptions) as caught:
        read(JsonOptions, {"url": "http://x", **options})

    assert str(caught.value).startswith(said)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(document=anything)
@pytest.mark.parametrize(
    "options", [{"numbers": {"x": "@"}}, {"series": "@"}, {"rows": "@"}, {"text": "@", "time": "@"}]
)
def test_any_document_is_a_reading_that_json_holds_or_an_error(
    options: dict[str, Any], document: Any
) -> None:
    try:
        reading = taken(document, **options)
    except (SourceError, BadReading):
        return  # An error with a sentence: see above for what each says.

    shown = json.dumps([dict(reading.numbers), reading.rows, reading.text], allow_nan=False)
    assert "\\u0000" not in shown
    shown.encode()


@settings(deadline=None)
@given(body=st.binary(max_size=40), charset=st.sampled_from(["", "utf-8", "utf-16", "latin-1"]))
def test_any_bytes_are_a_reading_or_an_error_of_the_source(body: bytes, charset: str) -> None:
    try:
        reading = taken(body, text="@", charset=charset)
    except SourceError:
        return  # Nothing else may be raised: it would stand on the tile as a failure of ours.

    assert reading.text is None or reading.text.encode()
