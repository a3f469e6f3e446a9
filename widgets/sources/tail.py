"""A log file, line by line as it grows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from widgets.options import Options
from widgets.reading import Reading
from widgets.sources import Heard, Listened, Out, Streamed
from widgets.sources._entries import BadEntry, after, number, read_time
from widgets.sources._follow import Follower, Line, opened
from widgets.sources._newest import Newest, with_rows
from widgets.sources._patterns import MOST_PATTERN, check_pattern

# How often it is looked whether the file has grown, s.
LOOK_EVERY = 0.25
# Of one line.
MOST_SEARCHED = 8_000
# The group that says when a line was written.
TIME = "time"


class TailOptions(Options):
    """Which file, and what its lines say."""

    path = forms.CharField(
        max_length=1000,
        help_text="The file, in a folder that WATCHWALL_TAIL names, such as "
        "/var/log/nginx/access.log.",
    )
    pattern = forms.CharField(
        strip=False,
        max_length=MOST_PATTERN,
        help_text="A regular expression with named groups, such as "
        r"status=(?P<status>\d+) took=(?P<took>[\d.]+). Lines that it does not match are passed "
        "over. A group that is a number is a series; one called time says when the line was "
        "written, in seconds or as ISO 8601.",
    )
    rows = forms.IntegerField(
        initial=0, min_value=0, max_value=100,
        help_text="How many of the newest lines are rows for a table, each group a column.",
    )  # fmt: skip
    start = forms.ChoiceField(
        initial="end",
        choices=[("end", "end"), ("beginning", "beginning")],
        help_text="Where it begins the first time: end, with what is written from now on, or "
        "beginning, with what is there.",
    )

    def clean_path(self) -> str:
        given = str(self.cleaned_data["path"])
        if not given.startswith("/") or "\0" in given:
            raise ValidationError(f"{given[:60]!r} is no whole path; it begins with a /")
        return given

    def clean_pattern(self) -> str:
        given = str(self.cleaned_data["pattern"])
        if not check_pattern(given).groupindex:
            raise ValidationError("it has no named group, such as (?P<took>[0-9.]+)")
        return given


class Tail(Streamed):
    """Series: the named groups of the pattern that are numbers. Rows: the newest lines.

    It goes on where it was, whatever happened meanwhile: how far the file was stored is kept with
    the readings. A file that is renamed is read to its end before the one in its place; one that
    is truncated is read from its beginning. The file is of the machine that listens.
    """

    slug = "tail"
    label = "Log file"
    Options = TailOptions

    def listen(self, feeds: Sequence[Listened], out: Out, stop: Event) -> None:
        [feed] = feeds
        path = Path(feed.options["path"])
        follower = Follower(
            path,
            lambda given: opened(given, settings.TAIL),
            feed.positions.get(str(path)),
            feed.options["start"] == "end",
        )
        try:
            out.connected()
            if follower.missed:
                out.failed(
                    feed.id,
                    f"{path} was replaced while nobody listened, and what it was is gone; what "
                    "was written to it last is missing",
                )
            _follow(follower, Reader(feed), out, stop)
            out.drain()
        finally:
            follower.close()


def _follow(follower: Follower, reader: Reader, out: Out, stop: Event) -> None:
    # Where it begins is kept at once: otherwise a restart would begin at another end.
    if not out.put([reader.nothing(follower.place.position)]):
        return
    while not stop.is_set():
        if lines := follower.read():
            if not out.put(reader.read(lines)):
                return
        else:
            stop.wait(LOOK_EVERY)


class Reader:
    """Makes readings of one feed from lines."""

    def __init__(self, feed: Listened) -> None:
        self._feed = feed
        self._stream = str(feed.options["path"])
        self._pattern = re.compile(feed.options["pattern"])
        self._newest = Newest(feed, feed.options["rows"])
        self._last = feed.at or 0

    def nothing(self, position: tuple[int, ...]) -> Heard:
        """No reading, and how far the file has been read."""
        return Heard(self._feed.id, None, stream=self._stream, position=position)

    def read(self, lines: Sequence[Line]) -> list[Heard]:
        """What the lines say, and, if the last ones say nothing, how far it has been read."""
        heard = [one for line in lines if (one := self._line(line)) is not None]
        batch = with_rows(heard, self._newest)
        end = lines[-1].position
        return batch if batch and batch[-1].position == end else [*batch, self.nothing(end)]

    def _line(self, line: Line) -> Heard | None:
        text = line.text.decode(errors="replace")[:MOST_SEARCHED]
        found = self._pattern.search(text)
        if found is None:
            return None
        groups = {name: value for name, value in found.groupdict().items() if value is not None}
        values = {name: number(value) for name, value in groups.items() if name != TIME}
        numbers = {name: value for name, value in values.items() if value is not None}
        if not numbers and not self._feed.options["rows"]:
            return None
        self._newest.add(dict(groups), self._stream, line.position)
        reading = Reading(numbers, at=self._at(groups), complete=False)
        return Heard(self._feed.id, reading, stream=self._stream, position=line.position)

    def _at(self, groups: dict[str, Any]) -> int | None:
        """The moment of a line; lines of one second have each its own. None: as it is read."""
        if TIME not in groups:
            return None
        try:
            self._last = after(read_time(groups[TIME]), self._last)
        except BadEntry:
            return None
        return self._last
