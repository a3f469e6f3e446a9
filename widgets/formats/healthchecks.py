"""Healthchecks' pings: a job says that it ran, began or failed.

Written after https://healthchecks.io/docs/http_api/.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from typing import Any

from widgets.clock import DAY, SECOND, as_datetime
from widgets.formats import Answer, BadPush, Format, Push, Request, Result, as_text, route
from widgets.formats._points import check_feed
from widgets.reading import Reading, Verdict

# Bytes of a body that are kept.
KEPT = 10_000
HEADERS = {"Access-Control-Allow-Origin": "*", "Ping-Body-Limit": str(KEPT)}
ANY = "GET HEAD POST"
WORDS = ("start", "fail", "log")
# Runs of one job that may be under way at a time; a run that takes longer than this has no end.
MOST_RUNS = 20
LONGEST = 3 * DAY


class Healthchecks(Format):
    """`/ping/<token>` of a token for one feed, or `/ping/<token>/<name of the feed>`; then nothing,
    `/start`, `/fail`, `/log` or the exit status.

    The feed has the series `up`, and `duration` where the job said that it began. With
    `expect_every` (the period) and `grace`, silence makes it late and then critical.
    """

    slug = "healthchecks"
    label = "Healthchecks pings"
    routes = (
        route(ANY, "/ping/<token>"),
        *(route(ANY, f"/ping/<token>/{word}") for word in WORDS),
        route(ANY, "/ping/<token>/<name>"),
        *(route(ANY, f"/ping/<token>/<name>/{word}") for word in WORDS),
        route(ANY, "/ping/<token>/<name>/<status>"),
    )
    credential_part = "token"

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        feed, action = _meant(request)
        run = _run(request.query.get("rid", ""))
        text = body[:KEPT].decode("utf-8", "replace").strip()
        if action == "log":
            yield Push(feed, Reading(text=text or "(nothing)", complete=False))
        elif action == "start":
            since = f"{as_datetime(request.now):%Y-%m-%d %H:%M:%S} UTC"
            begun = Reading(notes=[f"running since {since}"], complete=False)
            yield Push(feed, begun, fold=partial(_begin, run, request.now))
        else:
            yield Push(feed, _ended(action, text), fold=partial(_end, run, request.now))

    def answer(self, request: Request, result: Result) -> Answer:
        text = "OK" if result.good else f"{result.message}\n"
        return as_text(result.status, text, **HEADERS)


def _meant(request: Request) -> tuple[str, str]:
    """The feed, and what is said of it: a word, or the exit status (`0` for plain success)."""
    name, status = request.parts.get("name", ""), request.parts.get("status", "")
    last = request.path.rstrip("/").rpartition("/")[2]
    action = last if last in WORDS else status or "0"
    if name.isascii() and name.isdigit() and not status and request.only_feed:
        # `/ping/<uuid>/1`, and not a feed of that name.
        name, action = "", name
    feed = name or request.only_feed
    if not feed:
        raise BadPush(
            "the address", "the token is for several feeds: /ping/<token>/<name of the feed>", 404
        )
    if action not in WORDS and not (
        action.isascii() and action.isdigit() and len(action) <= 3 and int(action) <= 255
    ):
        raise BadPush("the address", f"{action[:40]!r} is no exit status from 0 to 255", 404)
    return check_feed(feed.strip(), "the address"), action


def _run(given: str) -> str:
    """Which of several runs is meant; "" is the only one."""
    if not given:
        return ""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise BadPush("rid", f"{given[:40]!r} is no UUID") from None


def _ended(action: str, text: str) -> Reading:
    failed = action == "fail" or int(action) != 0
    said = "failed" if action == "fail" else f"exit status {action}"
    first = text.partition("\n")[0][:200]
    verdict = Verdict("critical", f"{said}: {first}" if first else said) if failed else None
    return Reading(
        numbers={"up": 0.0 if failed else 1.0},
        verdicts={"up": verdict} if verdict else {},
        text=text or None,
    )


def _begin(run: str, now: int, memo: dict[str, Any], reading: Reading) -> Reading:
    """Remember when a run began."""
    begun = memo.setdefault("begun", {})
    begun[run] = now
    while len(begun) > MOST_RUNS:
        del begun[min(begun, key=lambda one: begun[one])]
    return reading


def _end(run: str, now: int, memo: dict[str, Any], reading: Reading) -> Reading:
    """Say how long the run took, if it said that it began."""
    begun = memo.get("begun", {}).pop(run, None)
    if begun is None or not 0 <= now - begun <= LONGEST:
        return reading
    return Reading(
        numbers={**reading.numbers, "duration": (now - begun) / SECOND},
        units={"duration": "s"},
        verdicts=reading.verdicts,
        text=reading.text,
        at=reading.at,
    )
