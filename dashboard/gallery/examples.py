"""An example or several of every kind, with data that never change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.gallery.data import (
    happenings,
    hosts,
    latencies,
    line,
    log_rows,
    one,
    pools,
    queues,
    rows,
    services,
    slow_and_fast,
    traffic,
)
from widgets.clock import HOUR
from widgets.kinds import Data, Limits, kinds

NOTES = (
    "**Release 4.2** goes out at 16:00.\n\n- freeze from *15:00*\n- on call: team blue\n"
    "- errors: {errors}"
)


@dataclass(frozen=True)
class Example:
    """One way a kind looks. `alone`: it draws without any reading."""

    title: str
    data: Data = field(default_factory=Data)
    options: Mapping[str, Any] = field(default_factory=dict)
    alone: bool = False


def examples() -> dict[str, Sequence[Example]]:
    """By slug; a kind that has none here is shown with a few series."""
    plain = Example("Example", pools())
    return {kind.slug: EXAMPLES.get(kind.slug, [plain]) for kind in kinds}


EXAMPLES: dict[str, Sequence[Example]] = {
    "stat": [
        Example("p95 latency, API", one("p95", "ms", 412, 2, 40, then={HOUR: 394.0}),
                {"compare": "1h"}),
        Example("Orders today", one("orders", "", 840, 6, 20), {"goal": 1000, "spark": False}),
        Example("Error rate",
                Data([line("errors", "/s", 3.1, 1, 1), line("total", "/s", 280, 2, 40)]),
                {"formula": "errors / total * 100", "unit": "%"}),
    ],
    "line": [
        Example("CPU by pool, last hour", pools()),
        Example("Requests", traffic(), {"stack": True}),
        Example("Workers", pools(), {"style": "step"}),
        Example("Latency", slow_and_fast(), {"scale": "log"}),
    ],
    "bars": [
        Example("Queue depth", queues()),
        Example("Requests by pool", traffic(), {"together": "stacked"}),
        Example("Reads and writes", traffic(), {"together": "grouped", "direction": "vertical"}),
        Example("Queues", queues(), {"direction": "vertical"}),
    ],
    "histogram": [
        Example("Latency", latencies()),
        Example("Latency, log", latencies(), {"scale": "log"}),
    ],
    "heatmap": [Example("Latency", latencies(), {"scale": "log"})],
    "gauge": [
        Example("Disk, db-1", one("disk", "%", 86, 5, 1,
                                  limits=Limits(warning_above=80, critical_above=95))),
    ],
    "bullet": [
        Example("Sales this month", Data([line("Berlin", "€", 84_200), line("Lagos", "€", 61_300),
                                          line("Recife", "€", 12_900)]), {"goal": 80_000}),
    ],
    "status": [
        Example("Hosts", hosts()),
        Example("All hosts", hosts(320)),
    ],
    "timeline": [
        Example("Services, last 24 h", Data(services(), events=happenings())),
    ],
    "availability": [
        Example("Services, 30 days", Data(services(), events=happenings())),
    ],
    "table": [
        Example("Processes", rows(), {"units": {"memory": "B", "cpu": "%"}, "bars": ["cpu"],
                                      "colours": {"cpu": "80 90"}}),
        Example("Series", Data([*pools().lines, *traffic().lines]), {"spark": True}),
    ],
    "events": [Example("Events", Data(services(), events=happenings()), {"window": "30d"})],
    "alerts": [
        Example("Alerts", hosts(54)),
        Example("Alerts, none", pools()),
    ],
    "log": [Example("Checkout", log_rows())],
    "text": [Example("Notes", Data([line("errors", "%", 0.42)]), {"markdown": NOTES}, alone=True)],
    "message": [
        Example("Next", options={"message": "Freeze from 15:00 today"}, alone=True),
        Example("Now", one("open", "", 7, 1, 0),
                {"message": "{open} incidents are open", "level": "critical"}),
    ],
    "clock": [Example("Sao Paulo", options={"zone": "America/Sao_Paulo"}, alone=True)],
    "countdown": [
        Example("Release", options={"to": "2026-12-01 16:00", "zone": "UTC"}, alone=True),
    ],
}  # fmt: skip
