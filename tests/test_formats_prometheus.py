"""Prometheus' remote write."""

from __future__ import annotations

import struct
from typing import Any

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.feeds import NOON
from tests.pushing import Sender, ask, values
from widgets import clock
from widgets.formats import BadPush, Push, Reload, Request, formats
from widgets.formats.prometheus import STALE, _WriteRequest
from widgets.models import Feed, Series
from widgets.reading import clean

MS = NOON // 1000
(STALE_NAN,) = struct.unpack("<d", struct.pack("<Q", STALE))


def written(*series: tuple[dict[str, str], list[tuple[int, float]]]) -> bytes:
    """A WriteRequest, not packed."""
    request = _WriteRequest()
    for labels, samples in series:
        one = request.timeseries.add()
        for name, text in labels.items():
            one.labels.add(name=name, value=text)
        for at, value in samples:
            one.samples.add(timestamp=at, value=value)
    found: bytes = request.SerializeToString()
    return found


def decode(body: bytes, **headers: str) -> list[Push | BadPush]:
    request = Request("POST", "/api/v1/write", NOON, headers=headers)
    found = formats["prometheus"].decode(body, request)
    return [one for one in found if not isinstance(one, Reload)]


def up(**labels: str) -> dict[str, str]:
    return {"__name__": "up", **labels}


def test_the_metric_is_the_feed_and_its_labels_are_the_series() -> None:
    (push,) = decode(
        written((up(job="node", instance="a"), [(MS - 1000, 1.0), (MS, 0.0)]), (up(), [(MS, 1.0)]))
    )

    assert isinstance(push, Push)
    assert push.feed == "up"
    assert push.reading.at == NOON
    assert push.reading.numbers == {"value{instance=a,job=node}": 0.0, "value": 1.0}
    assert push.reading.history == [("value{instance=a,job=node}", NOON - 1_000_000, 1.0)]


def test_a_stale_marker_is_told_from_any_other_nan() -> None:
    (push,) = decode(
        written(
            (up(a="gone"), [(MS, STALE_NAN)]),
            (up(a="none"), [(MS, float("nan"))]),
        )
    )

    assert isinstance(push, Push)
    assert (push.reading.numbers, push.reading.lost) == ({}, ["value{a=gone}"])


def test_nothing_is_taken_as_nothing() -> None:
    assert decode(b"") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff" * 20, "this is no WriteRequest of Prometheus"),
        (written(({"job": "x"}, [(MS, 1.0)])), "timeseries[0]: it has no label __name__"),
        (written((up(), [(MS, float("inf"))])), "timeseries[0]: value is inf"),
        (written((up(), [(2**63 - 1, 1.0)])), "timeseries[0]: its time is 9,223,"),
        (written((up(), [(-1, 1.0)])), "timeseries[0]: its time is before 1970"),
        (written((up(), [(2**63 - 1, STALE_NAN)])), "timeseries[0]: its time is 9,223,"),
        (written((up(a="\n"), [(MS, 1.0)])), "timeseries[0]: the series name"),
        (written((up(a="x" * 65_536), [(MS, 1.0)])), "500 is the most"),
        (written(({"__name__": "x" * 65_536}, [(MS, 1.0)])), "200 is the most"),
        (written((up(**{f"l{i}": "" for i in range(100_000)}), [(MS, 1.0)])),
         "timeseries[0]: it has 100,001 labels; 64 is the most"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(body: bytes, said: str) -> None:
    try:
        (found,) = decode(body)
    except BadPush as error:
        found = error
    assert said in str(found)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SAMPLES = st.tuples(st.integers(-(2**63), 2**63 - 1) | st.just(MS), st.floats())


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.just("__name__") | TEXTS, TEXTS, max_size=4),
            st.lists(SAMPLES, max_size=4),
        ),
        max_size=5,
    )
)
def test_whatever_is_written_is_taken_or_named(series: list[Any]) -> None:
    for found in decode(written(*series)):
        if isinstance(found, BadPush):
            assert found.place.startswith("timeseries[")
        else:
            clean(found.reading)


def test_a_native_histogram_is_refused_by_name() -> None:
    request = _WriteRequest()
    one = request.timeseries.add()
    one.labels.add(name="__name__", value="latency")
    one.histograms.append(b"")

    assert [str(bad) for bad in decode(request.SerializeToString())] == [
        "timeseries[0]: latency is a native histogram, which is not read here"
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff" * 20, "no block of Snappy"),
        (b"", "no block of Snappy"),
        (bytes(cramjam.snappy.compress_raw(b"x" * 1_000))[:-2], "no block of Snappy"),
        (bytes(cramjam.snappy.compress_raw(b"\0" * 20_000_000)), "larger than 16 MiB"),
        (b"\xff\xff\xff\xff\x07" + b"\0" * 100, "larger than 16 MiB"),
    ],
)
def test_snappy_that_is_broken_or_a_bomb_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(BadPush, match=said):
        decode(body, **{"content-encoding": "snappy"})


async def push(sender: Sender, *series: Any, **headers: str) -> Any:
    body = bytes(cramjam.snappy.compress_raw(written(*series)))
    given = {"Content_Encoding": "snappy", "Content_Type": "application/x-protobuf", **headers}
    return await sender.post("/api/v1/write", body, **given)


async def test_it_is_answered_as_prometheus_expects(sender: Sender) -> None:
    now = clock.now() // 1000

    good = await push(sender, (up(), [(now, 1.0)]))
    partly = await push(sender, (up(), [(now, 1.0)]), ({}, []))
    version_2 = await push(
        sender, Content_Type="application/x-protobuf;proto=io.prometheus.write.v2.Request"
    )

    assert (good.status, good.body) == (204, b"")
    assert partly.status == 400
    assert partly.text == "1 taken, 1 refused: timeseries[1]: it has no label __name__\n"
    assert version_2.status == 415
    assert await ask(values) == {"up/value": 1.0}


async def test_a_series_that_prometheus_has_lost_is_stale_until_it_is_back(
    sender: Sender,
) -> None:
    now = clock.now() // 1000

    def state() -> tuple[str, float | None]:
        series = Series.objects.get()
        return series.freshness, series.value

    await push(sender, (up(), [(now - 2_000, 1.0)]))
    await ask(lambda: Feed.objects.update(expect_every=60_000_000))
    await push(sender, (up(), [(now - 1_000, STALE_NAN)]))
    lost = await ask(state)
    await push(sender, (up(), [(now, 0.0)]))
    back = await ask(state)

    assert lost == ("stale", 1.0)
    assert back == ("fresh", 0.0)


async def test_a_marker_of_what_was_never_there_makes_no_series(sender: Sender) -> None:
    answer = await push(sender, (up(), [(clock.now() // 1000, STALE_NAN)]))

    assert answer.status == 204
    assert await ask(Series.objects.count) == 0
