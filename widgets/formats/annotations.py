"""Grafana's annotations: what deployment scripts note down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from widgets.clock import SECOND
from widgets.formats import Answer, BadPush, Format, Push, Request, Result, as_json, route
from widgets.formats._json import expect_object, noun, parse
from widgets.formats._points import check_feed, check_time
from widgets.reading import Mark, Reading

MOST_TEXT = 500


class Annotations(Format):
    """`POST /api/annotations` as Grafana's, and `/api/annotations/graphite`.

    A note stands among the events of its feed, and is its text. The feed is `?feed=…`, the only
    one of the token, or `annotations`.
    """

    slug = "annotations"
    label = "Grafana annotations"
    routes = (route("POST", "/api/annotations"), route("POST", "/api/annotations/graphite"))

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        given = expect_object(parse(body))
        feed = request.query.get("feed") or request.only_feed or "annotations"
        check_feed(feed, "feed")
        mark = (_graphite if request.path.endswith("/graphite") else _grafana)(given, request.now)
        yield Push(feed, Reading(text=mark.text, complete=False, marks=[mark]))

    def answer(self, request: Request, result: Result) -> Answer:
        if result.good:
            said = "Graphite annotation added" if "graphite" in request.path else "Annotation added"
            return as_json(200, {"message": said, "id": result.version})
        return as_json(result.status, {"message": result.message})


def _grafana(given: dict[str, Any], now: int) -> Mark:
    start = _moment(given.get("time"), 1_000, now, "time")
    end = _moment(given.get("timeEnd"), 1_000, now, "timeEnd", start)
    return Mark(start, max(start, end), _said(given, ("text",)))


def _graphite(given: dict[str, Any], now: int) -> Mark:
    start = _moment(given.get("when"), SECOND, now, "when")
    return Mark(start, start, _said(given, ("what", "data")))


def _moment(given: Any, unit: int, now: int, place: str, otherwise: int | None = None) -> int:
    """A moment in µs, from so many units of so many µs; now, or `otherwise`, where none is said."""
    if given is None or given == 0:
        return now if otherwise is None else otherwise
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise BadPush(place, f"a number is expected, not {noun(given)}")
    if not abs(given) < 2**63:
        raise BadPush(place, f"{str(given)[:40]} is no moment")
    return check_time(round(given * unit), now, place)


def _said(given: dict[str, Any], keys: tuple[str, ...]) -> str:
    texts = []
    for key in keys:
        text = given.get(key)
        if text is not None and not isinstance(text, str):
            raise BadPush(key, f"text is expected, not {noun(text)}")
        if text:
            texts.append(text.strip())
    if not texts:
        raise BadPush(keys[0], "a text is expected")
    tags = given.get("tags") or []
    listed = tags.split(",") if isinstance(tags, str) else tags
    if not isinstance(listed, list) or not all(isinstance(tag, str) for tag in listed):
        raise BadPush("tags", "a list of texts is expected")
    before = ", ".join(tag.strip() for tag in listed if tag.strip())
    said = "\n".join(texts)
    return (f"{before}: {said}" if before else said)[:MOST_TEXT]
