"""The frame of one tile: everything the base template draws around a kind's picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    """What `widgets/base.html` needs. All moments in µs; `*_ms` is what the page's script reads.

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

    @property
    def read_ms(self) -> str:
        return _ms(self.read_at)

    @property
    def late_ms(self) -> str:
        return _ms(self.late_at)

    @property
    def stale_ms(self) -> str:
        return _ms(self.stale_at)


def _ms(moment: int | None) -> str:
    return "" if moment is None else str(moment // 1000)
