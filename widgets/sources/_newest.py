"""The newest rows of a stream, for a table: kept from one run to the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from widgets.sources import Heard, Listened, Position


class Newest:
    """The last rows, at most so many, the newest first. Those that are stored are there at first;
    what is delivered again and is among them already is known by its position."""

    def __init__(self, feed: Listened, most: int) -> None:
        self._rows: deque[dict[str, Any]] = deque(maxlen=most)
        self._rows.extend(dict(row) for row in reversed(feed.rows[:most]))
        self._stored = feed.positions

    def add(self, row: dict[str, Any], stream: str, position: Position | None) -> None:
        if position is None or position > self._stored.get(stream, ()):
            self._rows.append(row)

    def all(self) -> list[dict[str, Any]] | None:
        """None if no rows are wanted."""
        return list(reversed(self._rows)) if self._rows.maxlen else None


def with_rows(batch: Sequence[Heard], newest: Newest) -> list[Heard]:
    """The batch, of which the last one carries the rows: each of them would, otherwise."""
    rows = newest.all()
    if not batch or rows is None:
        return list(batch)
    *others, last = batch
    if last.reading is None:
        return list(batch)
    return [*others, replace(last, reading=replace(last.reading, rows=rows))]
