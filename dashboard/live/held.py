"""What the pictures of some boards are made of: feeds, and the windows of their series."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from dashboard.live import room
from dashboard.live.room import WindowKey
from widgets import clock, happenings, history, snapshot
from widgets.history import Window
from widgets.kinds import Happening
from widgets.models import Feed, FeedState
from widgets.select import Picked, Spec
from widgets.snapshot import FeedNow


@dataclass(slots=True)
class Held:
    """Feeds by id; windows by series and step, shared by all tiles that draw them."""

    feeds: dict[int, FeedNow] = field(default_factory=dict)
    windows: dict[WindowKey, Window] = field(default_factory=dict)
    # How far back each window reaches, µs.
    reach: dict[WindowKey, int] = field(default_factory=dict)
    # By feed, the events that some widget shows of it.
    events: dict[int, Sequence[Happening]] = field(default_factory=dict)
    # How far back those of a feed go, µs.
    events_reach: dict[int, int] = field(default_factory=dict)
    # Windows that are wanted and for which there is no room.
    left_out: set[WindowKey] = field(default_factory=set)
    # The feeds of each selection that was asked for, as long as no feed comes or goes.
    _matching: dict[tuple[str, ...], list[FeedNow]] = field(default_factory=dict)

    def of(self, spec: Spec) -> list[FeedNow]:
        """The feeds that a widget shows; not to be changed."""
        patterns = tuple(show.feed for show in spec.shows)
        if (found := self._matching.get(patterns)) is None:
            found = [feed for feed in self.feeds.values() if spec.wants(feed.name)]
            self._matching[patterns] = found
        return found

    def windows_of(self, spec: Spec) -> Callable[[int], Window | None]:
        """The windows of a widget, by series, as `gather` asks for them."""
        step = spec.step
        return lambda series: self.windows.get((series, step)) if spec.reach else None

    def lacks(self, spec: Spec, picked: Picked) -> set[int]:
        """The feeds of which a widget draws windows or events that should be here and are not."""
        lacking = {
            feed.id
            for feed in picked.feeds
            if spec.events and self.events_reach.get(feed.id, -1) < spec.events
        }
        if not spec.reach:
            return lacking
        step = spec.step
        return lacking | {
            one.feed.id
            for one in picked.lines
            if self.reach.get((one.series.id, step), -1) < spec.reach
            and (one.series.id, step) not in self.left_out
        }

    def apply(self, message: Mapping[str, Any]) -> bool:
        """Take in what one commit changed; False where it does not follow on what is held."""
        feed = self.feeds[message["feed"]]
        if not message["whole"] or message["previous"] != feed.version:
            return False
        if message.get("events") and feed.id in self.events:
            return False  # They are not in the message: the feed is loaded again with them.
        self._drop_windows(feed.apply(message))
        for series, moment, value in message["points"]:
            for step in history.TABLES:
                if window := self.windows.get((series, step)):
                    window.add(moment, value)
                    window.trim(clock.now() - self.reach[series, step])
        return True

    def install(self, loaded: Held) -> None:
        """Put what was loaded in the place of what was held of the same feeds."""
        for feed in loaded.feeds:
            self.drop(feed)
        self._matching.clear()
        self.feeds |= loaded.feeds
        self.windows |= loaded.windows
        self.reach |= loaded.reach
        self.events |= loaded.events
        self.events_reach |= loaded.events_reach
        self.left_out |= loaded.left_out

    def load_windows(self, specs: Sequence[Spec]) -> None:
        """Every window that these widgets draw of the feeds held, from the database."""
        wanted = room.share_out(specs, self.feeds.values())
        self.windows = room.load(wanted, settings.HUB_POINTS)
        self.reach = {key: wanted[key] for key in self.windows}
        self.left_out = wanted.keys() - self.windows.keys()

    def load_events(self, specs: Sequence[Spec]) -> None:
        """The events that these widgets show of the feeds held, from the database."""
        wanting = [spec for spec in specs if spec.events]
        reach = max((spec.events for spec in wanting), default=0)
        self.events_reach = {feed.id: reach for spec in wanting for feed in self.of(spec)}
        self.events = happenings.load(self.events_reach, clock.now() - reach)

    def fit(self, specs: Sequence[Spec]) -> set[int]:
        """Let go of windows that nobody draws, and of those for which there is no room (any
        more); the feeds of those that went for that."""
        wanted = room.share_out(specs, self.feeds.values())
        here = {key: len(self.windows[key]) for key in wanted if key in self.windows}
        kept = room.fitting(here, settings.HUB_POINTS)
        gone = here.keys() - kept
        self.windows = {key: self.windows[key] for key in kept}
        self.reach = {key: self.reach[key] for key in kept}
        self.left_out = (self.left_out & wanted.keys()) | gone
        return self.feeds_of(gone)

    def is_full(self) -> bool:
        """More points are held than there is room for."""
        return sum(map(len, self.windows.values())) > settings.HUB_POINTS

    def feeds_of(self, windows: Collection[WindowKey]) -> set[int]:
        """Whose windows these are."""
        series = {key[0] for key in windows}
        return {
            feed.id
            for feed in self.feeds.values()
            if series and any(one.id in series for one in feed.series.values())
        }

    def drop(self, feed: int) -> None:
        """Forget a feed and its windows."""
        if (gone := self.feeds.pop(feed, None)) is None:
            return
        self._matching.clear()
        self.events.pop(feed, None)
        self.events_reach.pop(feed, None)
        self._drop_windows({one.id for one in gone.series.values()})

    def _drop_windows(self, series: Collection[int]) -> None:
        if not series:
            return
        for key in [key for key in self.windows if key[0] in series]:
            del self.windows[key], self.reach[key]
        self.left_out = {key for key in self.left_out if key[0] not in series}


def load(ids: Collection[int], specs: Sequence[Spec]) -> Held:
    """The feeds with these ids, and of their series every window that the widgets draw.

    A commit between two of its queries would be in the windows and not yet in the feed; its
    message, applied later, would count a bucket twice. So it looks whether a version moved.
    """
    for _ in range(3):
        held = Held(snapshot.load(ids))
        held.load_windows(specs)
        held.load_events(specs)
        versions = FeedState.objects.filter(pk__in=held.feeds).values_list("pk", "version")
        if all(held.feeds[pk].version == version for pk, version in versions):
            break
    return held


def load_for(specs: Sequence[Spec]) -> Held:
    """Everything that these widgets draw, for one page."""
    names = Feed.objects.values_list("pk", "name")
    return load([pk for pk, name in names if any(s.wants(name) for s in specs)], specs)
