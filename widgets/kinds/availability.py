"""How much of each day a series was well, and of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.clock import DAY, as_datetime
from widgets.kinds import Data, Frame, Kind, Line, Needs, Sheet
from widgets.kinds._words import MARKS, choose, left_out, short_names
from widgets.layout import lines_that_fit
from widgets.numbers import NONE, say
from widgets.options import Options
from widgets.paths import box_path
from widgets.spans import Span, Stretch, by_day, days, known, share_ok, stretches

# Of the words' size.
ROW_LINES = 2.75
MOST_DAYS = 90
# In the picture's own units.
DAY_WIDTH, BAR_WIDTH = 8, 6
COUNTS = {
    "critical": ("critical",),
    "warning": ("critical", "warning"),
    "unknown": ("critical", "unknown"),
}


class AvailabilityOptions(Options):
    days = forms.IntegerField(
        initial=30, min_value=2, max_value=MOST_DAYS, help_text="Of how many days."
    )
    down = forms.ChoiceField(
        choices=[(word, word) for word in COUNTS],
        initial="critical",
        help_text="What counts as down: critical; warning too; or unknown too.",
    )
    target = forms.FloatField(
        required=False,
        min_value=0,
        max_value=100,
        help_text="The percentage to keep; days below it are marked. Empty: any down is.",
    )


class Availability(Kind):
    slug = "availability"
    label = "Availability by day"
    Options = AvailabilityOptions
    size = (6, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        window = options["days"] * DAY
        return Needs(window=window, events=window, points="buckets")

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        room = lines_that_fit(frame, ROW_LINES)
        lines = choose(data.lines, room)
        shown = days(frame.now, options["days"], frame.zone)
        return {
            "rows": [
                row(options, line, short, history(options, line, data, shown), shown)
                for line, short in zip(lines, short_names(lines), strict=True)
            ],
            "footer": f"the last {options['days']} days",
            "more": left_out(data, len(lines)),
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        shown = days(frame.now, options["days"], frame.zone)
        columns = [by_day(history(options, line, data, shown), shown) for line in data.lines]
        rows = [
            [
                f"{as_datetime(day[0]).astimezone(frame.zone):%Y-%m-%d}",
                *(say_share(share_ok(column[i])) for column in columns),
            ]
            for i, day in enumerate(shown)
        ]
        return Sheet(["Day", *(line.name for line in data.lines)], rows)


def history(
    options: Mapping[str, Any], line: Line, data: Data, shown: Sequence[Span]
) -> list[Stretch]:
    """When the line was up (ok) and when not, where it is known."""
    own = [event for event in data.events if event.key == line.key]
    spans = known(line.points, line.step, shown[0][0], shown[-1][1])
    return stretches(own, spans, COUNTS[options["down"]])


def row(
    options: Mapping[str, Any],
    line: Line,
    short: str,
    found: Sequence[Stretch],
    shown: Sequence[Span],
) -> dict[str, Any]:
    shares = [share_ok(day) for day in by_day(found, shown)]
    goal = 1.0 if options["target"] is None else options["target"] / 100
    short_days = sum(share is not None and share < goal for share in shares)
    return {
        "name": line.name,
        "short": short,
        "state": line.state,
        "mark": MARKS[line.state],
        "freshness": line.freshness,
        "value": say_share(share_ok(found)),
        "described": f"{short_days} of {len(shown)} days below {say(goal * 100, '%')}",
        "view": f"0 0 {len(shown) * DAY_WIDTH - (DAY_WIDTH - BAR_WIDTH)} 100",
        "bars": bars(shares, goal),
    }


def bars(shares: Sequence[float | None], goal: float) -> list[dict[str, str]]:
    """A path for each of ok, bad and none, with a bar for each such day: of full height where it
    was well, and the lower the worse. Of an hour a day one would see nothing, so what is below the
    goal loses a quarter at once."""
    found: dict[str, list[str]] = {}
    for i, share in enumerate(shares):
        word = "none" if share is None else "ok" if share >= goal else "bad"
        height = 30 if share is None else 100 if word == "ok" else round(25 + 50 * share)
        bar = box_path(i * DAY_WIDTH, 100 - height, BAR_WIDTH, height)
        found.setdefault(word, []).append(bar)
    return [{"word": word, "d": "".join(parts)} for word, parts in found.items()]


def say_share(share: float | None) -> str:
    return NONE if share is None else say(share * 100, "%")
