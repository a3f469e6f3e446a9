"""One board that somebody here watches: its fragments, and the sockets that show them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dashboard.live import facts, fragments
from dashboard.live.board import Board, Placed
from dashboard.live.fragments import Painted, partial
from dashboard.live.held import Held
from dashboard.live.outlet import Frame
from dashboard.live.slot import Slot
from widgets import processes, trouble

# A tile is drawn at once, and then at most once in so long (s): a feed at 50 Hz costs each
# socket ten messages a second, and one feed a minute still arrives in milliseconds.
FRAME = 0.1


class Wall:
    """Keeps the newest fragment of each tile. Draws no tile twice for one change; does no I/O."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.slots: set[Slot] = set()
        self.ready = False
        # When the last viewer left, by the loop's clock; None while somebody watches.
        self.left_at: float | None = None
        # How many fragments were drawn; feeds whose windows were not held when they were.
        self.renders = 0
        self.lacks: set[int] = set()
        self._painted: dict[int, Painted] = {}
        self._painted_at: dict[int, float] = {}
        self._dirty: set[int] = set()
        self._relaid = True
        self._welcome: tuple[dict[str, str], Frame] | None = None
        self.status = ""
        self.facts = ""

    def mark(self, feed_names: Collection[str]) -> None:
        """These feeds changed: whatever shows them is to be drawn again."""
        for tile in self.board.tiles:
            if tile.spec is not None and any(tile.spec.wants(name) for name in feed_names):
                self._dirty.add(tile.id)

    def change(self, board: Board) -> None:
        """The board was edited: draw the tiles that differ, or all where the layout does."""
        self._relaid = self._relaid or board.layout != self.board.layout
        old = {tile.id: tile.revision for tile in self.board.tiles}
        self._dirty |= {t.id for t in board.tiles if old.get(t.id) != t.revision}
        self._dirty &= {tile.id for tile in board.tiles}
        self.board = board

    @property
    def due_at(self) -> float | None:
        """When the next of what has changed may be drawn, by the loop's clock."""
        if self._relaid:
            return 0.0
        return min((self._painted_at.get(id_, 0.0) + FRAME for id_ in self._dirty), default=None)

    def paint(self, held: Held, now: int, moment: float) -> dict[str, str]:
        """Draw what is due; the partials to send, by element. `now` in µs, `moment` in s."""
        if self._relaid:
            return self._paint_all(held, now, moment)
        due = [tile for tile in self.board.tiles if self._is_due(tile, moment)]
        if due:
            self._welcome = None
        parts = {}
        for tile in due:
            self._paint(tile, held, now, moment)
            parts[tile.element] = partial(tile.element, self._painted[tile.id].html)
        return parts | self._around(held, now) if due else {}

    def say(self, held: Held, now: int) -> dict[str, str]:
        """What stands around the tiles, if anything but they changed it; the partials to send."""
        parts = self._around(held, now)
        if parts:
            self._welcome = None
        return parts

    def everything(self) -> tuple[dict[str, str], Frame]:
        """All there is to see, for a socket that has just come; the grid holds every tile.

        Kept until something is drawn: a thousand that come back together share one frame.
        """
        if self._welcome is None:
            parts = {"wall": partial("wall", self.grid), "status": partial("status", self.status)}
            if self.board.key.tile is None:
                parts["title"] = partial("title", self.heading)
            else:
                parts["facts"] = partial("facts", self.facts)
            self._welcome = parts, self.frame(parts)
        return self._welcome

    def frame(self, parts: Mapping[str, str]) -> Frame:
        """These partials as one frame, with the newest version that the board then shows."""
        newest = max((one.version for one in self._painted.values()), default=0)
        return Frame("".join(parts.values()), newest)

    @property
    def grid(self) -> str:
        return fragments.grid(self.board, self._painted)

    @property
    def heading(self) -> str:
        return fragments.title(self.board)

    def _is_due(self, tile: Placed, moment: float) -> bool:
        return tile.id in self._dirty and self._painted_at.get(tile.id, 0.0) + FRAME <= moment

    def _paint_all(self, held: Held, now: int, moment: float) -> dict[str, str]:
        self._relaid, self._welcome = False, None
        self._painted.clear()
        self._painted_at.clear()
        for tile in self.board.tiles:
            self._paint(tile, held, now, moment)
        self._around(held, now)
        return self.everything()[0]

    def _paint(self, tile: Placed, held: Held, now: int, moment: float) -> None:
        painted = fragments.paint(self.board, tile, held, now)
        self._painted[tile.id], self._painted_at[tile.id] = painted, moment
        self._dirty.discard(tile.id)
        self.lacks |= set(painted.lacks)
        self.renders += 1
        processes.count("renders")

    def _around(self, held: Held, now: int) -> dict[str, str]:
        """What stands around the tiles and follows from them, where it has changed."""
        parts = {}
        standing = trouble.standing(now)
        said = fragments.status(self.board, self._painted.values(), now, standing)
        if self.status != said:
            self.status = said
            parts["status"] = partial("status", said)
        if self.board.key.tile is not None:
            self.facts = facts.facts(self.board, self.board.tiles[0], held, now)
            parts["facts"] = partial("facts", self.facts)
        return parts
