"""A query to Prometheus, or to anything that speaks its HTTP API."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import isfinite
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets import clock, io
from widgets.clock import DAY, SECOND
from widgets.labels import printable, series_name
from widgets.options import DurationField, excerpt
from widgets.reading import Reading
from widgets.sources import Source, SourceError
from widgets.sources._http import TargetOptions, fingerprint, page, place, read_url, said
from widgets.sources.json import MUCH, parse

# A chart's window is drawn from so many points at least, if the step allows.
POINTS = 300
# Prometheus itself refuses more, a series.
MOST_POINTS = 11_000
MOST_BODY = 16_000_000
MILLISECOND = SECOND // 1000

# What makes it another query.
ASKED = ("url", "query", "range", "step", "legend")

_LABEL = re.compile(r"\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}")


class PrometheusOptions(TargetOptions):
    """A query in PromQL, of now or of a stretch of time."""

    field_order = ["url", "query", "range", "step", "legend", "unit"]

    query = forms.CharField(max_length=4000, help_text="The query, in PromQL.")
    range = DurationField(
        required=False,
        least=SECOND,
        most=365 * DAY,
        help_text="How much of the past to bring along, such as 1h, so that a chart is full at "
        "once. Without it only the values of now are asked for.",
    )
    step = DurationField(
        required=False,
        least=SECOND,
        help_text=f"How far apart points of the past are; a {POINTS}th of the range at first.",
    )
    legend = forms.CharField(
        required=False,
        max_length=200,
        help_text="What each series is called, with labels in double braces: {{instance}}. "
        "Without it by its name and all its labels.",
    )
    unit = forms.CharField(
        required=False, max_length=40, help_text="The unit of the values: %, B, s, B/s."
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        span, step = given.get("range"), given.get("step")
        if step and not span:
            raise ValidationError("a step is given without a range")
        if span and step and span // step > MOST_POINTS:
            raise ValidationError(
                f"{span // step:,} steps are in the range; {MOST_POINTS:,} is the most"
            )
        return given


@dataclass(frozen=True, slots=True)
class Stretch:
    """The moments to ask for, in µs: every `step` up to `end`, `steps` of them before it."""

    end: int
    step: int
    steps: int


def stretch(options: Mapping[str, Any], until: int | None, now: int) -> Stretch | None:
    """What a range query has still to ask for at `now`; None for an instant query. Pure.

    `until`: the end of what was asked for last. The last moment is always now, so that the value
    shown is of now; before it only what was missed is asked for again.
    """
    if not options["range"]:
        return None
    # Prometheus counts in milliseconds.
    end = now - now % MILLISECOND
    step = options["step"] or max(SECOND, options["range"] // POINTS // SECOND * SECOND)
    missed = options["range"] if until is None else min(options["range"], end - until - 1)
    return Stretch(end, step, max(0, missed) // step)


class Prometheus(Source):
    """Series: one for each result, called by the legend. Values that are not finite are left out.

    A query with a range brings points of the past along, at first the whole range and later what
    was missed. No result is no data and never 0. Warnings of the server stand beside the data.
    A query whose result is text gives text. Format: Prometheus, "HTTP API" (querying/api).
    """

    slug = "prometheus"
    label = "Prometheus query"
    Options = PrometheusOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        asked = fingerprint(*(options[name] for name in ASKED))
        until = memo.get("until") if memo.get("asked") == asked else None
        of = stretch(options, until, clock.now())
        found = await page({**options, "url": _url(options, of)}, MOST_BODY)
        where = place(options)
        if found.status >= 400 and found.type != "application/json":
            raise SourceError(
                f"{where} answered {said(found.status)}; is it the address of a Prometheus?"
            )
        work = partial(learn, found.body, found.charset, options, of, where)
        reading = await io.in_thread(work) if len(found.body) > MUCH else work()
        memo.clear()
        if of:
            memo.update(asked=asked, until=of.end)
        return reading


def _url(options: Mapping[str, Any], of: Stretch | None) -> str:
    """A GET and no POST: a redirect to https would make a GET of it and drop the query."""
    asked = {"query": options["query"]}
    if of:
        start = of.end - of.steps * of.step
        asked |= {
            "start": f"{start / SECOND:.3f}",
            "end": f"{of.end / SECOND:.3f}",
            "step": f"{of.step / SECOND:.3f}",
        }
    base = read_url(options["url"])
    path = base.path.rstrip("/") + ("/api/v1/query_range" if of else "/api/v1/query")
    return str(base.with_path(path).with_query([*base.query.items(), *asked.items()]))


@dataclass(slots=True)
class Gathered:
    """What the results hold so far. `left`: how many values were not finite."""

    legend: str
    numbers: dict[str, float] = field(default_factory=dict)
    history: list[tuple[str, int, float]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    left: int = 0
    histograms: int = 0

    def name(self, metric: Mapping[str, str]) -> str:
        name = legend(self.legend, metric)
        if name in self.names:
            raise SourceError(
                f"two results are called {excerpt(name, 100)!r}; "
                "put a label into the legend that tells them apart"
            )
        self.names.add(name)
        return name

    def value(self, given: Any) -> float | None:
        """The number in a sample's text; None, and counted, if no wall can show it."""
        value = float(given)
        if isfinite(value):
            return value
        self.left += 1
        return None


def learn(
    body: bytes, charset: str, options: Mapping[str, Any], of: Stretch | None, where: str
) -> Reading:
    """The reading in an answer, or SourceError. Pure."""
    document = parse(body, charset, where)
    try:
        if document["status"] != "success":
            kind, reason = document.get("errorType", "error"), document.get("error", "no reason")
            raise SourceError(f"{where}: {kind}: {reason}")
        kind, result = document["data"]["resultType"], document["data"]["result"]
        got = Gathered(options["legend"])
        text = str(result[1]) if kind == "string" else None
        match kind:
            case "string":
                pass
            case "scalar":
                _vector(got, [{"metric": {}, "value": result}])
            case "vector":
                _vector(got, result)
            case "matrix":
                _matrix(got, result, of)
            case _:
                raise SourceError(f"{where} answered with results of an unknown type")
        notes = [str(said) for key in ("warnings", "infos") for said in document.get(key) or ()]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
        raise SourceError(f"{where}: the answer is none of Prometheus's HTTP API") from None
    return Reading(
        numbers=got.numbers,
        units={name: options["unit"] for name in got.names} if options["unit"] else {},
        text=text,
        at=of.end if of else None,
        history=got.history,
        notes=[*_said(got, text), *notes],
    )


def _vector(got: Gathered, results: Any) -> None:
    for one in results:
        if "value" not in one:
            got.histograms += 1
        elif (value := got.value(one["value"][1])) is not None:
            got.numbers[got.name(one["metric"])] = value


def _matrix(got: Gathered, results: Any, of: Stretch | None) -> None:
    """A range: points up to now, of which the last is the value of now.

    Some servers move the moments to multiples of the step, so the last may be a step old. A
    series that has none so late has ended some time ago.
    """
    for one in results:
        if "values" not in one:
            got.histograms += 1
            continue
        name = got.name(one["metric"])
        points = [
            (name, round(float(moment) * SECOND), value)
            for moment, given in one["values"]
            if (value := got.value(given)) is not None
        ]
        if of and points and points[-1][1] > of.end - of.step:
            got.numbers[name] = points.pop()[2]
        got.history += points


def legend(template: str, metric: Mapping[str, str]) -> str:
    """What a result with these labels is called; a label it lacks is nothing."""
    if not template:
        labels = {str(label): str(value) for label, value in metric.items()}
        return series_name(labels.pop("__name__", ""), labels) or "value"
    return printable(_LABEL.sub(lambda found: str(metric.get(found[1], "")), template)).strip()


def _said(got: Gathered, text: str | None) -> Iterator[str]:
    if text is None and not got.numbers and not got.history and not got.left:
        yield "no data: the query has no result"
    if got.left:
        yield f"{got.left:,} values are left out: they are NaN or infinite"
    if got.histograms:
        yield f"{got.histograms:,} histograms are left out; ask for histogram_quantile(…)"
