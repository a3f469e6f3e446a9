"""Does anything grow? `python -m bench.soak [--minutes 30]`

One web process on Redis and PostgreSQL, one page in Chromium with 40 tiles, ten each at 1, 2, 5 and
10 Hz, and 50 sockets more. Looked at, from time to time: the page's heap after a collection, its
nodes and listeners, and the resident memory of the web process. The median of the first quarter
is compared with that of the last.

It is watched from a minute and a quarter on, when the windows of a minute that tiles draw are full.
The server is killed after the first quarter, and ended twice until the half; the page lives on all
the time. So in the first quarter and in the last the server has run for as long as then, or longer.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import time
from collections.abc import Iterator, Sequence

from playwright.sync_api import CDPSession, Page

from bench import boards, machine, report
from bench.cpu import memory
from bench.load import Load, Opened
from bench.serving import serving
from e2e.chromium import chromium
from e2e.wall import Web, eventually

SOCKETS = 50
RATES = (1.0, 2.0, 5.0, 10.0)
WARM = 75.0  # s
LOOKS = 60
# When the server goes, as a share of the time, and how.
RESTARTS = ((1 / 4, signal.SIGKILL), (3 / 8, signal.SIGTERM), (1 / 2, signal.SIGTERM))
# How many times as much as in the first quarter counts as flat.
FLAT = 1.1

# What is looked at, with its unit and how many of that make one shown.
WHAT = {
    "JS heap of the page": ("MB", 1e6),
    "DOM nodes": ("", 1),
    "listeners": ("", 1),
    "memory of the web process": ("MB", 1e6),
}
Sample = tuple[float, ...]


class Watched:
    """An open page, and what it takes."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(url)
        self._cdp: CDPSession = page.context.new_cdp_session(page)
        self._cdp.send("Performance.enable")

    def look(self) -> Sample:
        """Heap in bytes, nodes, listeners; of what a collection leaves."""
        # Twice: what the first leaves of nodes that scripts held goes with the second.
        for _ in range(2):
            self._cdp.send("HeapProfiler.collectGarbage")
        metrics = self._cdp.send("Performance.getMetrics")["metrics"]
        heap = next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize")
        counters = self._cdp.send("Memory.getDOMCounters")
        return heap, counters["nodes"], counters["jsEventListeners"]

    def is_live(self) -> bool:
        return bool(self.page.evaluate("() => document.documentElement.dataset.link") == "live")

    def newest(self) -> int:
        """The newest reading shown, ms."""
        script = "() => Math.max(...[...document.querySelectorAll('#wall article')]"
        return int(self.page.evaluate(script + ".map((one) => one.dataset.read))"))


def restart(web: Web, load: Load, sig: signal.Signals) -> Opened:
    """End the server and start it again; the page comes back by itself, the sockets are told to."""
    report.progress(f"soak: the server gets {sig.name}")
    web.end(sig)
    web.start()
    return load.reopen()


def soak(seconds: float) -> tuple[list[Sample], list[str]]:
    """What was seen, in order; and what the page complained of."""
    rates = [(i, RATES[i // 10]) for i in range(40)]
    with (
        serving("daphne", boards.forty({"source": "push"})) as (cluster, recorder),
        chromium() as browser,
    ):
        (web,) = cluster.webs
        recorder.pace(rates, WARM + seconds + 60, numbers=True)
        with Load(web.port, boards.PATH, answering=True) as load:
            load.open(SOCKETS)
            watched = Watched(browser.new_page(), f"{web.url}/d/{boards.SLUG}/")
            watched.page.wait_for_timeout(1000 * WARM)
            samples = []
            begun, coming = time.monotonic(), list(RESTARTS)
            for turn in range(LOOKS):
                if coming and turn >= coming[0][0] * LOOKS:
                    opened = restart(web, load, coming.pop(0)[1])
                    assert not opened.failed, f"{opened.failed} sockets did not come back"
                until = begun + seconds * (turn + 1) / LOOKS
                watched.page.wait_for_timeout(1000 * max(0.0, until - time.monotonic()))
                samples.append((*watched.look(), memory(web.pid)))
            before = watched.newest()
            eventually(watched.is_live, 15, "the page is live at the end")
            eventually(lambda: watched.newest() > before, 15, "readings reach the page at the end")
        return samples, watched.errors


def run(minutes: float) -> Iterator[str]:
    report.progress(f"soak: {WARM + minutes * 60:.0f} s")
    samples, errors = soak(minutes * 60)
    quarter = len(samples) // 4
    first, last = (_medians(of) for of in (samples[:quarter], samples[-quarter:]))
    yield (
        f"## Soak\n\n{minutes:g} minutes of 40 tiles at 1 to 10 Hz in one page of Chromium, with "
        f"{SOCKETS} sockets more and {len(RESTARTS)} restarts of the server on the way: the "
        "medians of the first quarter and of the last."
    )
    rows, verdicts = [], []
    for (what, (unit, one)), early, late in zip(WHAT.items(), first, last, strict=True):
        said = [f"{value / one:,.{1 if unit else 0}f} {unit}".strip() for value in (early, late)]
        rows.append([what, *said])
        verdicts.append(report.at_most(f"{what}, times the first quarter", late / early, FLAT))
    yield report.table(["", "first quarter", "last quarter"], rows)
    yield "\n".join(verdicts)
    yield f"The page reported {len(errors)} errors{': ' if errors else ''}{'; '.join(errors[:3])}."


def _medians(samples: Sequence[Sample]) -> list[float]:
    return [statistics.median(column) for column in zip(*samples, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    for block in run(parser.parse_args().minutes):
        print(block, end="\n\n", flush=True)
    print(machine.described())


if __name__ == "__main__":
    main()
