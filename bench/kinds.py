"""What a picture costs: time and bytes of each kind. `python -m bench.kinds [--quick]`

**What is counted.** `widgets.render.render`, which every fragment goes through: from the data that
the hub holds to the HTML that it sends, with the options read already, as the hub has them after
the first time. In one thread, one picture after the other, with a clock that moves, so that nothing
of a picture can be kept from the one before. The data are those of the gallery, at the kind's usual
size; the line chart has three series of 300 points each, the status cells are 18.

**The time** is what the CPU took for one picture, so that what the machine does besides counts
little.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench import report
from bench.child import ROOT

# ms at the median, and bytes.
WANTED = {"stat": 0.15, "line": 0.6}
MOST_BYTES = 8_000


@dataclass(frozen=True, slots=True)
class Measured:
    """`times`: of each picture, ms, in order. `size`: bytes of the last."""

    times: list[float]
    size: int

    def at(self, share: float) -> float:
        return report.quantile(self.times, share)


def run(quick: bool) -> Iterator[str]:
    count = 100 if quick else 3_000
    report.progress("pictures of every kind")
    found = draw(count)
    yield (
        "## Kinds\n\nThe CPU time of one picture, from the data that the hub holds to the "
        f"fragment that it sends, of {count:,}: the gallery's data, at the kind's usual size; "
        "`bench/kinds.py` says how."
    )
    yield report.table(
        ["", "p50", "p99", "bytes"],
        [
            [slug, f"{one.at(0.5):.3f} ms", f"{one.at(0.99):.3f} ms", f"{one.size:,}"]
            for slug, one in found.items()
        ],
    )
    yield "\n".join(verdicts(found))


def draw(count: int) -> dict[str, Measured]:
    """By slug; drawn in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        said = subprocess.run(
            [sys.executable, "-m", "bench.pictures", str(count)],
            cwd=ROOT,
            env={**os.environ, "WATCHWALL_DATA": folder},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
    lines = [json.loads(line) for line in said.splitlines()]
    return {slug: Measured(times, size) for slug, times, size in lines}


def verdicts(found: Mapping[str, Measured]) -> Iterator[str]:
    """What was to be reached."""
    for slug, most in WANTED.items():
        yield report.at_most(f"{slug}, p50", found[slug].at(0.5), most, " ms")
    yield report.at_most("line, bytes of three series", found["line"].size, MOST_BYTES)


if __name__ == "__main__":
    report.main(run)
