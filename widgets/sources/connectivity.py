"""Is the monitor itself connected?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from widgets import online
from widgets.egress import Refused
from widgets.online import Found
from widgets.reading import Reading, Verdict
from widgets.sources import Source, SourceError


class Connectivity(Source):
    """Series: `online` (1 or 0), `anchors` and `anchors.up`, `latency` of the fastest (s).
    Rows: one an anchor.

    The anchors stand in WATCHWALL_ANCHORS. While none answers, checks that hear nothing of their
    target say that the monitor is cut off, and call nothing down.
    """

    slug = "connectivity"
    label = "Is the monitor connected"
    local = True

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        if not settings.ANCHORS:
            raise SourceError(
                "WATCHWALL_ANCHORS names nobody to ask; "
                "set it to addresses that always answer, such as 192.0.2.1:53, router.example:443"
            )
        try:
            return judged(await online.ask(settings.ANCHORS))
        except Refused as error:
            raise SourceError(f"WATCHWALL_ANCHORS: {error.reason}") from None


def judged(found: Sequence[Found]) -> Reading:
    """The reading of what the anchors answered. Pure."""
    up = [one.latency for one in found if one.latency is not None]
    if up:
        verdict = Verdict("ok", f"{len(up)} of {len(found)} anchors answer")
    else:
        verdict = Verdict("critical", "this monitor is cut off: none of its anchors answers")
    numbers = {"online": float(bool(up)), "anchors": len(found), "anchors.up": len(up)}
    return Reading(
        numbers=numbers | ({"latency": min(up)} if up else {}),
        units={"latency": "s"},
        verdicts={"online": verdict},
        rows=[
            {
                "anchor": one.anchor,
                "answer": one.reason or "connected",
                "latency": one.latency,
            }
            for one in found
        ],
    )
