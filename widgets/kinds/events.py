"""What happened, the newest first: changes of state and of freshness, and what people noted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets.clock import DAY, MINUTE, format_duration
from widgets.kinds import Data, Frame, Happening, Kind, Needs, Sheet
from widgets.kinds._words import WORDS
from widgets.layout import rows_that_fit
from widgets.numbers import format_age, say
from widgets.options import DurationField, ListField, Options
from widgets.sheets import say_moment

ROW_HEIGHT = 38
AXES = ("state", "freshness", "note")


class EventsOptions(Options):
    window = DurationField(
        initial="1d", least=MINUTE, most=366 * DAY, help_text="How far back it goes."
    )
    of = ListField(
        initial=list(AXES),
        required=False,
        help_text="Which of state, freshness and note; empty: all.",
    )
    limit = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100,
        help_text="At most so many; empty: as many as fit.",
    )

    def clean_of(self) -> list[str]:
        given: list[str] = self.cleaned_data["of"]
        if unknown := [word for word in given if word not in AXES]:
            raise ValidationError(f"{unknown[0]!r} is none of {', '.join(AXES)}")
        return given or list(AXES)


class Events(Kind):
    slug = "events"
    label = "Event list"
    Options = EventsOptions
    accepts = frozenset({"numbers", "rows", "text"})
    size = (4, 3)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs(events=options["window"])

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        window = frame.window or options["window"]
        found = happened(options, data, frame.now - window)
        room = rows_that_fit(frame, ROW_HEIGHT)
        shown = found[: min(room, options["limit"] or room)]
        many = len({event.feed for event in found}) > 1
        return {
            "rows": [row(event, frame, many=many) for event in shown],
            "empty": f"Nothing happened in the last {format_duration(window)}",
            "more": len(found) - len(shown),
            # Whole days have their moment with a date: it takes more room.
            "dated": any(" " in say_moment(event.start, frame) for event in shown),
        }

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        found = happened(options, data, frame.now - (frame.window or options["window"]))
        rows = [
            (
                say_moment(event.start, frame),
                "goes on" if event.end is None else say_moment(event.end, frame),
                event.what,
                event.series or event.feed,
                say(event.value, event.unit),
                event.text,
            )
            for event in found[:200]
        ]
        return Sheet(("Began", "Ended", "What", "Of", "Value", "Text"), rows)


def happened(options: Mapping[str, Any], data: Data, since: int) -> list[Happening]:
    wanted = options["of"]
    return [
        event
        for event in data.events
        if event.axis in wanted and (event.end is None or event.end >= since)
    ]


def row(event: Happening, frame: Frame, *, many: bool) -> dict[str, Any]:
    mark, look = WORDS.get(event.what, ("", ""))
    over = event.axis == "note" or event.end is not None
    end = frame.now if event.end is None else event.end
    return {
        "moment": say_moment(event.start, frame),
        "mark": mark,
        "look": look if not over else "",
        "what": "" if event.axis == "note" else event.what,
        "text": text(event, many=many),
        # A note of a moment lasts no time.
        "lasting": "" if event.axis == "note" and end == event.start
        else format_age(end - event.start),
        "over": over,
    }  # fmt: skip


def text(event: Happening, *, many: bool) -> str:
    """`payments error rate over 1 %`; without the feed where there is only one."""
    name = event.series or event.feed
    if many and event.series:
        name = f"{event.feed} {event.series}"
    if event.axis == "note":
        return event.text
    reason = event.text or ("" if event.value is None else say(event.value, event.unit))
    return f"{name} {reason}".rstrip()
