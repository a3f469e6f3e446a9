from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets import io
from widgets.clock import HOUR, MINUTE, SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources.prometheus import PrometheusOptions, Stretch, learn, legend, stretch

NOW = 1_700_000_000 * SECOND


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


def ask(url: str, query: str, memo: dict[str, Any] | None = None, **options: Any) -> Reading:
    given = {"url": url, "query": query, **options}
    memo = {} if memo is None else memo
    return io.submit(fetch(sources["prometheus"], given, memo, 20 * SECOND)).result(30)


def learned(document: Any, of: Stretch | None = None, **options: Any) -> Reading:
    options = read(PrometheusOptions, {"url": "http://p", "query": "q", **options})
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return clean(learn(body, "", options, of, "http://p"))


def success(kind: str, result: Any, **more: Any) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}, **more}


def one(value: Any = "1", **labels: str) -> dict[str, Any]:
    return {"metric": labels, "value": [1_700_000_000.1, value]}


# -- the real one ------------------------------------------------------------------------------


def test_an_instant_query_gives_each_result_as_a_series(
    prometheus: str, node_exporter: str
) -> None:
    reading = ask(prometheus, "up", unit="")

    instance = node_exporter.removeprefix("http://")
    assert reading.numbers == {f"up{{instance={instance},job=node}}": 1.0}
    assert reading.complete
    assert not reading.notes


def test_a_legend_is_made_of_labels(prometheus: str) -> None:
    reading = ask(prometheus, "node_load1", legend="load of {{job}}", unit="%")

    assert set(reading.numbers) == {"load of node"}
    assert reading.units == {"load of node": "%"}


def test_a_legend_that_tells_nothing_apart_is_an_error(prometheus: str) -> None:
    with pytest.raises(SourceError, match="two results are called 'node'; put a label into the"):
        ask(prometheus, "node_cpu_seconds_total", legend="{{job}}")


def test_no_result_is_no_data_and_not_0(prometheus: str) -> None:
    reading = ask(prometheus, "no_such_metric")

    assert reading.numbers == {}
    assert reading.notes == ["no data: the query has no result"]


def test_a_range_brings_the_past_along_once(prometheus: str) -> None:
    memo: dict[str, Any] = {}

    first = ask(prometheus, "past_gauge", memo, range="30min", step="10s", legend="{{host}}")
    second = ask(prometheus, "past_gauge", memo, range="30min", step="10s", legend="{{host}}")

    assert set(first.numbers) == {"a"}
    assert first.at is not None
    assert 170 <= len(first.history) <= 180
    moments = [ts for _, ts, _ in first.history]
    assert moments == sorted(moments)
    assert first.at - moments[0] == 30 * MINUTE
    assert all(b - a == 10 * SECOND for a, b in pairwise(moments))
    assert len(second.history) <= 1
    assert set(second.numbers) == {"a"}
    assert second.at is not None
    assert second.at > first.at


def test_another_query_begins_anew(prometheus: str) -> None:
    memo: dict[str, Any] = {}
    ask(prometheus, "past_gauge", memo, range="10min")

    reading = ask(prometheus, "past_total", memo, range="10min")

    assert len(reading.history) > 250


def test_a_rate_over_the_past_is_what_it_was(prometheus: str) -> None:
    reading = ask(prometheus, "rate(past_total[1m])", range="20min", step="1min", legend="r")

    assert {round(value, 6) for _, _, value in reading.history} == {1.0}


def test_samples_of_a_range_selector_come_with_their_own_times(prometheus: str) -> None:
    reading = ask(prometheus, "past_gauge[5m]", legend="{{host}}")

    assert reading.numbers == {}
    assert 25 <= len(reading.history) <= 31
    assert reading.notes == []


def test_scalars_and_strings_are_a_number_and_a_text(prometheus: str) -> None:
    assert ask(prometheus, "40 + 2").numbers == {"value": 42.0}
    assert ask(prometheus, '"all is well"').text == "all is well"


def test_what_is_not_finite_is_left_out_and_said(prometheus: str) -> None:
    reading = ask(prometheus, "vector(0) / 0")

    assert reading.numbers == {}
    assert reading.notes == ["1 values are left out: they are NaN or infinite"]


def test_what_prometheus_says_of_a_wrong_query_is_the_error(prometheus: str) -> None:
    with pytest.raises(SourceError, match=r"^http://127.*: bad_data: .*parse error"):
        ask(prometheus, "sum(")
    with pytest.raises(SourceError, match=r": execution: found duplicate series"):
        ask(prometheus, "node_load1 * on() node_cpu_seconds_total")


def test_an_address_that_is_no_prometheus_is_named(node_exporter: str) -> None:
    with pytest.raises(SourceError, match=r"answered with HTML or XML, not JSON"):
        ask(node_exporter, "up")


def test_a_path_before_the_api_and_what_follows_it_are_kept(prometheus: str) -> None:
    with pytest.raises(SourceError, match=r"404 Not Found; is it the address of a Prometheus\?"):
        ask(f"{prometheus}/below/", "up")
    assert ask(f"{prometheus}/?tenant=1", "up").numbers


# -- what it says, read ------------------------------------------------------------------------


def test_warnings_stand_beside_the_data() -> None:
    reading = learned(success("vector", [one(host="a")], warnings=["partial"], infos=["slow"]))

    assert reading.numbers == {"{host=a}": 1.0}
    assert reading.notes == ["partial", "slow"]


def test_native_histograms_are_counted_and_left_out() -> None:
    reading = learned(success("vector", [{"metric": {}, "histogram": [1, {}]}]))

    assert "1 histograms are left out; ask for histogram_quantile(…)" in reading.notes


def test_a_series_that_ended_within_the_range_is_of_the_past() -> None:
    of = Stretch(NOW, MINUTE, 3)
    ended = {"metric": {"host": "a"}, "values": [[1_699_999_880, "1"]]}
    alive = {"metric": {"host": "b"}, "values": [[1_699_999_940, "1"], [1_700_000_000, "2"]]}

    reading = learned(success("matrix", [ended, alive]), of, range="1h", legend="{{host}}")

    assert reading.numbers == {"b": 2.0}
    assert list(reading.history) == [("a", NOW - 2 * MINUTE, 1.0), ("b", NOW - MINUTE, 1.0)]
    assert reading.at == NOW


def test_a_last_point_that_was_moved_to_a_step_is_the_value_of_now() -> None:
    of = Stretch(NOW, MINUTE, 1)
    moved = {"metric": {}, "values": [[1_699_999_945, "1"]]}

    assert learned(success("matrix", [moved]), of, range="1h").numbers == {"value": 1.0}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("", "up{a=1,b=2}"),
        ("{{b}}/{{ a }}", "2/1"),
        ("{{missing}}x", "x"),
        ("{{__name__}}", "up"),
        ("{{b", "{{b"),
    ],
)
def test_legends(template: str, said: str) -> None:
    assert legend(template, {"__name__": "up", "b": "2", "a": "1"}) == said


@pytest.mark.parametrize(
    ("options", "until", "said"),
    [
        ({}, None, None),
        ({"range": HOUR}, None, Stretch(NOW, 12 * SECOND, 300)),
        ({"range": MINUTE}, None, Stretch(NOW, SECOND, 60)),
        ({"range": HOUR, "step": MINUTE}, None, Stretch(NOW, MINUTE, 60)),
        ({"range": HOUR, "step": MINUTE}, NOW - MINUTE, Stretch(NOW, MINUTE, 0)),
        ({"range": HOUR, "step": MINUTE}, NOW - MINUTE - 1, Stretch(NOW, MINUTE, 1)),
        ({"range": HOUR, "step": MINUTE}, NOW - 9 * HOUR, Stretch(NOW, MINUTE, 60)),
        # The clock was put back.
        ({"range": HOUR, "step": MINUTE}, NOW + HOUR, Stretch(NOW, MINUTE, 0)),
    ],
)
def test_what_is_asked_for_again_is_what_was_missed(
    options: dict[str, Any], until: int | None, said: Stretch | None
) -> None:
    assert stretch({"range": None, "step": None, **options}, until, NOW + 5) == said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"step": "1s"}, "options: a step is given without a range"),
        ({"range": "1d", "step": "1s"}, "options: 86,400 steps are in the range; 11,000 is the"),
        ({"range": "x"}, "options.range"),
        ({"query": ""}, "options.query"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadOptions) as caught:
        read(PrometheusOptions, {"url": "http://p", "query": "q", **options})

    assert str(caught.value).startswith(said)


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["metric", "value", "values", "histogram", "a"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(
    status=st.sampled_from(["success", "error", 1]),
    kind=st.sampled_from(["vector", "matrix", "scalar", "string", "?"]),
    result=anything,
    more=st.dictionaries(st.sampled_from(["warnings", "infos", "error"]), anything),
    of=st.sampled_from([None, Stretch(NOW, MINUTE, 3)]),
)
def test_any_answer_is_a_reading_or_an_error_of_the_source(
    status: Any, kind: str, result: Any, more: Any, of: Stretch | None
) -> None:
    document = {"status": status, "data": {"resultType": kind, "result": result}, **more}
    try:
        reading = learned(document, of, legend="{{a}}")
    except (SourceError, BadReading):
        return  # Nothing else may be raised: it would stand on the tile as a failure of ours.

    json.dumps([dict(reading.numbers), list(reading.history)], allow_nan=False)
