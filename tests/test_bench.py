"""What the benchmarks say of what they measured."""

from __future__ import annotations

import pytest

from bench import boards, fanout, lateness, report, streams
from bench.designs import BASELINE, LIMIT, OURS
from bench.fanout import Measured
from dashboard.code.apply import apply_all
from dashboard.live import fragments, held
from dashboard.live.board import Key, read
from dashboard.models import Dashboard
from widgets import clock, record
from widgets.models import Feed
from widgets.reading import Reading


def test_a_table_is_markdown_with_numbers_to_the_right() -> None:
    said = report.table(["", "p50"], [["a", "1.0 ms"], ["b", 2]])

    assert said.splitlines() == ["|  | p50 |", "| --- | --: |", "| a | 1.0 ms |", "| b | 2 |"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (report.at_most("p99", 99.6, 100, " ms"), "99.6 ms; at most 100 ms is wanted: **reached**"),
        (report.at_most("p99", 1234.5, 100), "1,234; at most 100 is wanted: **not reached**"),
        (report.at_least("times", 24.96, 25), "25; at least 25 is wanted: **not reached**"),
        (report.at_least("share", 0.6, 0.6), "0.6; at least 0.6 is wanted: **reached**"),
    ],
)
def test_a_verdict_goes_by_the_figure_and_not_by_how_it_is_said(said: str, expected: str) -> None:
    assert said.endswith(f": {expected}")


@pytest.mark.parametrize(("q", "expected"), [(0.5, 2.0), (0.99, 4.0), (1.0, 4.0)])
def test_quantiles(q: float, expected: float) -> None:
    assert report.quantile([0.0, 1.0, 2.0, 4.0], q) == expected


def test_the_fan_out_is_judged_by_the_ratios_at_a_thousand_sockets() -> None:
    figures = {BASELINE: 2_000.0, OURS: 50_000.0}
    rates = {
        of.format(server): {(1000, size): rate for size in fanout.SIZES}
        for of, rate in figures.items()
        for server in ("Daphne", "uvicorn")
    } | {LIMIT: {(1000, size): 100_000.0 for size in fanout.SIZES}}

    said = list(fanout.verdicts(rates))

    assert [line.rpartition(": ")[2] for line in said] == [
        *["**reached**"] * 2,  # 25 times on Daphne
        *["**not reached**"] * 4,  # 25 of 30 times on uvicorn; half of the limit
    ]


def test_the_client_is_compared_with_the_server_where_it_cost_most() -> None:
    every = {
        "a": {(100, 1300): [Measured(rate=50.0, client=100.0)]},
        "b": {(100, 1300): [Measured(rate=90.0, client=100.0)]},
    }

    assert fanout.client_share(every).startswith("The client used 90% of the server's CPU at most")
    assert "(b, 100 sockets" in fanout.client_share(every)


def test_a_lost_feed_is_back_with_the_first_claim_after_the_lost_one() -> None:
    seen = {(1, 5): (0.0, 10.0), (1, 7): (0.0, 14.0), (1, 8): (0.0, 15.0), (2, 9): (0.0, 11.0)}

    assert lateness.after(seen, (1, 6)) == 14.0
    assert lateness.after(seen, (1, 8)) == float("inf")


def test_each_stream_is_to_reach_what_is_wanted_of_it() -> None:
    said = list(streams.verdicts({"MQTT, 20": [4_000, 3_999], "Redis Streams": [4_000, 15_000]}))

    assert ["not reached" in line for line in said] == [False, True, True, False]
    assert said[1].startswith("- MQTT, 20, on PostgreSQL: 3,999 a second")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("size", fanout.SIZES)
def test_a_fragment_has_the_size_that_the_fan_out_says(size: int) -> None:
    now = clock.now()
    apply_all({"bench.yaml": boards.texts()})
    feed = Feed.objects.get(name="bench.5").pk
    text = boards.text(size, marker=now)
    record.record(record.Arrival(feed, now, Reading(text=text, complete=False)), timeout=10)
    key = Key(Dashboard.objects.get(slug=boards.SLUG).pk)
    board = read([key])[key]

    tile = board.tiles[5]
    html = fragments.paint(board, tile, held.load_for(board.specs), now).html

    assert len(fragments.partial(tile.element, html).encode()) == pytest.approx(size, rel=0.01)
