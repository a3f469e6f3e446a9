"""Which feeds what was heard is for: the one listened for, or one of a name that came with it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
from widgets.streams.merging import Part, fold_of

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


@dataclass(slots=True)
class Sorted:
    """A batch by the feeds that it is for."""

    parts: defaultdict[int, list[Part]] = field(default_factory=lambda: defaultdict(list))
    # By the feed that is listened for: the last thing that was wrong, and how many things were.
    wrong: dict[int, tuple[str, int]] = field(default_factory=dict)
    up: set[int] = field(default_factory=set)
    down: dict[int, str] = field(default_factory=dict)

    def refuse(self, feed: int, message: str) -> None:
        _, count = self.wrong.get(feed, ("", 0))
        self.wrong[feed] = message, count + 1

    def arrivals(self, now: int) -> Iterator[Arrival]:
        """One for each feed, and another where something was wrong, which stays to be seen."""
        nothing = Reading(complete=False)
        for feed, parts in self.parts.items():
            yield Arrival(feed, parts[-1].arrived, nothing, fold=fold_of(parts))
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
        good = [one for one in (_cleaned(each, found, now) for each in came) if one]
        own = self._known({listened[feed] for feed, _, _ in good})
        names: defaultdict[int, set[str]] = defaultdict(set)
        for feed, name, _ in good:
            # Of a feed that was deleted meanwhile nothing is made any more.
            if name and listened[feed] in own:
                names[feed].add(name)
        named = {feed: self._made(names[feed], _maker(feed, listened)) for feed in names}
        for feed, name, part in good:
            if mine := own.get(listened[feed]):
                known = named[feed].get(name) if name else mine
                self._address(feed, name, known, part, _maker(feed, listened), found)
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
        feed: int,
        name: str,
        known: Known | None,
        part: Part,
        maker: Maker,
        found: Sorted,
    ) -> None:
        refusal = _refusal(name, known, maker) if name else ""
        if refusal or known is None:
            found.refuse(feed, refusal)
            return
        if fitting := self._fit(feed, part, known, maker, found):
            found.parts[known.id].append(fitting)

    def _fit(self, feed: int, part: Part, known: Known, maker: Maker, found: Sorted) -> Part | None:
        """Without the series that there is no room for."""
        new = sorted(names_of(part.reading) - known.series)
        if not new:
            return part
        room = MOST_SERIES if known.id == feed else directory.room_for_series(maker)
        left, why = directory.refusal_of_series(known, room, maker)
        known.series.update(new[:left])
        if not (refused := set(new[left:])):
            return part
        found.refuse(feed, f"{why}; {min(refused)[:80]} is not taken")
        reading = without(part.reading, refused)
        if not names_of(reading) and reading.rows is None and reading.text is None:
            return None
        return replace(part, reading=reading)


def _maker(feed: int, listened: Mapping[int, str]) -> Maker:
    return Maker("made_from", feed, f'the stream of the feed "{listened[feed]}"', MOST_SERIES)


def _cleaned(came: Came, found: Sorted, now: int) -> tuple[int, str, Part] | None:
    """A feed, another's name if it has one, and what may be stored; None if nothing may be."""
    heard = came.heard
    if came.link:
        found.link(came)
        return None
    if heard is None:
        found.refuse(came.feed, came.wrong)
        return None
    if heard.name and not (heard.name.isprintable() and len(heard.name) <= MOST_NAME):
        found.refuse(
            came.feed,
            f"{heard.name[:40]!r} is no name of a feed; it has 1 to {MOST_NAME} characters "
            "that can be printed",
        )
        return None
    try:
        reading = kept(heard.reading, came.arrived, now)
    except BadReading as bad:
        found.refuse(came.feed, f"not taken: {bad}")
        return None
    part = Part(reading, came.arrived, heard.stream, heard.position, heard.id)
    return came.feed, heard.name, part


def _refusal(name: str, known: Known | None, maker: Maker) -> str:
    """Why this stream may not write into the feed of that name; "" if it may.

    Not into what another made: strangers choose these names.
    """
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
