"""Numbers, rows and text out of any JSON over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import jmespath
from django import forms
from django.core.exceptions import ValidationError
from jmespath.exceptions import JMESPathError

from widgets import io
from widgets.clock import SECOND
from widgets.options import MappingField, excerpt
from widgets.reading import Reading
from widgets.shows import matches
from widgets.sources import Source, SourceError
from widgets.sources._http import RequestOptions, good_page, place

MOST_QUERY = 1_000
# What takes longer than a few milliseconds to read and to search is no work for the loop.
MUCH = 50_000


def compiled(given: str) -> Any:
    """The JMESPath expression, or ValidationError."""
    if len(given) > MOST_QUERY:
        raise ValidationError(f"an expression has {MOST_QUERY:,} characters at most")
    try:
        return jmespath.compile(given)
    except JMESPathError as error:
        reason = str(error).splitlines()[0]
        raise ValidationError(f"`{given[:60]}` is no JMESPath expression: {reason}") from None
    except RecursionError:
        raise ValidationError(f"`{given[:60]}` is nested too deeply") from None


class QueryField(forms.CharField):
    """A JMESPath expression; "" for none."""

    def clean(self, value: Any) -> str:
        given: str = super().clean(value)
        if given:
            compiled(given)
        return given


class QueriesField(MappingField):
    """Names to JMESPath expressions."""

    def clean(self, value: Any) -> dict[str, str]:
        given = super().clean(value)
        for query in given.values():
            compiled(query)
        return given


class JsonOptions(RequestOptions):
    """A request, and what to take from its answer. Expressions are JMESPath (jmespath.org)."""

    numbers = QueriesField(
        required=False, help_text="Series to expressions that give a number, such as cpu: load.one."
    )
    series = QueryField(
        required=False,
        help_text="An expression that gives many numbers: an object of name to number, or a list "
        "of objects with name and value (and unit). What is null is left out.",
    )
    units = MappingField(
        required=False, help_text="Series, or patterns such as cpu*, to units: %, B, s, B/s."
    )
    rows = QueryField(required=False, help_text="An expression that gives a list of objects.")
    text = QueryField(required=False, help_text="An expression that gives text.")
    time = QueryField(
        required=False,
        help_text="An expression that gives when it was true: seconds or milliseconds since 1970, "
        "or a date and time as in ISO 8601. Without it the moment of the answer counts.",
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        taken = ("numbers", "series", "rows", "text")
        if all(name in given for name in taken) and not any(given[name] for name in taken):
            raise ValidationError("say what to take: numbers, series, rows or text")
        return given


class Json(Source):
    """Any JSON over HTTP."""

    slug = "json"
    label = "JSON over HTTP"
    Options = JsonOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        found = await good_page(options)
        work = partial(learn, found.body, found.charset, options, place(options))
        return await io.in_thread(work) if len(found.body) > MUCH else work()


def learn(body: bytes, charset: str, options: Mapping[str, Any], where: str) -> Reading:
    """The reading in a JSON document, or SourceError with the expression that failed. Pure."""
    document = parse(body, charset, where)
    numbers: dict[str, float] = {}
    units: dict[str, str] = {}
    if options["series"]:
        numbers, units = _many(search("series", options["series"], document), options["series"])
    for name, query in options["numbers"].items():
        numbers[name] = number(name, query, search(name, query, document))
    for name in numbers:
        for pattern, unit in options["units"].items():
            if matches(name, pattern):
                units[name] = unit
                break
    return Reading(
        numbers=numbers,
        units=units,
        rows=_rows(search("rows", options["rows"], document), options["rows"]),
        text=_text(search("text", options["text"], document)),
        at=_moment(search("time", options["time"], document), options["time"]),
    )


def parse(body: bytes, charset: str, where: str) -> Any:
    """The document. UTF-8, -16 or -32 unless the answer's `charset` says otherwise."""
    try:
        # Of itself JSON tells UTF-16 and -32 by their zeros.
        text = body.decode(charset or json.detect_encoding(body)).removeprefix("\ufeff")
    except LookupError:
        raise SourceError(f"{where} names an unknown encoding: {excerpt(charset, 40)!r}") from None
    except UnicodeError as error:
        raise SourceError(f"{where}: the answer is not encoded as it should be: {error}") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip()[:1] == "<":
            raise SourceError(f"{where} answered with HTML or XML, not JSON") from None
        beginning = excerpt(text.strip(), 40)
        raise SourceError(
            f"{where}: the answer is no JSON ({error.msg} at line {error.lineno}, "
            f"column {error.colno}); it begins with {beginning!r}"
        ) from None
    except RecursionError:
        raise SourceError(f"{where}: the answer is nested too deeply") from None
    except ValueError:
        raise SourceError(f"{where}: the answer has a number of more than 4,300 digits") from None


def search(name: str, query: str, document: Any) -> Any:
    """What the expression gives; None where there is no expression."""
    if not query:
        return None
    try:
        return jmespath.search(query, document)
    except (JMESPathError, TypeError, ValueError, ArithmeticError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{name}: `{query}` failed: {reason}") from None
    except RecursionError:
        raise SourceError(f"{name}: `{query}` met what is nested too deeply") from None


def number(name: str, query: str, given: Any) -> float:
    """The number that an expression gave; a bool counts as 0 or 1.

    One that is not finite is refused later, as every source's is.
    """
    if isinstance(given, bool | int | float):
        try:
            return float(given)
        except OverflowError:
            raise SourceError(f"{name}: `{query}` gave too large a number") from None
    expected = "a number was expected"
    if isinstance(given, str):
        expected += " – use to_number(…)"
    raise SourceError(f"{name}: `{query}` gave {described(given)}; {expected}")


def described(given: Any) -> str:
    """What something is, for an error: `text '0.5'`, `a list of 3`."""
    match given:
        case None:
            return "nothing"
        case str():
            return f"text {excerpt(given, 40)!r}"
        case list():
            return f"a list of {len(given):,}"
        case dict():
            return f"an object of {len(given):,}"
        case _:
            return f"the number {given:g}"


def _many(given: Any, query: str) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and units by series, from an object or from a list of {name, value, unit}."""
    if isinstance(given, dict):
        pairs = given.items()
        return {name: number(name, query, value) for name, value in pairs if value is not None}, {}
    if not isinstance(given, list):
        raise SourceError(
            f"series: `{query}` gave {described(given)}; "
            "an object of name to number was expected, or a list of {name, value}"
        )
    numbers, units = {}, {}
    for i, item in enumerate(given):
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise SourceError(
                f"series: item {i} of `{query}` is {described(item)}; {{name, value}} was expected"
            )
        name, value, unit = item["name"], item.get("value"), item.get("unit")
        if name in numbers:
            raise SourceError(f"series: `{query}` gave {excerpt(name, 40)!r} twice")
        if value is not None:
            numbers[name] = number(name, query, value)
            if isinstance(unit, str):
                units[name] = unit
    return numbers, units


def _rows(given: Any, query: str) -> Sequence[Mapping[str, Any]] | None:
    if not query:
        return None
    if isinstance(given, list) and all(isinstance(row, dict) for row in given):
        return given
    raise SourceError(f"rows: `{query}` gave {described(given)}; a list of objects was expected")


def _text(given: Any) -> str | None:
    if given is None or isinstance(given, str):
        return given
    return json.dumps(given, ensure_ascii=False)


def _moment(given: Any, query: str) -> int | None:
    """The moment in µs: from seconds or, where that would be after the year 5000, milliseconds."""
    if not query:
        return None
    try:
        if isinstance(given, int | float) and not isinstance(given, bool):
            return round(given * (SECOND if abs(given) < 1e11 else SECOND / 1000))
        if isinstance(given, str):
            moment = datetime.fromisoformat(given)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return round(moment.timestamp() * SECOND)
    except (ValueError, OverflowError):
        pass
    raise SourceError(f"time: `{query}` gave {described(given)}; seconds or ISO 8601 were expected")
