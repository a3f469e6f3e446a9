"""The frame of one tile: everything the base template draws around a kind's picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from django.utils.safestring import SafeString

from widgets.reading import Freshness, State

# waiting: nothing was ever read and nothing failed for good. good: there is a reading, perhaps
# old, with the error beside it. failed: nothing was ever read, and the error is all there is.
Face = Literal["waiting", "good", "failed"]


def face_of(*, read: bool, failed: bool, draws_alone: bool = False) -> Face:
    """`read`: something was ever read; `draws_alone`: a clock or a fixed text needs no reading."""
    if read or draws_alone:
        return "good"
    return "failed" if failed else "waiting"


@dataclass(frozen=True, slots=True)
class TileFrame:
    """What `widgets/base.html` needs. All moments in µs; written in ms, as the page's script reads.

    `id`: of the article, `w12`. `version`: the greatest of its feeds' and its own revision.
    `read_at`: when its reading was taken; `late_at` and `stale_at`: when it becomes so, and None
    where nothing was promised. `hint`: whose first reading it waits for. `url`: the detail page.
    """

    id: str
    kind: str
    title: str
    version: int
    state: State = "ok"
    freshness: Freshness = "fresh"
    face: Face = "good"
    read_at: int | None = None
    late_at: int | None = None
    stale_at: int | None = None
    error: str = ""
    hint: str = ""
    url: str = ""
    width: int = 3
    height: int = 2

    def written(self) -> dict[str, str]:
        """As the template writes it: a mapping of texts, since it looks each name up as a key
        first, and has to find out of each other value what it is."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "version": SafeString(self.version),
            "state": self.state,
            "freshness": self.freshness,
            "face": self.face,
            "read_ms": _ms(self.read_at),
            "late_ms": _ms(self.late_at),
            "stale_ms": _ms(self.stale_at),
            "error": self.error,
            "hint": self.hint,
            "url": self.url,
        }


def _ms(moment: int | None) -> str:
    return "" if moment is None else SafeString(moment // 1000)
