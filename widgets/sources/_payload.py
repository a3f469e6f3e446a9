"""What messages of a broker hold: numbers, JSON, text, line protocol; to readings of one feed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from widgets.clock import SECOND
from widgets.formats import BadPush, Push
from widgets.formats._json import noun, parse
from widgets.formats._lines import PRECISIONS, read
from widgets.formats._points import Points, check_number, check_series
from widgets.formats.json import DEEPEST, pushes
from widgets.reading import Reading
from widgets.sources._naming import joined

# A larger one is no reading.
MOST_BYTES = 1_000_000
MOST_ID = 200
# What our JSON means something by if its value is of that kind.
WORDS: Mapping[str, type | tuple[type, ...]] = {
    "time": (int, float, str), "units": dict, "states": dict, "rows": list, "text": str,
}  # fmt: skip
# Stands where a push has the name of its feed, which a message does not say.
_FEED = "payload"


@dataclass(frozen=True, slots=True)
class Meaning:
    """How payloads are read.

    `payload`: one of `DECODERS`. `time` and `id`: the fields of an object that say when it is true
    and which message it is; no id is "". `precision`: the unit of times that are numbers; "" is
    the usual one, seconds in JSON and ns in line protocol.
    """

    payload: str
    time: str = "time"
    id: str = ""
    precision: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What a payload says: readings, the id in it, and what is wrong with it ("" if nothing)."""

    readings: list[Reading]
    id: str = ""
    wrong: str = ""


def decode(body: bytes, name: str, meaning: Meaning, now: int, at: int | None = None) -> Message:
    """Read a payload. Raises nothing, whatever was sent. `name` of its series; "" for none.

    `at`: the moment, µs, of what has no time of its own; None: on arrival. `now` in µs.
    """
    readings: list[Reading] = []
    wrong: list[BadPush] = []
    if not body:
        return Message([])  # So brokers are told to forget what they keep of a topic or of a key.
    try:
        if len(body) > MOST_BYTES:
            raise BadPush("", f"{len(body):,} bytes; {MOST_BYTES:,} is the most")
        given, id_ = DECODERS[meaning.payload](body, meaning, now)
        for item in given:
            if isinstance(item, BadPush):
                wrong.append(item)
            else:
                readings.append(_named(item.reading, name, at))
    except BadPush as bad:
        return Message([], wrong=str(bad))
    return Message(readings, id_, _sentence(wrong))


def _sentence(wrong: list[BadPush]) -> str:
    if len(wrong) < 2:
        return str(wrong[0]) if wrong else ""
    return f"{wrong[0]}; and {len(wrong) - 1:,} more like it"


def _named(reading: Reading, name: str, at: int | None) -> Reading:
    """The reading under the name of its message, and with its time."""
    at = at if reading.at is None else reading.at
    if not name:
        return reading if at == reading.at else replace(reading, at=at)
    named = {*reading.numbers, *reading.units, *reading.verdicts}
    named.update(series for series, _, _ in reading.history)
    names = {series: check_series(joined(name, series), "the name") for series in named}
    return replace(
        reading,
        at=at,
        numbers={names[series]: value for series, value in reading.numbers.items()},
        units={names[series]: unit for series, unit in reading.units.items()},
        verdicts={names[series]: verdict for series, verdict in reading.verdicts.items()},
        history=[(names[series], ts, value) for series, ts, value in reading.history],
    )


# -- decoders: what stands there, and the id in it --------------------------------------------

Items = Iterable[Push | BadPush]


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadPush(f"byte {error.start}", "this is no UTF-8") from None


def _one(reading: Reading) -> Items:
    return [Push(_FEED, reading)]


def _as_number(body: bytes, meaning: Meaning, now: int) -> tuple[Items, str]:
    text = _text(body).strip()
    try:
        # Python reads `1_000` and other scripts' digits as numbers, and nobody else does.
        value = float(text if text.isascii() and "_" not in text else "")
    except ValueError:
        raise BadPush("", f"{text[:40]!r} is no number") from None
    return _one(Reading({"value": check_number(value, "it", "")}, complete=False)), ""


def _as_text(body: bytes, meaning: Meaning, now: int) -> tuple[Items, str]:
    return _one(Reading(text=_text(body), complete=False)), ""


def _as_lines(body: bytes, meaning: Meaning, now: int) -> tuple[Items, str]:
    points = Points(now)
    wrong = list(read(_text(body), points, PRECISIONS[meaning.precision or "ns"]))
    # The feed is given, so the measurement is the beginning of the series' names.
    taken = [Push(_FEED, _named(push.reading, push.feed, None)) for push in points.pushes()]
    return [*taken, *wrong], ""


def _as_json(body: bytes, meaning: Meaning, now: int) -> tuple[Items, str]:
    given = parse(body)
    id_ = _identity(given, meaning.id) if meaning.id else ""
    items = given if isinstance(given, list) else [given]
    ours = [_ours(item, meaning) if isinstance(item, dict) else item for item in items]
    return pushes(_FEED, ours if isinstance(given, list) else ours[0], now), id_


def _identity(given: Any, field: str) -> str:
    """The id in an object, taken out of it."""
    found = given.pop(field, None) if isinstance(given, dict) else None
    if found is None or isinstance(found, bool) or not isinstance(found, str | int):
        raise BadPush(field, f"an id is expected, a text or a whole number, not {noun(found)}")
    return str(found)[:MOST_ID]


def _ours(given: dict[str, Any], meaning: Meaning) -> dict[str, Any]:
    """An object of anybody's as our JSON has it: its time by our name, in seconds, and without
    what is no number. Things that report their state have texts beside the numbers."""
    if meaning.time in given:
        given["time"] = _seconds(given.pop(meaning.time), meaning.precision or "s")
    kept = {word: given[word] for word, kind in WORDS.items() if isinstance(given.get(word), kind)}
    return {**_numbers(given, DEEPEST), **kept}


def _seconds(value: Any, precision: str) -> Any:
    """A time in seconds; what is no number, or too large a one, is left to whoever reads it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**63:
        return value
    times, divided = PRECISIONS[precision]
    micros = value * times // divided if isinstance(value, int) else value * times / divided
    return micros / SECOND


def _numbers(given: dict[str, Any], left: int) -> dict[str, Any]:
    """Without the texts and lists in it; deeper than `left` as it is, which is refused later."""
    if left <= 0:
        return given
    return {
        key: _numbers(value, left - 1) if isinstance(value, dict) else value
        for key, value in given.items()
        if not isinstance(value, str | list)
    }


DECODERS: Mapping[str, Callable[[bytes, Meaning, int], tuple[Items, str]]] = {
    "json": _as_json,
    "number": _as_number,
    "text": _as_text,
    "line protocol": _as_lines,
}
