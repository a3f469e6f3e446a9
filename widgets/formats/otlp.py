"""OpenTelemetry's metrics over HTTP, protobuf and JSON.

Written after https://opentelemetry.io/docs/specs/otlp/ and its metrics' data model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2

from widgets.formats import Answer, BadPush, Format, Push, Request, Result, route
from widgets.formats._json import check_size
from widgets.formats._points import MOST_TAGS, Points, series_name
from widgets.formats._proto import messages
from widgets.formats._quantiles import (
    QUANTILES,
    BadBuckets,
    Bucket,
    explicit,
    exponential,
    quantile,
)

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
# Of what a resource says of itself, what tells one process from another.
RESOURCE = ("service.name", "service.instance.id", "host.name")
_Status = messages("watchwall.rpc", {"Status": {"code": (1, "int32"), "message": (2, "string")}})[
    "Status"
]
_DELTA = metrics_pb2.AGGREGATION_TEMPORALITY_DELTA
_NO_VALUE = metrics_pb2.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK


class Otlp(Format):
    """`POST /v1/metrics`: what an SDK or a collector exports.

    The metric is the feed. Its series are `value` (a gauge, or the total of a cumulative sum),
    `delta` (of a delta sum), and of a histogram `p50` to `p99`, `count` and `sum`; each with its
    attributes, and with what of the resource tells one process from another.
    """

    slug = "otlp"
    label = "OpenTelemetry metrics"
    routes = (route("POST", "/v1/metrics"),)

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        sent = _parse(body, request)
        points = Points(request.now)
        for i, of_resource in enumerate(sent.resource_metrics):
            where = f"resourceMetrics[{i}]"
            points.part(where)
            try:
                about = _attributes(of_resource.resource.attributes, f"{where}.resource")
            except BadPush as error:
                yield error
                continue
            common = {name: about[name] for name in RESOURCE if name in about}
            for j, of_scope in enumerate(of_resource.scope_metrics):
                for k, metric in enumerate(of_scope.metrics):
                    place = f"{where}.scopeMetrics[{j}].metrics[{k}]"
                    points.part(place)
                    yield from _take(metric, common, points, place)
        yield from points.pushes()

    def answer(self, request: Request, result: Result) -> Answer:
        taken = result.good or result.taken
        message: Message
        if taken:
            message = ExportMetricsServiceResponse()
            if not result.good:
                # The rest is in the database, and must not be sent again.
                message.partial_success.rejected_data_points = len(result.refused) + result.more
                message.partial_success.error_message = result.message
        else:
            message = _Status(message=result.message)
        kind = JSON if _is_json(request) else PROTOBUF
        body = (
            json_format.MessageToJson(message, indent=None).encode()
            if kind == JSON
            else message.SerializeToString()
        )
        return Answer(200 if taken else result.status, body, {"Content-Type": kind})


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON


def _parse(body: bytes, request: Request) -> ExportMetricsServiceRequest:
    if _is_json(request):
        check_size(body)
    try:
        if not _is_json(request):
            return ExportMetricsServiceRequest.FromString(body)
        return json_format.Parse(
            body, ExportMetricsServiceRequest(), ignore_unknown_fields=True, max_recursion_depth=40
        )
    except (json_format.ParseError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BadPush("", f"this is no JSON of OTLP: {error}") from None
    except DecodeError:
        raise BadPush(
            "", "this is no ExportMetricsServiceRequest in protobuf; JSON says so by its type"
        ) from None


def _take(metric: Any, common: dict[str, str], points: Points, place: str) -> Iterator[BadPush]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    data = getattr(metric, kind)
    read, unit = _READERS[kind], _unit(metric.unit)
    for n, point in enumerate(data.data_points):
        where = f"{place}.{kind}.dataPoints[{n}]"
        points.part(where)
        try:
            tags = common | _attributes(point.attributes, where)
            at = point.time_unix_nano // 1000 or None
            if point.flags & _NO_VALUE:
                for field in _FIELDS[kind]:
                    points.lose(metric.name, series_name(field, tags), at or points.now, where)
                continue
            for field, value in read(point, data):
                # NaN is no observation, as of the quantile of a summary without any.
                if value == value:
                    points.add(
                        metric.name, series_name(field, tags), at, value, where,
                        unit=unit if field != "count" else "",
                    )  # fmt: skip
        except BadPush as error:
            if error.status == 413:
                raise
            yield error
        except BadBuckets as error:
            yield BadPush(where, str(error))


def _unit(given: str) -> str:
    """A unit of UCUM as people write it; `1` and what stands in braces are none."""
    return {"1": "", "By": "B"}.get(given, "" if given.startswith("{") else given)


def _attributes(given: Any, place: str) -> dict[str, str]:
    if len(given) > MOST_TAGS:
        raise BadPush(place, f"it has {len(given):,} attributes; {MOST_TAGS} is the most")
    return {pair.key: _said(pair.value) for pair in given}


def _said(value: Any) -> str:
    """An attribute's value as text. Lists and maps are cut: a name of 500 characters is refused."""
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind in {"array_value", "kvlist_value", "bytes_value"}:
        return f"({kind.partition('_')[0]})"
    return str(getattr(value, kind))


Fields = Iterable[tuple[str, float]]


def _number(point: Any) -> float:
    return float(getattr(point, point.WhichOneof("value") or "as_int"))


def _gauge(point: Any, _: Any) -> Fields:
    yield "value", _number(point)


def _sum(point: Any, data: Any) -> Fields:
    yield "delta" if data.aggregation_temporality == _DELTA else "value", _number(point)


def _histogram(point: Any, _: Any) -> Fields:
    yield from _distribution(point, explicit(point.bucket_counts, point.explicit_bounds))


def _exponential(point: Any, _: Any) -> Fields:
    buckets = exponential(
        point.scale, point.zero_count, point.positive.offset, point.positive.bucket_counts,
        point.negative.offset, point.negative.bucket_counts,
    )  # fmt: skip
    yield from _distribution(point, buckets)


def _distribution(point: Any, buckets: list[Bucket]) -> Fields:
    yield "count", float(point.count)
    if point.HasField("sum"):
        yield "sum", point.sum
    low = point.min if point.HasField("min") else None
    high = point.max if point.HasField("max") else None
    for name, share in QUANTILES.items():
        if (value := quantile(buckets, share, low, high)) is not None:
            yield name, value


def _summary(point: Any, _: Any) -> Fields:
    yield "count", float(point.count)
    yield "sum", point.sum
    for one in point.quantile_values:
        yield f"p{one.quantile * 100:g}", one.value


_READERS: dict[str, Callable[[Any, Any], Fields]] = {
    "gauge": _gauge,
    "sum": _sum,
    "histogram": _histogram,
    "exponential_histogram": _exponential,
    "summary": _summary,
}
_OF_DISTRIBUTIONS = ("count", "sum", *QUANTILES)
_FIELDS = {
    "gauge": ("value",),
    "sum": ("value", "delta"),
    "histogram": _OF_DISTRIBUTIONS,
    "exponential_histogram": _OF_DISTRIBUTIONS,
    "summary": _OF_DISTRIBUTIONS,
}
