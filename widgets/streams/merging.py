"""What one feed heard in one batch, as one reading; what was stored before is left out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from widgets.change import Fold
from widgets.directory import names_of
from widgets.reading import Reading, clean
from widgets.sources import Position

# Of one feed; the oldest are forgotten first: files that were rotated away, partitions that ended.
MOST_STREAMS = 1_000
# How many ids of messages a feed remembers at least, and twice as many at most. A broker delivers
# again what it had sent and heard nothing of: some tens, or as many as wait here.
MOST_IDS = 5_000


@dataclass(frozen=True, slots=True)
class Part:
    """One reading as it may be stored, when it came (µs), and where it stood in its stream, or
    which message it was.

    `empty`: there is nothing but that place.
    """

    reading: Reading
    arrived: int
    stream: str = ""
    position: Position | None = None
    id: str = ""
    empty: bool = False

    @property
    def moment(self) -> int:
        return self.arrived if self.reading.at is None else self.reading.at


def fold_of(parts: Sequence[Part], whole: Reading | None = None) -> Fold:
    """For `widgets.change.Arrival`: the parts that are new, as one reading. `whole`: what they say
    if all of them are, as it may be stored; None: what each says may be stored as it is.

    In the transaction, so that where a stream was left is stored if and only if its readings are;
    a commit of which nobody knows whether it came about may be tried again.
    """

    def fold(memo: dict[str, Any], _: Reading) -> Reading | None:
        new = unknown(parts, memo)
        if whole is not None and len(new) == len(parts):
            return whole
        heard = [part for part in new if not part.empty]
        if not heard:
            return None
        return merged(heard) if whole is None else clean(merged(heard))

    return fold


def unknown(parts: Sequence[Part], memo: dict[str, Any]) -> list[Part]:
    """The parts that stand beyond what is stored; the memo is told how far that is now."""
    positions: dict[str, list[int]] = memo.setdefault("positions", {})
    new = []
    for part in _first_heard(parts, memo):
        if part.position is not None:
            position = list(part.position)
            if position <= positions.get(part.stream, []):
                continue
            # Put at the end: what is at the beginning has been silent for longest.
            positions.pop(part.stream, None)
            positions[part.stream] = position
        new.append(part)
    for stream in list(positions)[:-MOST_STREAMS]:
        del positions[stream]
    return new


def _first_heard(parts: Sequence[Part], memo: dict[str, Any]) -> list[Part]:
    """Without those whose ids the memo knows; it is told the others. As digests, of one length."""
    if not any(part.id for part in parts):
        return list(parts)
    ids: list[str] = memo.setdefault("ids", [])
    known, new = set(ids), []
    for part in parts:
        digest = blake2b(part.id.encode(), digest_size=8).hexdigest()
        if not part.id or digest not in known:
            new.append(part)
        if part.id and digest not in known:
            known.add(digest)
            ids.append(digest)
    if len(ids) > 2 * MOST_IDS:
        del ids[:-MOST_IDS]
    return new


def positions_in(memo: dict[str, Any]) -> dict[str, Position]:
    """How far each stream was stored, by what a feed remembers."""
    return {stream: tuple(position) for stream, position in memo.get("positions", {}).items()}


def merged(parts: Sequence[Part]) -> Reading:
    """One reading that says what these say one after another. What streams bring is partial."""
    *before, head = sorted(parts, key=lambda part: part.moment)
    if not before:
        return replace(head.reading, complete=False)
    whole = _Merged()
    for part in (*before, head):
        whole.take(part)
    return replace(
        head.reading,
        units=whole.units,
        verdicts=whole.verdicts,
        rows=whole.rows,
        text=whole.text,
        complete=False,
        history=[point for part in before for point in _points(part)] + [*head.reading.history],
        lost=list(whole.lost),
        ended=list(whole.ended),
        marks=[mark for part in parts for mark in part.reading.marks],
    )


class _Merged:
    """What the newest that said anything of it said."""

    def __init__(self) -> None:
        self.units: dict[str, str] = {}
        self.verdicts: dict[str, Any] = {}
        self.rows: Any = None
        self.text: str | None = None
        # For their order.
        self.lost: dict[str, None] = {}
        self.ended: dict[str, None] = {}

    def take(self, part: Part) -> None:
        reading = part.reading
        if self.verdicts or self.lost or self.ended:
            for name in names_of(reading):
                # A number without a word on it is fine, and there again.
                for said in (self.verdicts, self.lost, self.ended):
                    said.pop(name, None)
        self.units |= reading.units
        self.verdicts |= reading.verdicts
        if reading.lost or reading.ended:
            self.lost |= dict.fromkeys(reading.lost)
            self.ended |= dict.fromkeys(reading.ended)
        self.rows = self.rows if reading.rows is None else reading.rows
        self.text = self.text if reading.text is None else reading.text


def _points(part: Part) -> list[tuple[str, int, float]]:
    numbers = [(name, part.moment, value) for name, value in part.reading.numbers.items()]
    return [*numbers, *part.reading.history]
