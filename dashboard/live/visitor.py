"""Who is at the other end of a connection, as far as people want to know it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from dashboard.access import Viewer

Way = Literal["socket", "events"]

# In this order: each browser also claims to be those after it.
BROWSERS = (
    ("Edge", re.compile(r"Edg\w*/(\d+)")),
    ("Opera", re.compile(r"OPR/(\d+)")),
    ("Samsung", re.compile(r"SamsungBrowser/(\d+)")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d+)")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d+)")),
    ("Safari", re.compile(r"Version/(\d+)[^)]*Safari/")),
)
SYSTEMS = (
    ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Tizen", "Tizen"), ("Web0S", "webOS"),
    ("Linux", "Linux"),
)  # fmt: skip
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Visitor:
    """`user` is empty for a stranger; `since`: when the connection was made, µs."""

    user: str = ""
    address: str = ""
    browser: str = ""
    way: Way = "socket"
    since: int = 0


def visitor(scope: Mapping[str, Any], viewer: Viewer, way: Way, now: int) -> Visitor:
    """From an ASGI scope; everything in it is a stranger's text, and cut."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Visitor(
        user=viewer.get_username() if viewer.is_authenticated else "",
        address=address(scope, headers)[:LONGEST],
        browser=browser(headers.get(b"user-agent", "")),
        way=way,
        since=now,
    )


def address(scope: Mapping[str, Any], headers: Mapping[bytes, str]) -> str:
    """The client's address; where a proxy of ours stands in front, as it says."""
    if settings.USE_X_FORWARDED_HOST and (said := headers.get(b"x-forwarded-for")):
        # What stands before the last one was said by the client, and may be anything.
        return said.rpartition(",")[2].strip()
    client = scope.get("client")
    return str(client[0]) if client else ""


def browser(agent: str) -> str:
    """`Firefox 140, Linux`, from a User-Agent; what it calls itself where nobody knows it."""
    agent = agent[:500]
    names = (f"{name} {found[1]}" for name, sign in BROWSERS if (found := sign.search(agent)))
    systems = (name for sign, name in SYSTEMS if sign in agent)
    known = [part for part in (next(names, ""), next(systems, "")) if part]
    return ", ".join(known) or agent.partition(" ")[0][:LONGEST]
