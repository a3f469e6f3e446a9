"""Prometheus' remote write, version 1.0.

Written after https://prometheus.io/docs/specs/prw/remote_write_spec/.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import cramjam
from django.conf import settings
from google.protobuf.message import DecodeError

from widgets.formats import Answer, BadPush, Format, Push, Request, Result, as_text, route
from widgets.formats._points import MOST_TAGS, Points, series_name
from widgets.formats._proto import messages

_WriteRequest = messages(
    "watchwall.prometheus",
    {
        "WriteRequest": {"timeseries": (1, "*TimeSeries")},
        "TimeSeries": {
            "labels": (1, "*Label"),
            "samples": (2, "*Sample"),
            "histograms": (4, "*bytes"),
        },
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Sample": {"value": (1, "double"), "timestamp": (2, "int64")},
    },
)["WriteRequest"]
# The one NaN by which Prometheus says that a series is no longer there.
STALE = 0x7FF0000000000002


class Prometheus(Format):
    """Prometheus, as a `remote_write` of its configuration.

    The metric is the feed; `value` with its labels is its series. The stale marker makes a series
    stale; any other NaN is no observation, and passed over.
    """

    slug = "prometheus"
    label = "Prometheus remote write"
    routes = (route("POST", "/api/v1/write"),)
    unpacks = frozenset({"snappy"})

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        if "io.prometheus.write.v2" in request.headers.get("content-type", ""):
            raise BadPush("Content-Type", "remote write 2.0 is not spoken here; 1.0 is", 415)
        if request.headers.get("content-encoding", "").strip().lower() == "snappy":
            body = unsnap(body, settings.PUSH_LIMIT)
        try:
            sent = _WriteRequest.FromString(body)
        except DecodeError:
            raise BadPush("", "this is no WriteRequest of Prometheus") from None
        points = Points(request.now)
        for i, series in enumerate(sent.timeseries):
            place = f"timeseries[{i}]"
            points.part(place)
            try:
                _take(series, points, place)
            except BadPush as error:
                if error.status == 413:
                    raise
                yield error
        yield from points.pushes()

    def answer(self, request: Request, result: Result) -> Answer:
        return Answer(204) if result.good else as_text(result.status, f"{result.message}\n")


def unsnap(body: bytes, limit: int) -> bytes:
    """A block of Snappy, unpacked; its length stands in front of it, so no more is unpacked."""
    try:
        if cramjam.snappy.decompress_raw_len(body) > limit:
            raise BadPush("", f"unpacked, the body is larger than {limit / 1_048_576:g} MiB", 413)
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError:
        raise BadPush("", "the body is no block of Snappy") from None


def _take(series: Any, points: Points, place: str) -> None:
    if len(series.labels) > MOST_TAGS:
        raise BadPush(place, f"it has {len(series.labels):,} labels; {MOST_TAGS} is the most")
    labels = {label.name: label.value for label in series.labels}
    feed = labels.pop("__name__", "")
    if not feed:
        raise BadPush(place, "it has no label __name__")
    if series.histograms:
        raise BadPush(place, f"{feed[:80]} is a native histogram, which is not read here")
    name = series_name("value", labels)
    for sample in series.samples:
        value, at = sample.value, sample.timestamp * 1000
        if value == value:
            points.add(feed, name, at, value, place)
        elif struct.unpack("<Q", struct.pack("<d", value))[0] == STALE:
            points.lose(feed, name, at, place)
