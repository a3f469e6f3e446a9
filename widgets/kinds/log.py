"""The last lines of a log, from rows or from text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind, Sheet
from widgets.kinds._words import WORDS
from widgets.layout import rows_that_fit
from widgets.options import BoolField, Options

ROW_HEIGHT = 27
MOST_TEXT = 300
# What senders call a level, and what it is to us.
LEVELS = {
    **dict.fromkeys(("critical", "crit", "fatal", "emerg", "alert", "error", "err"), "critical"),
    **dict.fromkeys(("warning", "warn"), "warning"),
}


class LogOptions(Options):
    time = forms.CharField(
        initial="time", max_length=100, help_text="The column of a row's time; it may be missing."
    )
    level = forms.CharField(
        initial="level",
        max_length=100,
        help_text="The column of its level (error, warning, …); it may be missing.",
    )
    message = forms.CharField(
        initial="message",
        max_length=100,
        help_text="The column of its message; where it is missing, all columns are shown.",
    )
    newest_first = BoolField(
        initial=False, help_text="The newest comes first in the reading, and not last."
    )


class Log(Kind):
    slug = "log"
    label = "Log"
    Options = LogOptions
    accepts = frozenset({"rows", "text"})
    size = (6, 3)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        lines = entries(options, data)
        room = rows_that_fit(frame, ROW_HEIGHT)
        shown = lines[:room] if options["newest_first"] else lines[-room:]
        return {"lines": shown, "more": len(lines) - len(shown) + data.hidden}

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet:
        rows = [(e["time"], e["level"], e["message"]) for e in entries(options, data)]
        return Sheet(("Time", "Level", "Message"), rows[-200:])


def entries(options: Mapping[str, Any], data: Data) -> Sequence[dict[str, str]]:
    """The lines in the order of the reading: of its rows, or else of its text."""
    if data.rows:
        return [from_row(options, row) for row in data.rows]
    return [entry("", level_in(line), line) for line in data.text.splitlines() if line.strip()]


def from_row(options: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    if options["message"] in row:
        message = write(row[options["message"]])
    else:
        known = (options["time"], options["level"])
        message = " ".join(write(value) for key, value in row.items() if key not in known)
    return entry(write(row.get(options["time"])), write(row.get(options["level"])), message)


def entry(time: str, level: str, message: str) -> dict[str, str]:
    state = LEVELS.get(level.lower(), "")
    return {
        "time": time[:40],
        "level": level[:20],
        "message": message[:MOST_TEXT],
        "state": state,
        "mark": WORDS[state][0] if state else "",
    }


def level_in(line: str) -> str:
    """The first word of a line of text that is a level and stands as one does: `ERROR`, `[warn]`,
    `error:`; in "no error" it is none."""
    for word in line.split(maxsplit=6)[:6]:
        bare = word.strip("[]():,<>")
        if bare.lower() in LEVELS and (bare != word or bare.isupper()):
            return bare
    return ""


def write(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
