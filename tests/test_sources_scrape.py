from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from tests.serving import serving
from widgets import io
from widgets.clock import MINUTE, SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources.scrape import ScrapeOptions, learn

NOW = 1_700_000_000 * SECOND
OPENMETRICS = "application/openmetrics-text"


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def ask(url: str, memo: dict[str, Any], *metrics: str, **options: Any) -> Reading:
    given = {"url": url, "metrics": list(metrics), **options}
    return io.submit(fetch(sources["scrape"], given, memo, 20 * SECOND)).result(30)


def taken(
    page: str | bytes,
    memo: dict[str, Any] | None = None,
    *,
    now: int = NOW,
    kind: str = "text/plain",
    **options: Any,
) -> Reading:
    """The reading in a page; the memo is changed as the source does."""
    ready = read(ScrapeOptions, {"url": "http://x", "metrics": ["*"], **options})
    body = page.encode() if isinstance(page, str) else page
    memo = {} if memo is None else memo
    reading, after = learn(body, kind, ready, memo, now, "http://x")
    memo.clear()
    memo.update(after)
    return clean(reading)


# -- the real ones -----------------------------------------------------------------------------


def test_gauges_and_rates_of_a_node_exporter(node_exporter: str) -> None:
    memo: dict[str, Any] = {}
    patterns = ("node_load1", "node_cpu_seconds_total{*mode=user*}", "node_memory_MemFree_bytes")
    first = ask(f"{node_exporter}/metrics", memo, *patterns)
    memo["moment"] -= 2 * SECOND

    second = ask(f"{node_exporter}/metrics", memo, *patterns)

    assert set(first.numbers) == {"node_load1", "node_memory_MemFree_bytes"}
    rates = {name for name in second.numbers if name.startswith("node_cpu_seconds_total{cpu=")}
    assert rates
    assert all(0 <= second.numbers[name] <= 2 for name in rates)
    assert {second.units[name] for name in rates} == {"s/s"}
    assert second.units["node_memory_MemFree_bytes"] == "B"
    assert second.notes == []


def test_a_prometheus_tells_of_itself(prometheus: str) -> None:
    reading = ask(f"{prometheus}/metrics", {}, "prometheus_tsdb_head_series", "go_goroutines")

    assert reading.numbers["prometheus_tsdb_head_series"] > 100
    assert reading.numbers["go_goroutines"] > 1


def test_a_page_that_is_none_of_metrics_is_an_error(node_exporter: str) -> None:
    with pytest.raises(SourceError, match=r"answered with HTML; is /metrics missing"):
        ask(node_exporter, {}, "node_load1")


def everything() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("sold", "", ["item"], registry=registry).labels("a,b").inc(3)
    Gauge("open_bytes", "", registry=registry).set(7)
    Histogram("wait_seconds", "", buckets=[1], registry=registry).observe(0.5)
    Summary("size", "", registry=registry).observe(4)
    return registry


@pytest.mark.parametrize(
    ("kind", "write"), [("text/plain", generate_latest), (OPENMETRICS, generate_openmetrics)]
)
def test_both_formats_say_the_same(kind: str, write: Any) -> None:
    async def handle(request: web.Request) -> web.Response:
        return web.Response(body=write(everything()), headers={"Content-Type": f"{kind}; a=b"})

    memo: dict[str, Any] = {}
    with serving(handle) as url:
        ask(url, memo, "*")
        memo["raw"] = dict.fromkeys(memo["raw"], 1.0)
        memo["moment"] = time.time_ns() // 1000 - 10**15
        reading = ask(url, memo, "*")

    assert set(reading.numbers) == {
        "sold_total{item=a,b}", "open_bytes", "wait_seconds_count", "wait_seconds_sum",
        "size_count", "size_sum",
    }  # fmt: skip
    assert reading.units["wait_seconds_count"] == "/s"
    assert reading.units["wait_seconds_sum"] == "s/s"
    assert reading.units["open_bytes"] == "B"


# -- rates -------------------------------------------------------------------------------------

COUNTER = "# TYPE sold_total counter\nsold_total {}\n"


def test_a_counter_is_a_rate_since_the_fetch_before() -> None:
    memo: dict[str, Any] = {}

    first = taken(COUNTER.format(100), memo)
    second = taken(COUNTER.format(130), memo, now=NOW + 10 * SECOND)

    assert first.numbers == {}
    assert first.notes == ["rates come with the next reading"]
    assert second.numbers == {"sold_total": 3.0}
    assert second.units == {"sold_total": "/s"}
    assert second.notes == []


def test_a_counter_that_began_anew_counts_from_0() -> None:
    memo: dict[str, Any] = {}
    taken(COUNTER.format(100), memo)

    assert taken(COUNTER.format(20), memo, now=NOW + 10 * SECOND).numbers == {"sold_total": 2.0}
    assert taken(COUNTER.format(40), memo, now=NOW + 20 * SECOND).numbers == {"sold_total": 2.0}


def test_a_clock_that_was_put_back_gives_no_rate_this_once() -> None:
    memo: dict[str, Any] = {}
    taken(COUNTER.format(100), memo)

    assert taken(COUNTER.format(110), memo, now=NOW - SECOND).numbers == {}
    assert taken(COUNTER.format(120), memo, now=NOW).numbers == {"sold_total": 10.0}


def test_another_address_begins_anew() -> None:
    counts = iter([100, 1_000, 2_000])

    async def handle(request: web.Request) -> web.Response:
        return web.Response(text=COUNTER.format(next(counts)))

    memo: dict[str, Any] = {}
    with serving(handle) as url:
        ask(url, memo, "*")
        assert ask(f"{url}/other", memo, "*").numbers == {}
        assert ask(f"{url}/other", memo, "*").numbers["sold_total"] > 0


# -- what is taken -----------------------------------------------------------------------------


def test_buckets_are_taken_where_a_pattern_names_them() -> None:
    page = (
        "# TYPE w histogram\n" + 'w_bucket{le="1"} 3\nw_bucket{le="+Inf"} 3\nw_count 3\nw_sum 1\n'
    )
    memo: dict[str, Any] = {}
    taken(page, memo, metrics=["w_bucket*"])

    reading = taken(page, memo, now=NOW + SECOND, metrics=["w_bucket*"])

    assert set(reading.numbers) == {"w_bucket{le=1}", "w_bucket{le=+Inf}"}


def test_more_series_than_the_limit_are_said_and_left_out() -> None:
    page = "".join(f'load{{host="h{i:03}"}} {i}\n' for i in range(300))

    reading = taken(page, limit=5)

    assert len(reading.numbers) == 5
    assert reading.notes == [
        "300 series match; the first 5 are taken: narrow metrics, or raise limit"
    ]
    assert len(taken(page).numbers) == 200


def test_what_nothing_matches_is_said_with_what_is_near() -> None:
    reading = taken("node_load1 3\n", metrics=["node_loda1"])

    assert reading.numbers == {}
    assert reading.notes == ['nothing on the page matches node_loda1; did you mean "node_load1"?']


def test_what_is_not_finite_or_old_is_left_out_and_said() -> None:
    old = (NOW - 6 * MINUTE) // 1000
    page = f"a NaN\nb +Inf\nc 1 {old}\nd 2 {NOW // 1000}\n"

    reading = taken(page)

    assert reading.numbers == {"d": 2.0}
    assert reading.notes == [
        "2 values are left out: they are NaN or infinite",
        "1 series are left out: their values are older than 5 min",
    ]


def test_units_are_from_the_name_unless_said() -> None:
    page = "a_seconds 1\nb_celsius 2\nc 3\nd_bytes 4\n"

    reading = taken(page, units={"c": "%", "d_*": "blocks"})

    assert reading.units == {"a_seconds": "s", "b_celsius": "°C", "c": "%", "d_bytes": "blocks"}


def test_a_label_that_cannot_be_printed_costs_nothing_else() -> None:
    reading = taken('a{x="1\\n2"} 1\nb 2\n')

    assert reading.numbers == {"a{x=1�2}": 1.0, "b": 2.0}


# -- what strangers send -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("page", "kind", "said"),
    [
        ("a", "text/plain", "the page is none of metrics"),
        ("a{", "text/plain", "the page is none of metrics"),
        ("a 1 x\n", "text/plain", "the page is none of metrics"),
        ("a 1\n", OPENMETRICS, "the page is none of metrics: Missing # EOF at end"),
        (b"\xff", "text/plain", "the page is no text in UTF-8"),
        ("a 1\n" + "x" * 8_001, "text/plain", "line 2 has 8,001 characters; 8,000 is the most"),
    ],
)
def test_rubbish_is_an_error_that_says_what_is_wrong(
    page: str | bytes, kind: str, said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        taken(page, kind=kind)

    assert said in str(caught.value)


def test_metrics_must_be_named() -> None:
    with pytest.raises(BadOptions, match=r"options\.metrics: at least one is expected"):
        read(ScrapeOptions, {"url": "http://x"})


WORDS = ["a", "b_total", "1", "e9", "NaN", "# TYPE a ", "counter", "histogram", "# EOF\n",
         "# HELP ", "le", "\0", "\ud800", "é", '{quantile="1"}']  # fmt: skip
signs = st.sampled_from([*'{}="\\,#_ \n\t', *WORDS])


@settings(deadline=None, max_examples=400)
@given(signs=st.lists(signs, max_size=30), kind=st.sampled_from(["text/plain", OPENMETRICS]))
def test_any_page_is_a_reading_or_an_error_of_the_source(signs: list[str], kind: str) -> None:
    page = "".join(signs).encode("utf-8", "surrogatepass")
    try:
        reading = taken(page, {"moment": NOW - SECOND, "raw": {"b_total": 1.0}}, kind=kind)
    except (SourceError, BadReading):
        return  # Nothing else may be raised: it would stand on the tile as a failure of ours.

    assert all(name.isprintable() for name in reading.numbers)


@settings(deadline=None, max_examples=200)
@given(page=st.binary(max_size=60), kind=st.sampled_from(["text/plain", OPENMETRICS]))
def test_any_bytes_are_a_reading_or_an_error_of_the_source(page: bytes, kind: str) -> None:
    try:
        taken(page, kind=kind)
    except (SourceError, BadReading):
        return  # As above.
