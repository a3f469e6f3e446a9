"""The first board: what somebody sees who has nothing of their own on the wall yet."""

from __future__ import annotations

import re
from pathlib import Path

from dashboard.code.apply import apply_all
from dashboard.code.plan import Change
from dashboard.models import Dashboard
from widgets.models import Feed

BOARD = Path(__file__).parent / "boards" / "this-machine.yaml"
# Where the wall answers on its own machine, as the file has it.
ADDRESS = "http://127.0.0.1:8000"
# The feed with which the wall asks itself for a page.
SELF = "login-page"
LOOPBACK = {"http://127.0.0.1", "http://localhost", "http://[::1]"}
_LOGIN_PAGE = re.compile(r"(http://[^/]+):\d+/login/")


def apply_first(address: str = ADDRESS) -> list[Change]:
    """Apply the first board unless there is a dashboard; what was made. `address`: where this
    wall answers on its own machine, without a path."""
    if Dashboard.objects.exists():
        return []
    text = BOARD.read_text(encoding="utf-8").replace(ADDRESS, address)
    return apply_all({BOARD.name: text})


def follow(address: str) -> bool:
    """Let the wall's check of itself go where it answers now; whether it had to move.

    The port may be another at each start, and a wall that asked the old one would call itself
    down. Whatever people have made of the feed is left alone.
    """
    feed = Feed.objects.filter(name=SELF, source="http").first()
    if feed is None or not isinstance(feed.options, dict):
        return False
    here, asked = address + "/login/", str(feed.options.get("url", ""))
    found = _LOGIN_PAGE.fullmatch(asked)
    own = found and found[1] in LOOPBACK | {address.rpartition(":")[0]}
    if not own or asked == here:
        return False
    feed.options = {**feed.options, "url": here}
    feed.save(update_fields=["options"])
    return True
