"""Numbers as people read them: 3.4 GiB, 12 ms, 99.98 %. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from widgets.clock import DAY, HOUR, MINUTE, SECOND

Style = Literal["full", "short"]
Shown = tuple[str, str]

NONE = "–"
MINUS = "−"
BYTE_PREFIXES = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
COUNT_SUFFIXES = ("", "k", "M", "G", "T")
SI_PREFIXES = COUNT_SUFFIXES
# What is written with a prefix of its own and not as 5M Hz.
SI_UNITS = ("Hz", "W", "Wh", "V", "A", "VA", "J", "bit", "bit/s", "bps")
# Parts of a second, in seconds; then its multiples.
SECOND_PARTS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
SECOND_MULTIPLES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
IN_SECONDS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


def format_number(value: float | None, unit: str = "", style: Style = "full") -> Shown:
    """The number and the unit to write behind it; `short` for cells, legends and axes.

    Bytes (`B`, `B/s`) go by 1024, spans (`s`, `ms`, …) by what people say, Hz, W and the like take
    prefixes, anything else keeps its unit and full digits to 99,999. No value and no finite one is
    a dash.
    """
    if value is None or not math.isfinite(value):
        return NONE, ""
    family = FAMILIES.get(unit, _count)
    text, shown = family(abs(float(value)), unit, style)
    negative = value < 0 and any(digit in text for digit in "123456789")
    return (MINUS + text if negative else text), shown


def say(value: float | None, unit: str = "", style: Style = "full") -> str:
    """Number and unit as one text, kept on one line: `99.98 %`, `1,284/s`."""
    return join(*format_number(value, unit, style))


def join(text: str, unit: str) -> str:
    return text + unit if not unit or unit.startswith("/") else f"{text}\N{NO-BREAK SPACE}{unit}"


def format_age(span: int) -> str:
    """A span of µs in its largest unit, rounded down: `12 s`, `6 min`, `2 h`, `3 d`."""
    for size, unit in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if span >= size:
            return f"{span // size} {unit}"
    return f"{max(span, 0) // SECOND} s"


def format_ticks(ticks: Sequence[float], unit: str) -> list[str]:
    """Labels of an axis: all in the one unit that suits the largest, with the digits of a step."""
    if not ticks:
        return []
    largest = max(abs(tick) for tick in ticks)
    scale, shown = _axis_scale(largest, unit)
    step = min((abs(b - a) for a, b in itertools.pairwise(ticks)), default=largest)
    places = math.ceil(-math.log10(step / scale)) if step > 0 else 0
    if places > 6 or largest / scale >= 1e6:
        return [_signed(tick, f"{abs(tick):.2e}") for tick in ticks]
    # Steps of bytes are halves and quarters of the unit: they take more places than 1-2-5 does.
    places = max(places, 0) + (2 if unit in {"B", "B/s"} else 0)
    texts = [f"{abs(tick) / scale:,.{places}f}" for tick in ticks]
    return [_signed(tick, _plain(text) + shown) for tick, text in zip(ticks, texts, strict=True)]


def _axis_scale(largest: float, unit: str) -> tuple[float, str]:
    if unit in {"B", "B/s"}:
        power = _power(largest, 1024, len(BYTE_PREFIXES))
        return 1024.0**power, f"\N{NO-BREAK SPACE}{BYTE_PREFIXES[power]}{unit}"
    if unit in IN_SECONDS:
        seconds = largest * IN_SECONDS[unit]
        sizes = (*SECOND_MULTIPLES, *SECOND_PARTS[1:])
        size, name = next((s for s in sizes if seconds >= s[0] * (2 if s[0] > 1 else 1)), (1, "s"))
        return size / IN_SECONDS[unit], f"\N{NO-BREAK SPACE}{name}"
    if unit in SI_UNITS:
        power = _power(largest, 1000, len(SI_PREFIXES))
        return 1000.0**power, f"\N{NO-BREAK SPACE}{SI_PREFIXES[power]}{unit}"
    power = _power(largest, 1000, len(COUNT_SUFFIXES)) if largest >= 10_000 else 0
    suffix = COUNT_SUFFIXES[power]
    return 1000.0**power, suffix + ("\N{NO-BREAK SPACE}%" if unit == "%" else "")


def _power(size: float, base: int, powers: int) -> int:
    return next((p for p in range(powers - 1, 0, -1) if size >= float(base) ** p), 0)


def _plain(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(value: float, text: str) -> str:
    return MINUS + text if value < 0 else text


def _figures(size: float, digits: int, most: int = 9) -> str:
    """`size` with so many significant digits, but at most `most` decimals; whole ones have none."""
    if size == 0 or (size < 1e15 and size == int(size)):
        return f"{size:,.0f}"
    exponent = int(f"{size:.{digits - 1}e}".partition("e")[2])
    return f"{size:,.{min(max(digits - 1 - exponent, 0), most)}f}"


def _science(size: float) -> str:
    digits, _, exponent = f"{size:.1e}".partition("e")
    return f"{_plain(digits)}e{int(exponent)}"


def _count(size: float, unit: str, style: Style) -> Shown:
    if size != 0 and size < 1e-4:
        return _science(size), unit
    if size < (99_999.5 if style == "full" else 999.5):
        return _figures(size, 3), unit
    for suffix in COUNT_SUFFIXES[1:]:
        size /= 1000
        if size < 999.5:
            return _figures(size, 3, 2 if style == "full" else 1) + suffix, unit
    return _science(size * 1000.0 ** (len(COUNT_SUFFIXES) - 1)), unit


def _bytes(size: float, unit: str, style: Style) -> Shown:
    scaled = size
    for prefix in BYTE_PREFIXES:
        if scaled < 1023.5:
            return _figures(scaled, 3 if style == "full" else 2, 1), prefix + unit
        scaled /= 1024
    return _science(size), unit


def _seconds(size: float, unit: str, style: Style) -> Shown:
    size *= IN_SECONDS[unit]
    if size >= 59.95:
        return _long_span(size, style)
    if size == 0:
        return "0", unit
    digits = 3 if style == "full" else 2
    for part, name in SECOND_PARTS:
        # What rounds up to the next unit is written in it: 0.99996 s is 1 s and not 1,000 ms.
        if size >= part * 0.9995:
            return _figures(round(size / part, 6), digits, 2 if part == 1 else 1), name
    return _science(size / 1e-9), "ns"


def _long_span(size: float, style: Style) -> Shown:
    """Two units at most, the larger one as the number: `2` and `min 5 s`."""
    if size >= 100 * 86_400:
        return _count(size // 86_400, "d", style)
    left = round(size)
    for at, (length, name) in enumerate(SECOND_MULTIPLES[:-1]):
        if left >= length:
            count, left = divmod(left, length)
            below, below_name = SECOND_MULTIPLES[at + 1]
            rest = left // below
            tail = f" {rest} {below_name}" if rest and style == "full" else ""
            return str(count), name + tail
    return str(left), "s"


def _si(size: float, unit: str, style: Style) -> Shown:
    """850 MW, 5 GHz, 1.2 kW; below a thousand as any other number."""
    if size < 999.5:
        return _count(size, unit, style)
    digits, most = (3, 2) if style == "full" else (2, 1)
    for prefix in SI_PREFIXES[1:]:
        size /= 1000
        if size < 999.5:
            return _figures(size, digits, most), prefix + unit
    return _science(size * 1000.0 ** (len(SI_PREFIXES) - 1)), unit


def _percent(size: float, unit: str, style: Style) -> Shown:
    if 99 < size < 100:
        # An availability of 99.996 must never read as 100.
        places = Decimal("0.01") if style == "full" else Decimal("0.1")
        return str(Decimal(repr(size)).quantize(places, ROUND_DOWN)), unit
    if size < 0.1 or size >= 1000:
        return _count(size, unit, style)
    return _figures(size, 3 if style == "full" else 2), unit


FAMILIES: dict[str, Callable[[float, str, Style], Shown]] = {
    "B": _bytes,
    "B/s": _bytes,
    "%": _percent,
    **dict.fromkeys(SI_UNITS, _si),
    **dict.fromkeys(IN_SECONDS, _seconds),
}
