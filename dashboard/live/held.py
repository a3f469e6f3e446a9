"""What the pictures of some boards are made of: feeds, and the windows of their series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from widgets import clock, history, snapshot
from widgets.history import Window
from widgets.models import Feed, FeedState
from widgets.select import Picked, Spec, pick
from widgets.snapshot import FeedNow

WindowKey = tuple[int, int]  # series, step in µs


@dataclass(slots=True)
class Held:
    """Feeds by id; windows by series and step, shared by all tiles that draw them."""

    feeds: dict[int, FeedNow] = field(default_factory=dict)
    windows: dict[WindowKey, Window] = field(default_factory=dict)
    # How far back each window reaches, µs.
    reach: dict[WindowKey, int] = field(default_factory=dict)

    def of(self, spec: Spec) -> list[FeedNow]:
        return [feed for feed in self.feeds.values() if spec.wants(feed.name)]

    def windows_of(self, spec: Spec) -> Callable[[int], Window | None]:
        """The windows of a widget, by series, as `gather` asks for them."""
        step = spec.step
        return lambda series: self.windows.get((series, step)) if spec.reach else None

    def lacks(self, spec: Spec, picked: Picked) -> set[int]:
        """The feeds of those series that a widget draws and whose window is not here."""
        if not spec.reach:
            return set()
        return {
            one.feed.id
            for one in picked.lines
            if self.reach.get((one.series.id, spec.step), -1) < spec.reach
        }

    def apply(self, message: Mapping[str, Any]) -> bool:
        """Take in what one commit changed; False where it does not follow on what is held."""
        feed = self.feeds[message["feed"]]
        if not message["whole"] or message["previous"] != feed.version:
            return False
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
        self.feeds |= loaded.feeds
        self.windows |= loaded.windows
        self.reach |= loaded.reach

    def load_windows(self, specs: Sequence[Spec]) -> None:
        """Every window that these widgets draw of the feeds held, from the database."""
        self.reach = wanted(specs, self.feeds.values())
        self.windows = _load_windows(self.reach)

    def drop(self, feed: int) -> None:
        """Forget a feed and its windows."""
        if (gone := self.feeds.pop(feed, None)) is None:
            return
        self._drop_windows({one.id for one in gone.series.values()})

    def _drop_windows(self, series: Collection[int]) -> None:
        if not series:
            return
        for key in [key for key in self.windows if key[0] in series]:
            del self.windows[key], self.reach[key]


def load(ids: Collection[int], specs: Sequence[Spec]) -> Held:
    """The feeds with these ids, and of their series every window that the widgets draw.

    A commit between two of its queries would be in the windows and not yet in the feed; its
    message, applied later, would count a bucket twice. So it looks whether a version moved.
    """
    for _ in range(3):
        held = Held(snapshot.load(ids))
        held.load_windows(specs)
        versions = FeedState.objects.filter(pk__in=held.feeds).values_list("pk", "version")
        if all(held.feeds[pk].version == version for pk, version in versions):
            break
    return held


def load_for(specs: Sequence[Spec]) -> Held:
    """Everything that these widgets draw, for one page."""
    names = Feed.objects.values_list("pk", "name")
    return load([pk for pk, name in names if any(s.wants(name) for s in specs)], specs)


def wanted(specs: Iterable[Spec], feeds: Collection[FeedNow]) -> dict[WindowKey, int]:
    """The windows that widgets draw of these feeds, with how far back they reach."""
    found: dict[WindowKey, int] = {}
    for spec in specs:
        if spec.reach:
            for one in pick(spec, feeds).lines:
                key = (one.series.id, spec.step)
                found[key] = max(spec.reach, found.get(key, 0))
    return found


def _load_windows(reach: Mapping[WindowKey, int]) -> dict[WindowKey, Window]:
    """One query for each resolution and reach."""
    alike: dict[tuple[int, int], list[int]] = defaultdict(list)
    for (series, step), span in reach.items():
        alike[step, span].append(series)
    now = clock.now()
    return {
        (series, step): window
        for (step, span), ids in alike.items()
        # The end is open: a source's clock may be some minutes ahead of ours.
        for series, window in history.load(ids, now - span, now + clock.HOUR, step).items()
    }
