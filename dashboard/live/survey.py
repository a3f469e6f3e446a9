"""One look at the database for everything the hub watches; what was missed shows by comparing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from dashboard.access import Viewer, viewers_of
from dashboard.live import board
from dashboard.live.board import Board, Fingerprint, Key
from widgets.models import Feed


class Mark(NamedTuple):
    """How far a feed is: what people set, and what machines wrote."""

    name: str
    revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Survey:
    """`there`: which boards exist; `changed`: those that are not as the hub holds them.

    `viewers`: who the sessions belong to now.
    """

    feeds: Mapping[int, Mark]
    there: Collection[Key]
    changed: Mapping[Key, Board]
    viewers: Mapping[str, Viewer]


def survey(held: Mapping[Key, Fingerprint], sessions: Collection[str]) -> Survey:
    """Compare the boards as they are held with the database; five cheap queries."""
    prints = board.fingerprints(held)
    return Survey(
        feeds=marks(),
        there=prints.keys(),
        changed=board.read([key for key, found in prints.items() if found != held[key]]),
        viewers=viewers_of(sessions) if sessions else {},
    )


def marks() -> dict[int, Mark]:
    """All feeds: patterns match by name, so one that is new may be wanted too."""
    rows = Feed.objects.values_list("pk", "name", "revision", "now__version")
    return {pk: Mark(name, revision, version) for pk, name, revision, version in rows}


def look(key: Key) -> tuple[Board | None, dict[int, Mark]]:
    """One board, if it is there, and the feeds it may want."""
    return board.read([key]).get(key), marks()
