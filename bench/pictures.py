"""A process that draws pictures and says how long each took: `python -m bench.pictures COUNT`.

One line of JSON a kind on stdout: its slug, the times of the pictures in ms of CPU, in order, and
the bytes of the last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "site"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")

import django

django.setup()

from dashboard.gallery import ZONE
from dashboard.gallery.data import NOW
from dashboard.gallery.examples import Example, examples
from widgets.clock import SECOND
from widgets.face import TileFrame
from widgets.kinds import Frame, kinds
from widgets.render import render

POINTS = 300
WARM = 50


def main() -> None:
    count = int(sys.argv[1])
    for slug, shown in examples().items():
        times, size = measure(drawing(slug, shown[0]), count)
        print(json.dumps([slug, times, size]), flush=True)


def drawing(slug: str, example: Example) -> Callable[[int], str]:
    """Draws the example as of so many seconds after the gallery's moment."""
    width, height = kinds[slug].size
    lines = [replace(one, points=one.points[-POINTS:]) for one in example.data.lines]
    data = replace(example.data, lines=lines) if slug == "line" else example.data

    def draw(seconds: int) -> str:
        now = NOW + seconds % 60 * SECOND
        tile = TileFrame(
            "w1", slug, example.title, now, read_at=NOW, late_at=now, stale_at=now,
            url="/d/shop/w/1/", width=width, height=height,
        )  # fmt: skip
        return render(slug, example.options, data, Frame(now, width, height, ZONE), tile)

    return draw


def measure(draw: Callable[[int], str], count: int) -> tuple[list[float], int]:
    times, html = [], ""
    for turn in range(-WARM, count):
        began = time.thread_time()
        html = draw(turn)
        took = (time.thread_time() - began) * 1000
        if turn >= 0:
            times.append(took)
    return sorted(times), len(html.encode())


if __name__ == "__main__":
    main()
