"""Push to glass: from `record` to the DOM of Chromium. `python -m bench.glass [--quick]`

Forty tiles of four kinds, each of a feed of its own with a reading a second. An article carries the
moment that its reading was stamped, just before it was handed to `record` (`data-read`, ms); an
observer in the page takes the time when the article has changed. It is the same machine, so the
two clocks are one; a millisecond that is cut off makes the figures greater by half of one on
average.

In one process the feeds ask a web server, and `record` is called by the I/O loop of that process.
With many, another process records.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from playwright.sync_api import Browser

from bench import boards, report
from bench.answering import answering, asking
from bench.serving import serving
from e2e.chromium import chromium
from e2e.wall import Wall, eventually

WANTED = 30  # ms, p50

WATCH = """() => {
  const seen = {};
  const look = (note) => {
    const now = performance.timeOrigin + performance.now();
    for (const { id, dataset } of document.querySelectorAll("#wall article")) {
      if (seen[id] === dataset.read) continue;
      seen[id] = dataset.read;
      if (note) glass.push(now - dataset.read);
    }
  };
  window.glass = [];
  look(false);
  new MutationObserver(() => look(true)).observe(document.body, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
}"""


def watch(browser: Browser, url: str, seconds: float) -> list[float]:
    """How long each change took that a page saw, in order, ms."""
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    try:
        page.goto(f"{url}/d/{boards.SLUG}/")
        shown = "() => document.querySelectorAll('#wall article[data-face=good]').length"
        eventually(lambda: page.evaluate(shown) == 40, 30, "forty tiles have their reading")
        page.evaluate(WATCH)
        page.wait_for_timeout(1000 * seconds)
        found: list[float] = page.evaluate("() => glass")
        return sorted(found)
    finally:
        page.close()


def one_process(browser: Browser, seconds: float) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        wall = Wall(Path(folder))
        try:
            wall.start()
            options = asking(answering())
            wall.apply(boards.forty({"source": "json", "interval": "1s", "options": options}))
            return watch(browser, wall.url, seconds)
        finally:
            wall.close()


def many_processes(server: str, browser: Browser, seconds: float) -> list[float]:
    with serving(server, boards.forty({"source": "push"})) as (cluster, recorder):
        # Longer than it is looked at, for the page to open.
        recorder.pace([(i, 1.0) for i in range(40)], seconds + 30, numbers=True)
        return watch(browser, cluster.webs[0].url, seconds)


MODES: dict[str, Callable[[Browser, float], list[float]]] = {
    "`up`, SQLite": one_process,
    "`serve`, Daphne, Redis, PostgreSQL": partial(many_processes, "daphne"),
    "`serve`, uvicorn, Redis, PostgreSQL": partial(many_processes, "uvicorn"),
}


def run(quick: bool) -> Iterator[str]:
    seconds = 5 if quick else 30
    rows, verdicts = [], []
    with chromium() as browser:
        for name, look in MODES.items():
            report.progress(f"push to glass, {name}")
            found = look(browser, seconds)
            p50, p99 = (report.quantile(found, q) for q in (0.5, 0.99))
            rows.append([name, f"{len(found):,}", *map(report.ms, (p50, p99, found[-1]))])
            verdicts.append(report.at_most(f"{name}, p50", p50, WANTED, " ms"))
    yield (
        "## Push to glass\n\nFrom handing a reading to `record` to the change of the DOM in "
        f"Chromium, with 40 tiles, each with a reading a second, over {seconds} s."
    )
    yield report.table(["", "changes", "p50", "p99", "max"], rows)
    yield "\n".join(verdicts)


if __name__ == "__main__":
    report.main(run)
