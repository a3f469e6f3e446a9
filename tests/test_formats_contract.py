"""What holds for every format, whatever a stranger sends; a new one is tested by existing."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.feeds import NOON
from widgets.formats import BadPush, Format, Push, Request, Result, formats
from widgets.formats._points import MOST_FEED_NAME, MOST_POINTS
from widgets.judge import MOST_AHEAD
from widgets.push.door import Tally, gathered
from widgets.push.routing import Router
from widgets.reading import clean

STATUSES = (400, 401, 403, 404, 413, 415, 422, 503, 507)
every = pytest.mark.parametrize("one", list(formats), ids=lambda one: one.slug)
ROUTES = [
    pytest.param(one, route, id=f"{one.slug} {route.path}")
    for one in formats
    for route in one.routes
    if not route.open
]


def request_for(route: object, **given: object) -> Request:
    """A request for a route, each placeholder being `x`."""
    path = route.path  # type: ignore[attr-defined]
    return Request(
        method=sorted(route.methods)[-1],  # type: ignore[attr-defined]
        path=path,
        now=NOON,
        parts=dict.fromkeys(re.findall("<(.*?)>", path), "x"),
        only_feed="x",
        **given,  # type: ignore[arg-type]
    )


@every
def test_a_format_is_called_as_its_module_is(one: Format) -> None:
    assert type(one).__module__ == f"widgets.formats.{one.slug}"
    assert one.label
    assert inspect.getdoc(type(one)) != inspect.getdoc(Format)
    assert not vars(one)


def test_no_address_belongs_to_two_formats() -> None:
    router = Router(formats)
    for one in formats:
        for route in one.routes:
            for method in route.methods:
                found = router.find(method, re.sub("<.*?>", "x", route.path))
                assert found
                assert found.format is one, (found.format.slug, one.slug, route.path)
                assert found.route.open == route.open


@every
def test_an_address_begins_with_a_word_of_its_own(one: Format) -> None:
    for route in one.routes:
        assert re.fullmatch(r"(/[a-z0-9_]+)(/[a-z0-9_]+|/<[a-z]+>)*", route.path)
        assert route.methods <= {"GET", "HEAD", "POST", "PUT"}


@every
def test_every_result_has_an_answer(one: Format) -> None:
    bad = BadPush("line 3", "something is wrong with \ud800 this", 400)
    results = [
        Result(),
        Result(taken=3, version=5),
        Result(400, 3, [bad], 7, "3 taken, 8 refused"),
        *(
            Result(status, message="said")
            for status in (400, 401, 403, 404, 413, 415, 422, 503, 507)
        ),
    ]
    for route in one.routes:
        for result in results:
            if route.open:
                continue
            answer = one.answer(request_for(route), result)
            assert answer.status // 100 == result.status // 100 or result.taken, result
            assert isinstance(answer.body, bytes)
            for value in answer.headers.values():
                assert "\n" not in value
        if route.open:
            assert one.greet(request_for(route)).status in {200, 204}


# JSON of any shape, with the words that formats know, so that it gets further than the first key.
WORDS = st.sampled_from(
    ["time", "numbers", "units", "states", "rows", "text", "value", "current", "points", "items",
     "x", "y", "label", "auth_token", "alerts", "labels", "annotations", "status", "startsAt",
     "tags", "what", "when", "data", "resourceMetrics", "scopeMetrics", "metrics", "name", "sum",
     "gauge", "dataPoints", "asDouble", "asInt", "timeUnixNano", "attributes", "key", "histogram",
     "bucketCounts", "explicitBounds", "alertname", "severity", "fingerprint", "version",
     "groupLabels", "timeEnd", "suffix"]
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [2**63, -(2**63), 10**400, "critical", "firing", "9999-12-31T23:59:59Z", "1e5"]
    )
    | WORDS
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
# Pieces of line protocol and of a form.
LINES = st.lists(
    st.sampled_from(
        ["cpu", ",", "=", " ", "\n", "\\", '"', "1", "1i", "2u", "t", "host", "a", "#", "-", ".5",
         "e9", "1780315230", "\r", "\t", "\0", "ä", "\\n", "\\,", "nan", "inf", "&", "%"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def bodies() -> st.SearchStrategy[bytes]:
    return (
        st.binary(max_size=200)
        | JSON.map(lambda value: json.dumps(value).encode())
        | LINES.map(lambda text: text.encode())
    )


def check(one: Format, body: bytes, request: Request) -> None:
    """Whatever was sent: pushes that can be recorded, and errors that name a place."""
    tally = Tally()
    pushes = gathered(one.decode(body, request), tally)
    assert isinstance(one.token_in(body), str)
    for push in pushes:
        assert isinstance(push, Push)
        assert 1 <= len(push.feed) <= MOST_FEED_NAME
        assert push.feed.isprintable()
        assert not push.reading.complete or push.reading.numbers
        kept = clean(push.reading)
        for at in (kept.at, *(ts for _, ts, _ in kept.history)):
            assert at is None or 0 < at <= NOON + MOST_AHEAD
    for bad in tally.refused:
        assert len(str(bad)) < 1_000
        assert bad.sentence
    one.answer(request, tally.result())


@pytest.mark.parametrize(("one", "route"), ROUTES)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=bodies(),
    kind=st.sampled_from(["", "application/json", "application/x-protobuf", "text/plain"]),
    query=st.dictionaries(
        st.sampled_from(["precision", "status", "ping", "msg", "rid", "create", "feed"]),
        st.text(max_size=10),
        max_size=3,
    ),
)
def test_a_decoder_raises_nothing_but_its_own_error(
    one: Format, route: object, body: bytes, kind: str, query: dict[str, str]
) -> None:
    check(one, body, request_for(route, query=query, headers={"content-type": kind}))


def bombs() -> Iterator[tuple[str, bytes]]:
    deep = b"[" * 100_000
    yield "deep list", deep
    yield "deep object", b'{"a":' * 100_000
    yield "deep and closed", b"[" * 50_000 + b"1" + b"]" * 50_000
    yield "a million digits", b"1" * 1_000_000
    yield "a million digits in an object", b'{"a": ' + b"1" * 1_000_000 + b"}"
    yield "no UTF-8", b'{"a\xff": 1}'
    yield "lone surrogate", b'{"\\ud800": 1, "text": "\\ud800"}'
    yield "NUL", b'{"a\\u0000b": 1}'
    yield "a name of 64 kB", b'{"' + b"n" * 65_536 + b'": 1}'
    yield "a million keys", b"{" + b",".join(b'"%d":1' % i for i in range(1_000_000)) + b"}"
    yield "a million items", b"[" + b"[1,2]," * 1_000_000 + b"[1,2]]"
    yield "a line of 1 MB", b"a" * 1_000_000
    yield "a million tags", b"cpu," + b",".join(b"t%d=1" % i for i in range(1_000_000)) + b" v=1"
    yield "a million fields", b"cpu " + b",".join(b"f%d=1" % i for i in range(1_000_000))
    yield "half a million lines", b"cpu v=1\n" * 500_000
    yield "a million backslashes", b"\\" * 1_000_000
    yield "a million quotes", b'cpu v="' + b'\\"' * 500_000


BOMBS = dict(bombs())


@pytest.mark.parametrize("name", BOMBS)
@every
def test_bombs_are_refused_with_a_sentence_or_are_small(one: Format, name: str) -> None:
    for route in one.routes:
        if route.open:
            continue
        for kind in ("application/json", "application/x-protobuf"):
            request = request_for(route, headers={"content-type": kind})
            tally = Tally()
            pushes = gathered(one.decode(BOMBS[name], request), tally)
            held = sum(len(p.reading.numbers) + len(p.reading.history) for p in pushes)
            assert held <= MOST_POINTS
            assert len(pushes) <= MOST_POINTS
            assert all(len(str(bad)) < 1_000 for bad in tally.refused)
