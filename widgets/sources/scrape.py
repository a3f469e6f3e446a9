"""A page of metrics, as Prometheus would scrape it, read without one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any

from django import forms
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from widgets import clock, io
from widgets.clock import MINUTE, SECOND
from widgets.labels import series_name
from widgets.options import ListField, MappingField, excerpt
from widgets.reading import MAX_SERIES, Reading
from widgets.registry import nearest
from widgets.shows import matches
from widgets.sources import Source, SourceError
from widgets.sources._http import TargetOptions, fingerprint, good_page, place
from widgets.sources.json import MUCH

MOST_BODY = 4_000_000
# The parser looks at the rest of the line once for each label: a long one takes it for ever.
MOST_LINE = 8_000
# Of a sample that carries a time of its own, as a page that gathers others' does, so much is
# still now: Prometheus looks back as far.
OLD = 5 * MINUTE
# The base units that Prometheus tells exporters to write at the end of a name.
UNITS = {
    "seconds": "s",
    "bytes": "B",
    "celsius": "°C",
    "volts": "V",
    "amperes": "A",
    "joules": "J",
    "meters": "m",
    "grams": "g",
}


class ScrapeOptions(TargetOptions):
    """A page, and what to take from it."""

    field_order = ["url", "metrics", "units", "limit"]

    metrics = ListField(
        help_text="What to take: names or patterns, such as node_load1, node_cpu_*{*mode=user*}. "
        "Buckets of histograms are taken where a pattern names them."
    )
    units = MappingField(
        required=False,
        help_text="Series, or patterns, to units, where the name does not end in one.",
    )
    limit = forms.IntegerField(
        initial=200,
        min_value=1,
        max_value=MAX_SERIES,
        help_text="How many series at most; what is beyond is said and left out.",
    )


class Scrape(Source):
    """Series: the samples that match, called by name and labels, such as `node_load1`.

    Counters, and `_count`, `_sum` and `_bucket` of histograms and summaries, become rates a
    second since the fetch before, by raw values that the memo keeps. One that went down began
    anew at 0, as Prometheus takes it. `_created` is never taken. Format: Prometheus text 0.0.4
    and OpenMetrics 1.0, told apart by the page's media type.
    """

    slug = "scrape"
    label = "Metrics page"
    Options = ScrapeOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        found = await good_page(options, MOST_BODY)
        where = place(options)
        if found.type == "text/html":
            raise SourceError(f"{where} answered with HTML; is /metrics missing in its address?")
        of = fingerprint(options["url"])
        before = memo if memo.get("of") == of else {}
        work = partial(learn, found.body, found.type, options, before, clock.now(), where)
        reading, raw = await io.in_thread(work) if len(found.body) > MUCH else work()
        memo.clear()
        memo.update(raw, of=of)
        return reading


@dataclass(slots=True)
class Taken:
    """What has been taken so far; raw counters of last time and now.

    `seconds` since last time, None where no rate can be told.
    """

    options: Mapping[str, Any]
    before: Mapping[str, float]
    seconds: float | None
    now: int
    numbers: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    counters: dict[str, float] = field(default_factory=dict)
    matched: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    strange: int = 0
    old: int = 0
    beyond: int = 0

    def take(self, metric: Metric, sample: Sample) -> None:
        if sample.name.endswith("_created"):
            return
        self.found.add(sample.name)
        name = series_name(sample.name, sample.labels)
        if not self._wanted(name, sample.name):
            return
        if not isfinite(sample.value):
            self.strange += 1
        elif sample.timestamp is not None and self._is_old(float(sample.timestamp)):
            self.old += 1
        elif name not in self.names and len(self.names) >= self.options["limit"]:
            self.beyond += 1
        else:
            self.names.add(name)
            self._put(name, metric, sample)

    def _is_old(self, seconds: float) -> bool:
        return not isfinite(seconds) or seconds * SECOND < self.now - OLD

    def _wanted(self, name: str, short: str) -> bool:
        """Whether a pattern means this series; all that do are noted."""
        mine = {
            pattern
            for pattern in self.options["metrics"]
            if matches(name, pattern) or matches(short, pattern)
        }
        self.matched |= mine
        return any("_bucket" in pattern for pattern in mine) if "_bucket" in short else bool(mine)

    def _put(self, name: str, metric: Metric, sample: Sample) -> None:
        if is_counter(metric.type, sample.name):
            self._count(name, metric, sample)
        else:
            self.numbers[name] = sample.value
            self._unit(name, metric.unit, sample.name)

    def _count(self, name: str, metric: Metric, sample: Sample) -> None:
        value = self.counters[name] = sample.value
        before = self.before.get(name)
        if self.seconds is None or before is None:
            return
        # It began anew in between: what it counted since is all that is known.
        gone = value - before if value >= before else value
        self.numbers[name] = gone / self.seconds
        self._unit(name, metric.unit, sample.name, "/s")

    def _unit(self, name: str, said: str, short: str, per: str = "") -> None:
        for pattern, unit in self.options["units"].items():
            if matches(name, pattern) or matches(short, pattern):
                self.units[name] = unit
                return
        counts = short.endswith(("_count", "_bucket"))
        word = said or short.removesuffix("_total").removesuffix("_sum").rpartition("_")[2]
        self.units[name] = ("" if counts else UNITS.get(word, "")) + per


def learn(
    body: bytes,
    kind: str,
    options: Mapping[str, Any],
    memo: Mapping[str, Any],
    now: int,
    where: str,
) -> tuple[Reading, dict[str, Any]]:
    """The reading in a page, and what to remember of it; or SourceError. Pure.

    `kind`: its media type. `now` in µs.
    """
    seconds = (now - memo["moment"]) / SECOND if "moment" in memo else 0.0
    taken = Taken(options, memo.get("raw", {}), seconds if seconds > 0 else None, now)
    for metric in parse(body, kind, where):
        for sample in metric.samples:
            taken.take(metric, sample)
    reading = Reading(numbers=taken.numbers, units=taken.units, notes=list(_notes(taken)))
    return reading, {"moment": now, "raw": taken.counters}


def parse(body: bytes, kind: str, where: str) -> Iterable[Metric]:
    """The metrics of a page, whole or not at all."""
    try:
        text = body.decode()
    except UnicodeError:
        raise SourceError(f"{where}: the page is no text in UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MOST_LINE:
            raise SourceError(
                f"{where}: line {number} has {len(line):,} characters; {MOST_LINE:,} is the most"
            )
    read: Callable[[str], Iterable[Metric]] = text_string_to_metric_families
    if kind == "application/openmetrics-text":
        read = openmetrics.text_string_to_metric_families
    try:
        return list(read(text))
    # What the library raises for what is no such page.
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        reason = excerpt(str(error) or "a line is incomplete", 200)
        raise SourceError(f"{where}: the page is none of metrics: {reason}") from None


def is_counter(kind: str, name: str) -> bool:
    """Whether the sample of that name in a metric of that kind only ever grows."""
    match kind:
        case "counter":
            return True
        case "histogram":
            return name.endswith(("_count", "_sum", "_bucket"))
        case "summary":
            return name.endswith(("_count", "_sum"))
        case _:
            return False


def _notes(taken: Taken) -> Iterator[str]:
    if missing := [pattern for pattern in taken.options["metrics"] if pattern not in taken.matched]:
        # Of more than a few, the list of what there is would be a page itself.
        near = nearest(missing[0], list(taken.found)) if len(taken.found) < 2_000 else ""
        hint = near if "did you mean" in near else ""
        yield f"nothing on the page matches {', '.join(missing[:3])}{hint}"
    if taken.counters and not any(name in taken.numbers for name in taken.counters):
        yield "rates come with the next reading"
    if taken.beyond:
        total = taken.beyond + taken.options["limit"]
        yield (
            f"{total:,} series match; the first {taken.options['limit']:,} are taken: "
            "narrow metrics, or raise limit"
        )
    if taken.strange:
        yield f"{taken.strange:,} values are left out: they are NaN or infinite"
    if taken.old:
        yield f"{taken.old:,} series are left out: their values are older than 5 min"
