"""Uptime Kuma's push monitor."""

from __future__ import annotations

import math
from collections.abc import Iterator

from widgets.formats import Answer, BadPush, Format, Push, Request, Result, as_json, route
from widgets.reading import Reading, Verdict

LONGEST = 1e11


class Kuma(Format):
    """`/api/push/<token>?status=up&msg=OK&ping=12`, of a token for one feed.

    The feed has the series `up`, and `ping` in ms where it is said. As with pings of Healthchecks,
    `expect_every` and `grace` of the feed say what silence means.
    """

    slug = "kuma"
    label = "Uptime Kuma push"
    routes = (route("GET HEAD POST PUT", "/api/push/<token>"),)
    credential_part = "token"

    def decode(self, body: bytes, request: Request) -> Iterator[Push | BadPush]:
        if not request.only_feed:
            raise BadPush(
                "the address", "the token is for several feeds; one for one is needed", 404
            )
        up = request.query.get("status", "up") == "up"
        numbers, units = {"up": float(up)}, {}
        if given := request.query.get("ping", ""):
            numbers["ping"], units["ping"] = _milliseconds(given), "ms"
        said = request.query.get("msg", "")[:500]
        verdict = Verdict("ok" if up else "critical", said)
        yield Push(request.only_feed, Reading(numbers, units, {"up": verdict}))

    def answer(self, request: Request, result: Result) -> Answer:
        if result.good:
            return as_json(200, {"ok": True})
        return as_json(result.status, {"ok": False, "msg": result.message})


def _milliseconds(given: str) -> float:
    try:
        found = float(given)
    except ValueError:
        found = math.nan
    if not 0 <= found <= LONGEST:
        raise BadPush("ping", f"{given[:40]!r} is no number of milliseconds")
    return found
