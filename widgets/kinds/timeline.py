"""What state each series was in, when: a lane for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.axes import plot_size, time_axis
from widgets.clock import DAY, MINUTE, format_duration
from widgets.kinds import Data, Frame, Happening, Kind, Line, Needs, Sheet
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.layout import lines_that_fit
from widgets.numbers import NONE, format_age, say
from widgets.options import DurationField, Options
from widgets.paths import GRID_X, box_path
from widgets.sheets import say_moment
from widgets.spans import Stretch, known, share_ok, stretches

# Of the words' size.
ROW_LINES = 1.5
# Narrower than this on the grid nothing is seen from across a room.
LEAST = GRID_X // 160
# Top and height of what is drawn of each state, of 100.
HEIGHTS = {"ok": (30, 40), "unknown": (20, 60), "warning": (10, 80), "critical": (0, 100)}
MOST_STRETCHES = 60


class TimelineOptions(Options):
    window = DurationField(
        initial="1d", least=MINUTE, most=366 * DAY, help_text="How far back it goes."
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many lanes; empty: as many as fit.",
    )


class Timeline(Kind):
    slug = "timeline"
    label = "Status timeline"
    Options = TimelineOptions
    size = (6, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        window = options["window"]
        return Needs(window=window, events=window, points="buckets")

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        window = frame.window or options["window"]
        start = frame.now - window
        # One row is the axis'.
        axis = frame.height > 1
        room = max(lines_that_fit(frame, ROW_LINES) - axis, 1)
        lines = choose(data.lines, min(room, options["limit"] or room))
        width = plot_size(frame, 0, legend=False)[0] * 0.5
        return {
            "lanes": [
                lane(line, short, found, start, frame.now)
                for line, short in zip(lines, short_names(lines), strict=True)
                for found in [history(line, data.events, start, frame.now)]
            ],
            "x": time_axis(start, frame.now, frame, width, 3) if axis and lines else (),
            "footer": f"last {say_span(window)}",
            "more": left_out(data, len(lines)),
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        start = frame.now - (frame.window or options["window"])
        rows = [
            (
                line.name,
                one.state,
                say_moment(one.start, frame),
                say_moment(one.end, frame),
                format_age(one.end - one.start),
            )
            for line in data.lines
            for one in history(line, data.events, start, frame.now)
        ]
        return Sheet(("Series", "State", "From", "To", "For"), rows[:500])


def say_span(window: int) -> str:
    """A day is 24 h: up to now, and not since midnight."""
    return "24 h" if window == DAY else format_duration(window)


def history(line: Line, events: Sequence[Happening], start: int, end: int) -> list[Stretch]:
    """The states of a line in a window, where it is known."""
    own = [event for event in events if event.key == line.key]
    return stretches(own, known(line.points, line.step, start, end))


def lane(line: Line, short: str, found: Sequence[Stretch], start: int, end: int) -> dict[str, Any]:
    share = share_ok(found)
    return {
        "name": line.name,
        "short": short,
        "state": line.state,
        "mark": MARKS[line.state],
        "freshness": line.freshness,
        "value": NONE if share is None else say(share * 100, "%"),
        "described": in_words(found, end),
        "spans": spans(found, start, end),
    }


def spans(found: Sequence[Stretch], start: int, end: int) -> list[dict[str, str]]:
    """A path for each state, the worst last, whose stretches are wide enough to be seen; the
    worse it was the higher they are, for colour alone would tell too little."""
    drawn = []
    for state, (top, height) in HEIGHTS.items():
        of = [one for one in found if one.state == state]
        if len(of) > MOST_STRETCHES:
            of = sorted(of, key=lambda one: one.start - one.end)[:MOST_STRETCHES]
        boxes = []
        for one in of:
            width = round((one.end - one.start) / (end - start) * GRID_X)
            width = max(width, 1 if state == "ok" else LEAST)
            at = round((one.start - start) / (end - start) * GRID_X)
            boxes.append(box_path(min(at, GRID_X - width), top, width, height))
        if boxes:
            drawn.append({"state": state, "d": "".join(boxes)})
    return drawn


def in_words(found: Sequence[Stretch], now: int) -> str:
    """`critical 6 min, ended 2 h ago`, the last time that it was not ok."""
    bad = [one for one in found if one.state != "ok"]
    if not bad:
        return "ok all the time" if found else "nothing is known"
    last = bad[-1]
    span = format_age(last.end - last.start)
    ended = "" if last.end >= now else f", ended {format_age(now - last.end)} ago"
    times = "1 time" if len(bad) == 1 else f"{len(bad)} times"
    return f"{times} not ok; last {last.state} for {span}{ended}"
