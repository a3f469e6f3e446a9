"""Plausible data that never change, so that two pictures of a gallery can be laid side by side."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from widgets.clock import DAY, HOUR, MINUTE, SECOND
from widgets.kinds import Data, Happening, Limits, Line

NOW = 1_795_443_007 * SECOND
STEP = 12 * SECOND


def wave(seed: int, level: float, swing: float) -> list[tuple[int, float]]:
    """An hour of something that goes up and down."""
    rng = random.Random(seed)  # noqa: S311  # a picture, no secret
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


def hosts(count: int = 18) -> Data:
    groups = ("edge", "api", "pay", "db", "mq", "ci")
    names = [f"{groups[i % 6]}-{i // 6 + 1}" for i in range(count)]
    lines = [line(name, "", 1, message="up") for name in sorted(names)]
    lines[9] = replace(lines[9], state="critical", message="down")
    lines[14] = replace(lines[14], state="warning", message="lag 41k")
    lines[16] = replace(lines[16], freshness="stale")
    for i in range(60, count, 67):
        lines[i] = replace(lines[i], state="warning", message="slow")
    return Data(lines)


def queues() -> Data:
    limit = Limits(warning_above=20_000)
    named = {
        "emails": 12_480, "thumbnails": 8_210, "webhooks": 21_902, "invoices": 1_210, "search": 640,
    }  # fmt: skip
    lines = [line(name, "", value, limits=limit) for name, value in named.items()]
    lines[2] = replace(lines[2], state="warning")
    return Data(lines)


def pools() -> Data:
    limits = Limits(warning_above=75)
    gap = line("cache", "%", 24, 3, 4)
    gap = replace(gap, points=[p for i, p in enumerate(gap.points) if not 170 < i < 190])
    return Data([line("web", "%", 41, 1, 9, limits=limits), line("worker", "%", 58, 2, 8), gap])


def traffic() -> Data:
    return Data(
        [
            line(f"{pool}.{what}", "/s", value * share, seed, value * share / 5)
            for seed, (pool, value) in enumerate((("web", 840.0), ("api", 410.0), ("batch", 150.0)))
            for what, share in (("read", 1.0), ("write", 0.4))
        ]
    )


def latencies() -> Data:
    """Samples with a long tail, one a second."""
    rng = random.Random(7)  # noqa: S311
    points = [
        (NOW - HOUR + i * SECOND, 12 * math.exp(rng.gauss(0, 0.55)) + 6 * math.sin(i / 600))
        for i in range(3600)
    ]
    points = [(ts, max(value, 0.8)) for ts, value in points]
    return Data([Line("latency", "latency", "ms", points[-1][1], NOW, points=points, step=SECOND)])


def slow_and_fast() -> Data:
    return Data([line("p50", "ms", 12, 1, 3), line("p99", "ms", 900, 2, 500)])


def rows() -> Data:
    named = (
        ("postgres: checkpointer", 812, 91.3, 1.2 * 2**30, "postgres"),
        ("python manage.py up", 2_031, 82.8, 184 * 2**20, "wall"),
        ("nginx: worker process", 944, 23.2, 38 * 2**20, "www-data"),
        ("redis-server *:6379", 1_001, 11.1, 612 * 2**20, "redis"),
        ("node /srv/render/server.js", 3_120, 0.4, 96 * 2**20, "render"),
        ("sshd", 644, 0.0, 9 * 2**20, "root"),
    )
    keys = ("process", "pid", "cpu", "memory", "user")
    return Data(rows=[dict(zip(keys, row, strict=True)) for row in named])


def log_rows() -> Data:
    said = (
        ("info", "GET /checkout 200 in 41 ms"),
        ("info", "GET /cart 200 in 18 ms"),
        ("warning", "pool db is at 18 of 20 connections"),
        ("error", "payment 7c41 refused by the provider: timeout after 3 attempts"),
        ("info", "POST /orders 201 in 77 ms"),
    )
    return Data(
        rows=[
            {"time": f"14:0{i // 6}:{i * 10 % 60:02}", "level": level, "message": message}
            for i, (level, message) in enumerate(said * 6)
        ]
    )


def services() -> Sequence[Line]:
    """Thirty days of hours."""
    return [
        Line(
            name, name, "", 1, NOW, message="up", state="critical" if name == "payments" else "ok",
            since=NOW - 6 * MINUTE, step=HOUR,
            points=[(NOW - 30 * DAY + i * HOUR, 1.0) for i in range(begin, 720)],
        )
        for name, begin in (("checkout", 0), ("payments", 0), ("search", 0), ("mail", 220))
    ]  # fmt: skip


def happenings() -> list[Happening]:
    """What befell the services, the newest first."""

    def event(name: str, what: str, ago: int, lasting: int | None, text: str) -> Happening:
        start = NOW - ago
        end = None if lasting is None else start + lasting
        return Happening(name, "shop", name, "state", what, start, end, text=text)

    return [
        event("payments", "critical", 6 * MINUTE, None, "error rate over 1 %"),
        event("search", "warning", 64 * MINUTE, 12 * MINUTE, "lag over 40k"),
        Happening("", "shop", "", "note", "note", NOW - 2 * HOUR, NOW - 2 * HOUR,
                  text="deploy api 4f2c9e by CI"),
        event("mail", "unknown", 5 * HOUR, 2 * HOUR, "no answer"),
        Happening("", "shop", "", "freshness", "stale", NOW - 7 * HOUR, NOW - 6 * HOUR),
        event("payments", "critical", 9 * HOUR, 35 * MINUTE, "error rate over 1 %"),
        event("search", "critical", 4 * DAY, 7 * HOUR, "down"),
        event("checkout", "critical", 12 * DAY, 20 * MINUTE, "timeout"),
    ]  # fmt: skip
