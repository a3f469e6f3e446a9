"""Numbers one by one, gathered into as few readings as say the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from widgets.clock import SECOND
from widgets.formats import BadPush, Push
from widgets.judge import MOST_AHEAD
from widgets.reading import MAX_NAME, BadReading, Reading, Verdict, clean_name

# A batch of a well-behaved sender has some thousands; each takes some 200 bytes here.
MOST_POINTS = 100_000
MOST_FEED_NAME = 200
# A label of ours and of Prometheus' is one or two of its data's; 64 is the most anybody reads.
MOST_TAGS = 64
_INFINITY = float("inf")


def series_name(field: str, tags: Mapping[str, str]) -> str:
    """`usage_idle{cpu=cpu0,host=a}`: the field and its sorted tags."""
    if not tags:
        return field
    return f"{field}{{{','.join(f'{key}={tags[key]}' for key in sorted(tags))}}}"


def check_feed(name: str, place: str) -> str:
    """The name of a feed, or a BadPush."""
    if not name:
        raise BadPush(place, "the name of the feed is empty")
    if len(name) > MOST_FEED_NAME:
        raise BadPush(
            place,
            f"the feed name {name[:40]!r}… has {len(name):,} characters; "
            f"{MOST_FEED_NAME} is the most",
        )
    if not name.isprintable():
        raise BadPush(place, f"the feed name {name[:40]!r} has characters that cannot be printed")
    return name


def check_series(name: str, place: str) -> str:
    """The name of a series, or a BadPush."""
    if len(name) <= MAX_NAME and not name.isprintable():
        # A NUL too, which of a polled reading's names is replaced.
        raise BadPush(place, f"the series name {name[:40]!r} has characters that cannot be printed")
    try:
        return clean_name(name)
    except BadReading as error:
        raise BadPush(place, str(error)) from None


def check_time(at: int, now: int, place: str) -> int:
    """A moment in µs that a reading may have, or a BadPush."""
    if 0 < at <= now + MOST_AHEAD:
        return at
    if at <= 0:
        raise BadPush(place, "its time is before 1970")
    ahead = (at - now) // SECOND
    raise BadPush(
        place,
        f"its time is {ahead:,} s in the future; set the clock of its sender, "
        "and check the unit of its times",
    )


def check_number(value: float, what: str, place: str) -> float:
    """A finite number, or a BadPush."""
    if -_INFINITY < value < _INFINITY:
        return value
    raise BadPush(place, f"{what} is {value}, which is no number a wall can show")


class Points:
    """Takes points in any order and gives readings.

    Those of the latest moment are the numbers of a reading and the others its history, so a batch
    of five thousand lines is a handful of readings. A point without a time is true on arrival.
    """

    def __init__(self, now: int) -> None:
        self.now = now
        self.count = 0
        self.parts = 0
        self._feeds: dict[str, dict[str, list[tuple[int | None, float]]]] = {}
        # Where a feed is named first; a batch of lines cannot say more of one reading.
        self._places: dict[str, str] = {}
        self._units: dict[str, dict[str, str]] = {}
        self._verdicts: dict[str, dict[str, Verdict]] = {}
        self._lost: dict[str, dict[str, int]] = {}
        self._known: dict[str, dict[str, list[tuple[int | None, float]]]] = {}

    def add(
        self,
        feed: str,
        series: str,
        at: int | None,
        value: float,
        place: str,
        unit: str = "",
        verdict: Verdict | None = None,
    ) -> None:
        """Take one in, or raise BadPush. `at` in µs."""
        self.add_all(feed, at, [(series, value)], place)
        if unit:
            self._units.setdefault(feed, {})[series.strip()] = unit
        if verdict is not None:
            self._verdicts.setdefault(feed, {})[series.strip()] = verdict

    def part(self, place: str) -> None:
        """Count an item of the body, whatever it holds, or raise BadPush (413): a list of millions
        of nothing takes as long as one of numbers."""
        self.parts += 1
        if self.parts > MOST_POINTS:
            raise BadPush(place, f"more than {MOST_POINTS:,} items in one body; send several", 413)

    def _count(self, numbers: int, place: str) -> None:
        self.count += numbers
        if self.count > MOST_POINTS:
            raise BadPush(
                place, f"more than {MOST_POINTS:,} numbers in one body; send several", 413
            )

    def add_all(
        self, feed: str, at: int | None, numbers: Sequence[tuple[str, float]], place: str
    ) -> None:
        """Take several of one moment in, or raise BadPush and take none of them. `at` in µs."""
        self._count(len(numbers), place)
        if at is not None and not 0 < at <= self.now + MOST_AHEAD:
            check_time(at, self.now, place)
        known = self._known.get(feed)
        found = []
        for series, value in numbers:
            if not -_INFINITY < value < _INFINITY:
                check_number(value, series[:100], place)
            points = known.get(series) if known is not None else None
            found.append(points if points is not None else self._points(feed, series, place))
        for points, (_, value) in zip(found, numbers, strict=True):
            points.append((at, value))

    def lose(self, feed: str, series: str, at: int, place: str) -> None:
        """Its source has lost sight of a series at that moment, µs."""
        self._count(1, place)
        check_time(at, self.now, place)
        check_feed(feed, place)
        lost = self._lost.setdefault(feed, {})
        name = check_series(series, place)
        lost[name] = max(at, lost.get(name, 0))

    def _points(self, feed: str, series: str, place: str) -> list[tuple[int | None, float]]:
        """Those of one series; its names are checked once, and not with each point."""
        if feed not in self._known:
            check_feed(feed, place)
            self._known[feed], self._feeds[feed] = {}, {}
            self._places[feed] = place
        name = check_series(series, place)
        points = self._known[feed][series] = self._feeds[feed].setdefault(name, [])
        return points

    def pushes(self) -> Iterator[Push]:
        """The readings, of each feed the oldest first."""
        for feed, series in self._feeds.items():
            yield from self._of(feed, series)
        for feed, lost in self._lost.items():
            by_moment: dict[int, list[str]] = {}
            for name, at in lost.items():
                by_moment.setdefault(at, []).append(name)
            for at, names in sorted(by_moment.items()):
                yield Push(feed, Reading(at=at, complete=False, lost=names))

    def _of(self, feed: str, series: dict[str, list[tuple[int | None, float]]]) -> Iterator[Push]:
        """One for what is dated, and one for what came without a time, which is later than any."""
        dated = [(name, ts, value) for name, points in series.items() for ts, value in points if ts]
        if dated:
            at = max(ts for _, ts, _ in dated)
            # Of two for one moment the last counts.
            numbers = {name: value for name, ts, value in dated if ts == at}
            history = [point for point in dated if point[1] != at]
            yield self._push(feed, at, numbers, history)
        undated = {
            name: value for name, points in series.items() for ts, value in points if ts is None
        }
        if undated:
            yield self._push(feed, None, undated, [])

    def _push(
        self,
        feed: str,
        at: int | None,
        numbers: dict[str, float],
        history: list[tuple[str, int, float]],
    ) -> Push:
        reading = Reading(
            numbers=numbers,
            units=self._units.get(feed, {}),
            verdicts=self._verdicts.get(feed, {}),
            at=at,
            complete=False,
            history=history,
        )
        return Push(feed, reading, self._places[feed])


def order(at: int | None) -> float:
    """What has no time is true on arrival, which is later than any."""
    return _INFINITY if at is None else at
