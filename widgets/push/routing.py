"""Which format an address belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from widgets.formats import Format, Route


@dataclass(frozen=True, slots=True)
class Found:
    """A format's route that fits, with what its placeholders stand for."""

    format: Format
    route: Route
    parts: Mapping[str, str]


class Router:
    """The routes of all formats; asked for every request of the process, so it is quick."""

    def __init__(self, formats: Iterable[Format]) -> None:
        # By number of segments and the first of them, which no route leaves open.
        self._routes: dict[tuple[int, str], list[tuple[list[str], Format, Route]]] = {}
        for one in formats:
            for route in one.routes:
                segments = route.path.strip("/").split("/")
                key = (len(segments), segments[0])
                self._routes.setdefault(key, []).append((segments, one, route))
        for listed in self._routes.values():
            # `/ping/<token>/fail` is meant before `/ping/<key>/<slug>`.
            listed.sort(key=lambda item: [segment.startswith("<") for segment in item[0]])

    def find(self, method: str, raw_path: str) -> Found | None:
        """The route for a path as it was sent, still encoded: a name may hold a slash."""
        segments = raw_path.strip("/").split("/")
        for wanted, one, route in self._routes.get((len(segments), segments[0]), ()):
            if method in route.methods and (parts := _match(wanted, segments)) is not None:
                return Found(one, route, parts)
        return None


def _match(wanted: list[str], given: list[str]) -> dict[str, str] | None:
    parts = {}
    for want, have in zip(wanted, given, strict=True):
        if want.startswith("<"):
            if not have:
                return None
            parts[want[1:-1]] = unquote(have)
        elif want != have:
            return None
    return parts
