"""What was learned at one moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

State = Literal["ok", "warning", "critical", "unknown"]
Freshness = Literal["fresh", "aged", "late", "stale", "failed"]

MAX_SERIES = 2_000
MAX_ROWS = 1_000
# Points of the past that come along in one reading.
MAX_HISTORY = 100_000
MAX_TEXT = 64_000
MAX_NAME = 500


class BadReading(ValueError):
    """A reading that cannot be kept; the message says which part and why."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the source itself says of a series: a check that is down needs no threshold."""

    state: State
    message: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that somebody noted down: a deployment, a change. Moments in µs."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Numbers by series, rows, text, or several of them. JSON always.

    `numbers` and `rows` and `text`: None or missing means the reading says nothing of it.
    `at`: the moment it is true for, in µs; None means on arrival.
    `complete`: a polled reading names every series there is, in `numbers` or in `history`; one it
    does not name has ended.
    A partial one (pushed, streamed) leaves the others their value and their age.
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] | None = None
    text: str | None = None
    at: int | None = None
    complete: bool = True
    # Points of the past that came along (a range query, a late batch): series, moment in µs, value.
    # Of a series without a number the newest of them is its last value, with its own age.
    history: Sequence[tuple[str, int, float]] = ()
    # Said beside the data and not instead of it: "no temperature sensors on this machine".
    notes: Sequence[str] = ()
    # Series of which their source says that it has lost sight: stale from `at` on, until it gives
    # them a number again.
    lost: Sequence[str] = ()
    # Series that have ended: an alert that is resolved. A complete reading need not say it.
    ended: Sequence[str] = ()
    marks: Sequence[Mark] = ()


def clean_text(given: str) -> str:
    """Text that every database, JSON and HTML can hold: no NUL, no lone surrogate.

    SQLite takes both and PostgreSQL refuses the whole transaction.
    """
    if "\0" in given:
        given = given.replace("\0", "\N{REPLACEMENT CHARACTER}")
    try:
        given.encode()
    except UnicodeEncodeError:
        given = given.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return given


def clean_number(name: str, given: object) -> float:
    """A finite float; a bool counts as 0 or 1. A number written as text is refused by name."""
    if isinstance(given, bool | int | float):
        try:
            value = float(given)
        except OverflowError:
            raise BadReading(f"{name} is too large a number") from None
        if math.isfinite(value):
            return value
        raise BadReading(f"{name} is {given}, which is no number a wall can show")
    kind = "text" if isinstance(given, str) else type(given).__name__
    raise BadReading(f"{name} is {kind} ({str(given)[:40]!r}); a number was expected")


def clean_name(given: str) -> str:
    """A series' name: printable, 1 to 500 characters."""
    # The same names come again with every reading.
    short = isinstance(given, str) and len(given) <= MAX_NAME
    return _known_name(given) if short else _clean_name(given)


def _clean_name(given: str) -> str:
    name = clean_text(str(given)).strip()
    if not name:
        raise BadReading("a series has an empty name")
    if len(name) > MAX_NAME:
        raise BadReading(
            f"the series name {name[:40]!r}… has {len(name)} characters; {MAX_NAME} is the most"
        )
    if not name.isprintable():
        raise BadReading(f"the series name {name[:40]!r} has characters that cannot be printed")
    return name


_known_name = lru_cache(10_000)(_clean_name)


def clean_json(given: Any, depth: int = 6) -> Any:
    """Plain JSON of any shape, cleaned: text without NUL, numbers finite, not too deep."""
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        return clean_text(given)[:MAX_TEXT]
    if isinstance(given, int) and abs(given) < 2**63:
        return given
    if isinstance(given, int | float):
        # 2^64 and more fits no database's integer; NaN fits no JSON.
        value = float(given) if not isinstance(given, int) or abs(given) < 10**300 else math.inf
        return value if math.isfinite(value) else None
    if depth <= 0:
        raise BadReading("the reading is nested too deeply; flatten it with a query")
    if isinstance(given, Mapping):
        return {clean_text(str(k))[:MAX_NAME]: clean_json(v, depth - 1) for k, v in given.items()}
    if isinstance(given, list | tuple):
        return [clean_json(v, depth - 1) for v in given]
    raise BadReading(f"the reading holds a {type(given).__name__}, which JSON cannot")


def _is_clean(reading: Reading) -> bool:
    """Whether it is numbers alone with nothing wrong in them: by far the most of what streams and
    pushes bring, of which each would be copied for nothing."""
    others = (
        reading.units, reading.verdicts, reading.history, reading.notes, reading.lost,
        reading.ended, reading.marks,
    )  # fmt: skip
    if any(others) or reading.rows is not None or reading.text is not None:
        return False
    return len(reading.numbers) <= MAX_SERIES and all(
        type(value) is float
        and math.isfinite(value)
        and 0 < len(name) <= MAX_NAME
        and name.isprintable()
        and name == name.strip()
        for name, value in reading.numbers.items()
    )


def clean(reading: Reading) -> Reading:
    """The reading as it may be stored, or BadReading."""
    if _is_clean(reading):
        return reading
    if len(reading.numbers) > MAX_SERIES:
        raise BadReading(
            f"{len(reading.numbers):,} series in one reading; {MAX_SERIES:,} is the most"
        )
    if reading.rows is not None and len(reading.rows) > MAX_ROWS:
        raise BadReading(f"{len(reading.rows):,} rows in one reading; {MAX_ROWS:,} is the most")
    if len(reading.history) > MAX_HISTORY:
        raise BadReading(
            f"{len(reading.history):,} points of the past in one reading; "
            f"{MAX_HISTORY:,} is the most"
        )
    rows = None if reading.rows is None else clean_json(list(reading.rows))
    if rows is not None and not all(isinstance(row, dict) for row in rows):
        raise BadReading("every row must be an object of column to value")
    # A name stands there once for each of its points, and cleaning it each time would take longest.
    names = {name: clean_name(name) for name in {name for name, _, _ in reading.history}}
    return Reading(
        numbers={clean_name(k): clean_number(k, v) for k, v in reading.numbers.items()},
        units={clean_name(k): clean_text(v)[:40] for k, v in reading.units.items()},
        verdicts={
            clean_name(k): Verdict(v.state, clean_text(v.message)[:500])
            for k, v in reading.verdicts.items()
        },
        rows=rows,
        text=None if reading.text is None else clean_text(reading.text)[:MAX_TEXT],
        at=reading.at,
        complete=reading.complete,
        history=[(names[k], int(ts), clean_number(k, v)) for k, ts, v in reading.history],
        notes=[clean_text(note)[:500] for note in reading.notes][:20],
        lost=[clean_name(name) for name in reading.lost],
        ended=[clean_name(name) for name in reading.ended],
        marks=[Mark(m.start, m.end, clean_text(m.text)[:500]) for m in reading.marks],
    )
