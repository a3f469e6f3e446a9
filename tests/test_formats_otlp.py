"""OpenTelemetry's metrics, in protobuf and in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)

from tests.feeds import NOON
from tests.pushing import Sender, ask, values
from widgets import clock
from widgets.formats import BadPush, Push, Reload, Request, formats
from widgets.push.door import Tally, gathered
from widgets.reading import clean

NS = NOON * 1000
JSON = {"content-type": "application/json; charset=utf-8"}


def metrics(*given: dict[str, Any], **resource: str) -> dict[str, Any]:
    attributes = [{"key": k, "value": {"stringValue": v}} for k, v in resource.items()]
    return {
        "resourceMetrics": [
            {"resource": {"attributes": attributes}, "scopeMetrics": [{"metrics": list(given)}]}
        ]
    }


def point(**given: Any) -> dict[str, Any]:
    return {"timeUnixNano": str(NS), **given}


def decode(body: Any, headers: dict[str, str] = JSON) -> list[Push | BadPush]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request("POST", "/v1/metrics", NOON, headers=headers)
    return [one for one in formats["otlp"].decode(text, request) if not isinstance(one, Reload)]


def numbers(*given: dict[str, Any], **resource: str) -> dict[str, float]:
    """Of the only reading, read from JSON and from protobuf."""
    body = metrics(*given, **resource)
    packed = json_format.ParseDict(body, ExportMetricsServiceRequest()).SerializeToString()
    (push,) = decode(body)
    assert [push] == decode(packed, {"content-type": "application/x-protobuf"})
    assert isinstance(push, Push)
    assert push.reading.at == NOON
    return dict(push.reading.numbers)


def problem(body: Any, **headers: str) -> str:
    try:
        (found,) = decode(body, headers or JSON)
    except BadPush as error:
        found = error
    return str(found)


def test_a_gauge_is_a_value_with_its_attributes() -> None:
    tags = [
        {"key": "room", "value": {"stringValue": "a"}},
        {"key": "floor", "value": {"intValue": "2"}},
        {"key": "on", "value": {"boolValue": True}},
        {"key": "list", "value": {"arrayValue": {"values": []}}},
    ]
    gauge = {"dataPoints": [point(asDouble=21.5, attributes=tags), point(asInt="-3")]}

    assert numbers({"name": "temp", "gauge": gauge}) == {
        "value{floor=2,list=(array),on=true,room=a}": 21.5,
        "value": -3.0,
    }


def test_what_tells_one_process_from_another_is_in_the_name() -> None:
    gauge = {"dataPoints": [point(asInt=1)]}
    resource = {"service.name": "shop", "host.name": "a", "telemetry.sdk.name": "opentelemetry"}

    assert numbers({"name": "n", "gauge": gauge}, **resource) == {
        "value{host.name=a,service.name=shop}": 1.0
    }


@pytest.mark.parametrize(("temporality", "field"), [(1, "delta"), (2, "value")])
def test_both_temporalities_of_a_sum_are_told_apart(temporality: int, field: str) -> None:
    total = {"aggregationTemporality": temporality, "isMonotonic": True,
             "dataPoints": [point(asInt="7")]}  # fmt: skip

    assert numbers({"name": "n", "sum": total}) == {field: 7.0}


def test_a_histogram_is_its_quantiles_count_and_sum() -> None:
    histogram = {
        "aggregationTemporality": 1,
        "dataPoints": [
            point(count="100", sum=1000, bucketCounts=["0", "50", "50", "0"],
                  explicitBounds=[0, 10, 20], min=1, max=19)
        ],
    }  # fmt: skip

    found = numbers({"name": "latency", "unit": "ms", "histogram": histogram})

    assert found == {
        "count": 100.0, "sum": 1000.0, "p50": 10.0,
        "p90": pytest.approx(17.2), "p95": pytest.approx(18.1), "p99": pytest.approx(18.82),
    }  # fmt: skip


def test_units_are_told_as_people_write_them() -> None:
    def unit(given: str) -> Any:
        histogram = {"dataPoints": [point(count="1", sum=1)]}
        (push,) = decode(metrics({"name": "n", "unit": given, "histogram": histogram}))
        assert isinstance(push, Push)
        return push.reading.units

    assert unit("ms") == {"sum": "ms"}
    assert unit("By") == {"sum": "B"}
    assert unit("1") == unit("{request}") == {}


def test_an_exponential_histogram_and_a_summary() -> None:
    exponential = {"dataPoints": [
        point(count="2", scale=0, zeroCount="0", positive={"offset": 0, "bucketCounts": ["1", "1"]})
    ]}  # fmt: skip
    summary = {"dataPoints": [
        point(count="5", sum=9, quantileValues=[{"quantile": 0.5, "value": 2},
                                               {"quantile": 0.99, "value": "NaN"}])
    ]}  # fmt: skip

    assert numbers({"name": "n", "exponentialHistogram": exponential})["p50"] == 2.0
    assert numbers({"name": "n", "summary": summary}) == {"count": 5.0, "sum": 9.0, "p50": 2.0}


def test_no_recorded_value_means_that_it_is_lost() -> None:
    (push,) = decode(metrics({"name": "n", "gauge": {"dataPoints": [point(flags=1)]}}))

    assert isinstance(push, Push)
    assert (push.reading.numbers, push.reading.lost) == ({}, ["value"])


def test_without_a_time_it_is_true_on_arrival() -> None:
    (push,) = decode(metrics({"name": "n", "gauge": {"dataPoints": [{"asInt": 1}]}}))

    assert isinstance(push, Push)
    assert push.reading.at is None


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ({"name": "", "gauge": {"dataPoints": [point(asInt=1)]}}, "the name of the feed is empty"),
        ({"name": "n", "gauge": {"dataPoints": [point(asDouble="Infinity")]}}, "value is inf"),
        ({"name": "n", "gauge": {"dataPoints": [{"asInt": 1, "timeUnixNano": str(2**63)}]}},
         "its time is 7,443,"),
        ({"name": "n\0", "gauge": {"dataPoints": [point(asInt=1)]}}, "cannot be printed"),
        ({"name": "n" * 65_536, "gauge": {"dataPoints": [point(asInt=1)]}}, "200 is the most"),
        ({"name": "n", "gauge": {"dataPoints": [point(asInt=1, attributes=[
            {"key": str(i)} for i in range(10_000)])]}}, "it has 10,000 attributes; 64 is"),
        ({"name": "n", "histogram": {"dataPoints": [point(bucketCounts=["1"],
            explicitBounds=[1, 2])]}}, "2 bounds want 3 buckets and not 1"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_the_rest_is_taken(metric: dict[str, Any], said: str) -> None:
    good = {"name": "good", "gauge": {"dataPoints": [point(asInt=1)]}}
    found = decode(metrics(good, metric))

    (bad,) = (one for one in found if isinstance(one, BadPush))
    assert bad.place.startswith("resourceMetrics[0].scopeMetrics[0].metrics[1].")
    assert said in bad.sentence
    assert "good" in [one.feed for one in found if isinstance(one, Push)]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"nonsense", "this is no JSON of OTLP"),
        (b'{"resourceMetrics": 5}', "this is no JSON of OTLP"),
        (b"[" * 100_000, "this is no JSON of OTLP"),
        (b'{"resourceMetrics":[{"resource":{"attributes":[{"value":{"arrayValue":{"values":['
         + b'{"arrayValue":{"values":[' * 50, "this is no JSON of OTLP"),
        (b"1" * 5_000, "this is no JSON of OTLP"),
    ],
)  # fmt: skip
def test_json_that_is_none_is_refused(body: bytes, said: str) -> None:
    assert said in problem(body)


def test_protobuf_that_is_none_is_refused() -> None:
    assert "in protobuf" in problem(b"\xff" * 30, **{"content-type": "application/x-protobuf"})


SCALARS = st.none() | st.integers(-(2**63), 2**64) | st.floats() | st.text(max_size=5)
KEYS = ["dataPoints", "asInt", "asDouble", "timeUnixNano", "attributes", "flags", "count", "sum",
        "bucketCounts", "explicitBounds", "scale", "positive", "offset", "zeroCount", "min",
        "quantileValues", "quantile", "value", "key", "stringValue"]  # fmt: skip
INSIDE = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
    ),
    max_leaves=15,
)


@given(
    st.sampled_from(["gauge", "sum", "histogram", "exponentialHistogram", "summary"]),
    st.dictionaries(st.sampled_from(KEYS), INSIDE, max_size=6),
)
def test_whatever_a_point_says_it_is_taken_or_named(kind: str, given: dict[str, Any]) -> None:
    body = metrics({"name": "n", kind: {"dataPoints": [given]}})
    tally = Tally()
    request = Request("POST", "/v1/metrics", NOON, headers=JSON)

    for push in gathered(formats["otlp"].decode(json.dumps(body).encode(), request), tally):
        clean(push.reading)


def sent(*given: dict[str, Any]) -> dict[str, Any]:
    return metrics(*given, **{"service.name": "shop"})


async def test_it_is_answered_in_the_type_that_was_sent(sender: Sender) -> None:
    now = str(clock.now() * 1000)
    good = {"name": "n", "gauge": {"dataPoints": [{"asInt": 1, "timeUnixNano": now}]}}
    bad = {"name": "", "gauge": {"dataPoints": [{"asInt": 1}]}}
    kind = {"Content_Type": "application/json"}

    taken = await sender.post("/v1/metrics", sent(good), **kind)
    partly = await sender.post("/v1/metrics", sent(good, bad), **kind)
    refused = await sender.post("/v1/metrics", sent(bad), **kind)
    nothing = await sender.post("/v1/metrics", b"", Content_Type="application/x-protobuf")
    packed = json_format.ParseDict(sent(good, bad), ExportMetricsServiceRequest())
    protobuf = await sender.post(
        "/v1/metrics", packed.SerializeToString(), Content_Type="application/x-protobuf"
    )

    assert (taken.status, taken.json) == (200, {})
    assert partly.status == 200
    assert partly.json["partialSuccess"]["rejectedDataPoints"] == "1"
    assert "the name of the feed is empty" in partly.json["partialSuccess"]["errorMessage"]
    assert (refused.status, "is empty" in refused.json["message"]) == (400, True)
    assert (nothing.status, nothing.body) == (200, b"")
    assert protobuf.headers["content-type"] == "application/x-protobuf"
    answer = ExportMetricsServiceResponse.FromString(protobuf.body)
    assert answer.partial_success.rejected_data_points == 1
    assert await ask(values) == {"n/value{service.name=shop}": 1.0}
