"""Which feeds what was heard is for: the one listened for, or one of a name that came with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from django.db.models import Q

from widgets import directory
from widgets.change import Arrival, kept
from widgets.directory import Directory, Known, Maker, names_of, without
from widgets.models import FeedState
from widgets.options import without_secrets
from widgets.reading import BadReading, Reading, clean_text
from widgets.sources import Heard
from widgets.streams.merging import Part, fold_of, merged

# Of all the feeds that one stream makes.
MOST_SERIES = 20_000
MOST_NAME = 200
MOST_SAID = 500


@dataclass(frozen=True, slots=True)
class Came:
    """What one feed's stream brought, and when (µs): a reading, or what was wrong.

    `link`: it is said of the connection, and so of every feed that the stream has made.
    """

    feed: int
    arrived: int
    heard: Heard | None = None
    wrong: str = ""
    link: Literal["", "up", "down"] = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What came for one feed. `whole`: all of it as one reading that may be stored; None: each of
    its parts may be."""

    feed: int
    parts: Sequence[Part]
    whole: Reading | None


@dataclass(slots=True)
class Sorted:
    """What came, by the feeds that it is for."""

    batches: list[Batch] = field(default_factory=list)
    # By the feed that is listened for: the last thing that was wrong, and how many things were.
    wrong: dict[int, tuple[str, int]] = field(default_factory=dict)
    up: set[int] = field(default_factory=set)
    down: dict[int, str] = field(default_factory=dict)

    def refuse(self, feed: int, message: str, n: int = 1) -> None:
        _, count = self.wrong.get(feed, ("", 0))
        self.wrong[feed] = message, count + n

    def arrivals(self, now: int) -> Iterator[Arrival]:
        """One for each feed, and another where something was wrong, which stays to be seen."""
        nothing = Reading(complete=False)
        for one in self.batches:
            fold = fold_of(one.parts, one.whole)
            yield Arrival(one.feed, one.parts[-1].arrived, nothing, fold=fold)
        for feed, (message, count) in self.wrong.items():
            more = f" ({count - 1:,} more like it)" if count > 1 else ""
            yield Arrival(feed, now, error=said(f"{message}{more}"))
        if self.up or self.down:
            yield from self._links(now)

    def _links(self, now: int) -> Iterator[Arrival]:
        mine = Q(pk__in=self.up) | Q(feed__made_from__in=self.up)
        in_error = FeedState.objects.filter(mine).exclude(error="")
        for feed in list(in_error.values_list("pk", flat=True)):
            yield Arrival(feed, now, well=True)
        for feed, message in self.down.items():
            yield Arrival(feed, now, error=said(message))
        # Once for each time, and not at every try: there may be thousands.
        well = FeedState.objects.filter(feed__made_from__in=self.down, error="")
        for feed, owner in list(well.values_list("pk", "feed__made_from")):
            if owner is not None:
                yield Arrival(feed, now, error=said(self.down[owner]))

    def link(self, came: Came) -> None:
        """What was last said of the connection counts."""
        self.up.discard(came.feed)
        self.down.pop(came.feed, None)
        if came.link == "up":
            self.up.add(came.feed)
        else:
            self.down[came.feed] = came.wrong


def said(message: str) -> str:
    """An error as it may be shown: no secret, nothing a database cannot hold, not endless."""
    return clean_text(str(without_secrets(message)))[:MOST_SAID]


class Addressing:
    """Finds and makes feeds. For the intake's thread: it queries."""

    def __init__(self) -> None:
        self.directory = Directory()

    def sort(self, came: Iterable[Came], listened: Mapping[int, str], now: int) -> Sorted:
        """`listened`: the names of the feeds that are listened for."""
        found = Sorted()
        by_name: defaultdict[tuple[int, str], list[Part]] = defaultdict(list)
        for one in came:
            if one.heard is not None:
                by_name[one.feed, one.heard.name].append(_part(one, one.heard))
            elif one.link:
                found.link(one)
            else:
                found.refuse(one.feed, one.wrong)
        own = self._known({listened[feed] for feed, _ in by_name})
        # Of a feed that was deleted meanwhile nothing is made any more.
        theirs = {key: parts for key, parts in by_name.items() if listened[key[0]] in own}
        makers = {feed: _maker(feed, listened[feed]) for feed, _ in theirs}
        named = {
            feed: self._made({name for of, name in theirs if of == feed and _is_name(name)}, maker)
            for feed, maker in makers.items()
        }
        for (feed, name), parts in theirs.items():
            known = named[feed].get(name) if name else own[listened[feed]]
            self._address(name, known, parts, makers[feed], found, now)
        return found

    def _known(self, names: set[str]) -> dict[str, Known]:
        found = {name: self.directory.get(name) for name in names}
        if unknown := [name for name, known in found.items() if known is None]:
            self.directory.load(unknown)
            found |= {name: self.directory.get(name) for name in unknown}
        return {name: known for name, known in found.items() if known is not None}

    def _made(self, names: set[str], maker: Maker) -> dict[str, Known]:
        known = self._known(names)
        if missing := names - known.keys():
            directory.make(missing, maker)
            known |= self._known(missing)
        return known

    def _address(
        self,
        name: str,
        known: Known | None,
        parts: list[Part],
        maker: Maker,
        found: Sorted,
        now: int,
    ) -> None:
        refusal = _refusal(name, known, maker) if name else ""
        if refusal or known is None:
            found.refuse(maker.id, refusal, len(parts))
            return
        whole = _whole(parts, now)
        if whole is None or not names_of(whole) <= known.series:
            parts = [
                self._fit(part, known, maker, found)
                for part in _each_kept(parts, maker, found, now)
            ]
            whole = None
        if parts:
            found.batches.append(Batch(known.id, parts, whole))

    def _fit(self, part: Part, known: Known, maker: Maker, found: Sorted) -> Part:
        """Without the series that there is no room for."""
        new = sorted(names_of(part.reading) - known.series)
        if not new:
            return part
        room = MOST_SERIES if known.id == maker.id else directory.room_for_series(maker)
        left, why = directory.refusal_of_series(known, room, maker)
        known.series.update(new[:left])
        if not (refused := set(new[left:])):
            return part
        found.refuse(maker.id, f"{why}; {min(refused)[:80]} is not taken")
        reading = without(part.reading, refused)
        empty = not names_of(reading) and reading.rows is None and reading.text is None
        return replace(part, reading=reading, empty=empty)


def _maker(feed: int, name: str) -> Maker:
    return Maker("made_from", feed, f'the stream of the feed "{name}"', MOST_SERIES)


def _part(came: Came, heard: Heard) -> Part:
    reading = heard.reading or Reading(complete=False)
    empty = heard.reading is None
    return Part(reading, came.arrived, heard.stream, heard.position, heard.id, empty)


def _whole(parts: Sequence[Part], now: int) -> Reading | None:
    """All of them as one, as it may be stored; None if something is wrong with one of them."""
    heard = [part for part in parts if not part.empty]
    try:
        return kept(merged(heard), parts[-1].arrived, now) if heard else None
    except BadReading:
        return None


def _each_kept(parts: Iterable[Part], maker: Maker, found: Sorted, now: int) -> Iterator[Part]:
    """Each as it may be stored, and what is wrong with the others."""
    for part in parts:
        try:
            yield replace(part, reading=kept(part.reading, part.arrived, now))
        except BadReading as bad:
            found.refuse(maker.id, f"not taken: {bad}")


def _is_name(name: str) -> bool:
    return bool(name) and name.isprintable() and len(name) <= MOST_NAME


def _refusal(name: str, known: Known | None, maker: Maker) -> str:
    """Why this stream may not write into the feed of that name; "" if it may.

    Not into what another made: strangers choose these names.
    """
    if not _is_name(name):
        return (
            f"{name[:40]!r} is no name of a feed; it has 1 to {MOST_NAME} characters "
            "that can be printed"
        )
    if known is None:
        return (
            f'there is no feed "{name}", and {maker.said} has made {directory.MOST_FEEDS:,}, '
            "which is the most it may"
        )
    if known.refuses:
        return known.refuses
    if known.made_by is not None or known.made_from not in {None, maker.id}:
        return f'the feed "{name}" is another\'s; {maker.said} may not write into it'
    return ""
