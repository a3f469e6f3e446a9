"""Walls with plausible data in every condition, drawn through the real templates."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from widgets.clock import HOUR, MINUTE, SECOND
from widgets.face import TileFrame
from widgets.kinds import Data, Frame, Limits, Line
from widgets.reading import Freshness, State
from widgets.render import render

CSS = Path(__file__).resolve().parent.parent / "static" / "css"
NOW = 1_795_443_007 * SECOND
STEP = 12 * SECOND
ZONE = ZoneInfo("Europe/Berlin")


@dataclass(frozen=True)
class Placed:
    """One tile of a gallery: where, which kind, and with what."""

    at: tuple[int, int, int, int]
    kind: str
    title: str
    data: Data = field(default_factory=Data)
    options: dict[str, Any] = field(default_factory=dict)
    state: State = "ok"
    freshness: Freshness = "fresh"
    face: str = "good"
    error: str = ""
    age: int = 3 * SECOND


def wave(seed: int, level: float, swing: float) -> list[tuple[int, float]]:
    rng = random.Random(seed)
    return [
        (
            NOW - HOUR + i * STEP,
            level + swing * (math.sin(i / 40 + seed) + rng.uniform(-0.35, 0.35)),
        )
        for i in range(301)
    ]


def line(name: str, unit: str, value: float, seed: int = 0, swing: float = 0, **more: Any) -> Line:
    points = wave(seed, value, swing) if swing else []
    if points:
        points[-1] = (points[-1][0], value)
    more = {"at": NOW - 3 * SECOND, "since": NOW - 6 * MINUTE, **more}
    return Line(name, name, unit, value, points=points, step=STEP, **more)


def one(name: str, unit: str, value: float, seed: int, swing: float, **more: Any) -> Data:
    return Data([line(name, unit, value, seed, swing, **more)])


def hosts() -> Data:
    names = [
        "edge-1",
        "edge-2",
        "edge-3",
        "edge-4",
        "api-1",
        "api-2",
        "api-3",
        "api-4",
        "pay-1",
        "pay-2",
        "db-1",
        "db-2",
        "db-3",
    ]
    names += ["mq-1", "mq-2", "mq-3", "ci-1", "ci-2"]
    lines = [line(name, "", 1, message="up") for name in names]
    lines[9] = replace(lines[9], state="critical", message="down")
    lines[14] = replace(lines[14], state="warning", message="lag 41k")
    lines[16] = replace(lines[16], freshness="stale")
    return Data(lines)


def queues() -> Data:
    limit = Limits(warning_above=20_000)
    lines = [
        line(name, "", value, limits=limit)
        for name, value in (
            ("emails", 12_480),
            ("thumbnails", 8_210),
            ("webhooks", 21_902),
            ("invoices", 1_210),
            ("search", 640),
        )
    ]
    lines[2] = replace(lines[2], state="warning")
    return Data(lines)


def pools() -> Data:
    limits = Limits(warning_above=75)
    gap = line("cache", "%", 24, 3, 4)
    gap = replace(gap, points=[p for i, p in enumerate(gap.points) if not 170 < i < 190])
    return Data([line("web", "%", 41, 1, 9, limits=limits), line("worker", "%", 58, 2, 8), gap])


def processes() -> Data:
    rows = [
        {"process": name, "pid": pid, "cpu": cpu, "memory": memory, "user": user}
        for name, pid, cpu, memory, user in (
            ("postgres: checkpointer", 812, 41.3, "1.2 GiB", "postgres"),
            ("python manage.py up", 2_031, 12.8, "184 MiB", "wall"),
            ("nginx: worker process", 944, 3.2, "38 MiB", "www-data"),
            ("redis-server *:6379", 1_001, 1.1, "612 MiB", "redis"),
            ("node /srv/render/server.js", 3_120, 0.4, "96 MiB", "render"),
            ("sshd", 644, 0.0, "9 MiB", "root"),
        )
    ]
    return Data(rows=rows)


NOTES = "**Release 4.2** goes out at 16:00.\n\n- freeze from *15:00*\n- on call: team blue"


def production() -> list[Placed]:
    """The reference, with what we have."""
    crit = Limits(critical_above=1)
    return [
        Placed((0, 0, 3, 2), "stat", "Availability, checkout",
               one("a", "%", 99.98, 1, 0.01), {"target": "30-day target 99.9 %"}),
        Placed((3, 0, 3, 2), "stat", "p95 latency, API",
               one("b", "ms", 412, 2, 40, then={HOUR: 394.0}), {"compare": "1h"}),
        Placed((6, 0, 3, 2), "stat", "Requests",
               one("c", "/s", 1284, 3, 60, then={HOUR: 1233.0}), {"compare": "1h"}),
        Placed((9, 0, 3, 2), "stat", "Error rate, payments",
               one("d", "%", 2.31, 4, 0.4, state="critical", limits=crit), state="critical"),
        Placed((0, 2, 6, 3), "line", "CPU by pool, last hour", pools()),
        Placed((6, 2, 3, 3), "status", "Hosts", hosts(), state="critical"),
        Placed((9, 2, 3, 3), "bars", "Queue depth", queues(), state="warning"),
        Placed((0, 5, 2, 2), "gauge", "Disk, db-1",
               one("e", "%", 86, 5, 1, state="warning",
                   limits=Limits(warning_above=80, critical_above=95)), state="warning"),
        Placed((2, 5, 2, 2), "stat", "Orders a minute",
               one("f", "", 184, 6, 20), freshness="stale", age=4 * MINUTE),
        Placed((4, 5, 4, 2), "table", "Processes", processes()),
        Placed((8, 5, 2, 2), "clock", "Berlin", options={"zone": "Europe/Berlin"}),
        Placed((10, 5, 2, 2), "text", "Notes", options={"markdown": NOTES}),
    ]  # fmt: skip


def each_kind() -> list[Placed]:
    """Every kind once or twice, of the usual sizes."""
    return [
        Placed((0, 0, 3, 2), "stat", "Memory in use",
               one("a", "B", 3.42 * 2**30, 1, 9e7, then={HOUR: 3e9}), {"compare": "1h"}),
        Placed((3, 0, 2, 2), "gauge", "CPU", one("b", "%", 37.4, 2, 3)),
        Placed((5, 0, 3, 2), "clock", "Sao Paulo", options={"zone": "America/Sao_Paulo"}),
        Placed((8, 0, 4, 2), "text", "Notes", options={"markdown": NOTES}),
        Placed((0, 2, 6, 3), "line", "Network", Data([
            line("eth0 in", "B/s", 4.1e6, 1, 9e5), line("eth0 out", "B/s", 1.2e6, 2, 4e5),
            line("wireguard-tunnel-to-the-other-office in", "B/s", 6e5, 3, 1e5),
            *(line(f"vlan{n}", "B/s", 3e5 * n, n, 5e4) for n in range(4, 9))], hidden=3)),
        Placed((6, 2, 3, 3), "status", "A very long title which cannot possibly fit here", hosts()),
        Placed((9, 2, 3, 3), "bars", "Filesystems", Data([
            *(line(f"/srv/volumes/{n}/data", "%", n * 9) for n in range(1, 12))])),
        Placed((0, 5, 4, 2), "table", "Series", Data([
            line(f"check.example-{n}.internal", "ms", 12.5 * n) for n in range(9)])),
        Placed((4, 5, 2, 2), "stat", "Uptime", one("u", "s", 12 * 86400 + 4 * 3600, 3, 0)),
        Placed((6, 5, 2, 2), "stat", "Visits", one("v", "", 1_284_000, 3, 9_000)),
        Placed((8, 5, 4, 2), "stat", "Lag", one("w", "s", 125, 3, 9)),
    ]  # fmt: skip


def with_worst(data: Data, state: State) -> Data:
    """The first series is in that state, as the tile then is."""
    if not data.lines:
        return data
    return replace(data, lines=[replace(data.lines[0], state=state), *data.lines[1:]])


def bad(state: State) -> list[Placed]:
    return [replace(p, state=state, data=with_worst(p.data, state)) for p in each_kind()]


def old(freshness: Freshness, **more: Any) -> list[Placed]:
    return [replace(p, freshness=freshness, age=7 * MINUTE, **more) for p in each_kind()]


REFUSED = "GET https://shop.example/health: connection refused; is the service running?"

WALLS: dict[str, Callable[[], list[Placed]]] = {
    "production": production,
    "fresh": each_kind,
    "warning": lambda: bad("warning"),
    "critical": lambda: bad("critical"),
    "unknown": lambda: bad("unknown"),
    "aged": lambda: old("aged"),
    "late": lambda: old("late"),
    "stale": lambda: old("stale"),
    "failing": lambda: old("failed", error=REFUSED),
    "stale-critical": lambda: [replace(p, freshness="stale", age=HOUR) for p in bad("critical")],
    "waiting": lambda: [replace(p, face="waiting") for p in each_kind()],
    "failed": lambda: old("failed", face="failed", error=REFUSED),
}


def article(placed: Placed, number: int) -> str:
    x, y, width, height = placed.at
    reads = placed.face == "good" and placed.kind != "clock"
    tile = TileFrame(
        id=f"w{number}",
        kind=placed.kind,
        title=placed.title,
        version=NOW,
        state=placed.state,
        freshness=placed.freshness,
        face=placed.face,  # type: ignore[arg-type]
        read_at=NOW - placed.age if reads else None,
        error=placed.error,
        hint="host web-1",
        url=f"#w{number}",
        width=width,
        height=height,
    )
    frame = Frame(NOW, width, height, ZONE)
    drawn = render(placed.kind, placed.options, placed.data, frame, tile)
    return f'<div class="tile c-{x} r-{y} w-{width} h-{height}">{drawn}</div>'


def page(tiles: Iterable[Placed], theme: str) -> str:
    """A page that stands alone; its stylesheets are the real ones."""
    links = "".join(
        f'<link rel="stylesheet" href="{(CSS / name).as_uri()}">'
        for name in ("tokens.css", "grid.css", "wall.css")
    )
    drawn = "\n".join(article(placed, i) for i, placed in enumerate(tiles, 1))
    return (
        f'<!doctype html><html lang="en" class="on-wall" data-theme="{theme}"><head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Gallery</title>{links}</head><body>"
        '<header class="bar"><h1>Production</h1><span class="count critical">▲ 2 critical</span>'
        '<span class="count warning">◆ 2 warnings</span><span class="spring"></span>'
        '<span class="link">live, 0.2 s</span><time>14:10:07</time></header>'
        f'<main class="wall" id="wall">{drawn}</main></body></html>'
    )
