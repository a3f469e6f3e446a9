"""What a check says of a target that gives no good answer."""

from __future__ import annotations

from widgets import online
from widgets.reading import Reading, Verdict
from widgets.sources import SourceError


def down(reason: str) -> Reading:
    """It is down, and nothing else is known: other series keep their last value and grow old."""
    return Reading(
        numbers={"up": 0.0}, verdicts={"up": Verdict("critical", reason)}, complete=False
    )


async def unheard(reason: str) -> Reading:
    """Nothing was heard of it: it is down, unless this machine hears of nobody.

    Then it is a SourceError: the last reading stays and grows old, and nothing is called down.
    """
    if await online.cut_off():
        raise SourceError(
            f"this monitor is cut off: none of its anchors answers ({online.names()}), "
            f"so nobody knows whether the target is up; it gave {reason}"
        )
    return down(reason)
