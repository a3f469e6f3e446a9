"""One trial of what is typed: what its source says now, or why it does not. Nothing is recorded."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.feeds import masks
from dashboard.feeds.draft import Draft
from dashboard.feeds.listing import brief_span
from widgets.clock import SECOND
from widgets.models import FeedState
from widgets.numbers import say
from widgets.reading import Reading
from widgets.sources import SourceError
from widgets.trial import Trial

# Whoever tries waits for it; a feed itself may take longer.
MOST = 30 * SECOND
# So long something is listened for.
LISTENED = 10 * SECOND
FIRST_NUMBERS = 100
FIRST_ROWS = 10
FIRST_COLUMNS = 12
FIRST_TEXT = 2_000
_VARIABLE = re.compile(r"WATCHWALL_[A-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class Number:
    """One series of a trial."""

    name: str
    value: str
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it, for the page; `more` counts what is not shown."""

    took: str
    numbers: Sequence[Number] = ()
    more: int = 0
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    row_count: int = 0
    text: str = ""
    past: int = 0
    notes: Sequence[str] = ()

    @property
    def empty(self) -> bool:
        return not (self.numbers or self.row_count or self.text or self.past)


def attempt(draft: Draft) -> Tried | None:
    """The reading; None if there is none, and then the draft says why beside the field."""
    trial = Trial(
        draft.source,
        draft.merged_options(),
        min(draft.columns.cleaned_data.get("timeout", LISTENED), MOST),
        memo_of(draft),
    )
    fresh = not trial.memo
    try:
        reading, took = trial.ask()
        if fresh and trial.memo:
            # Counters: a second look makes them rates.
            time.sleep(1)
            reading, took = trial.ask()
    except SourceError as error:
        sentence = masks.struck(str(error), draft.secrets)
        draft.blame(concerned(sentence, draft), sentence)
        return None
    return told(reading, took, draft.secrets)


def memo_of(draft: Draft) -> dict[str, Any]:
    """What the source remembers of the feed; a trial changes only its own copy."""
    found = FeedState.objects.filter(feed=draft.feed.pk).values_list("memo", flat=True).first()
    return dict(found or {})


def concerned(sentence: str, draft: Draft) -> str:
    """The field that an error speaks of: a guess, and the first that must be filled in if none.

    A source's errors name no field; they name a secret, the time limit, or an option.
    """
    for variable in _VARIABLE.findall(sentence):
        for name, value in draft.typed_options.items():
            if variable in str(value):
                return f"options.{name}"
    if sentence.startswith("no answer within"):
        return "timeout"
    names = list(draft.source.Options.base_fields)
    words = re.findall(r"\w+", sentence)
    for name in names:
        if words and words[0] == name:
            return f"options.{name}"
    required = [name for name in names if draft.source.Options.base_fields[name].required]
    texts = [name for name in required if name in {"url", "host", "connection", "command"}]
    return f"options.{(texts or required or [''])[0]}"


def told(reading: Reading, took: int, secrets: Sequence[str]) -> Tried:
    """A reading as the page shows it, without any of these secrets."""
    rows = list(reading.rows or ())[:FIRST_ROWS]
    columns = list(dict.fromkeys(key for row in rows for key in row))[:FIRST_COLUMNS]
    text = masks.struck(reading.text or "", secrets)
    return Tried(
        took=brief_span(took),
        numbers=[
            _number(name, value, reading, secrets)
            for name, value in list(reading.numbers.items())[:FIRST_NUMBERS]
        ],
        more=max(len(reading.numbers) - FIRST_NUMBERS, 0),
        columns=[str(masks.struck(column, secrets)) for column in columns],
        rows=[[_cell(row, column, secrets) for column in columns] for row in rows],
        row_count=len(reading.rows or ()),
        text=text if len(text) <= FIRST_TEXT else f"{text[:FIRST_TEXT]}…",
        past=len(reading.history),
        notes=[str(masks.struck(note, secrets)) for note in reading.notes],
    )


def _number(name: str, value: float, reading: Reading, secrets: Sequence[str]) -> Number:
    verdict = reading.verdicts.get(name)
    return Number(
        name=masks.struck(name, secrets),
        value=say(value, reading.units.get(name, "")),
        state=verdict.state if verdict else "",
        message=masks.struck(verdict.message, secrets) if verdict else "",
    )


def _cell(row: Mapping[str, Any], column: str, secrets: Sequence[str]) -> str:
    value = row.get(column)
    text = "" if value is None else str(masks.struck(value, secrets))
    return text if len(text) <= 200 else f"{text[:199]}…"
