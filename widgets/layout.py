"""What fits on a tile: the room there is, how wide words are, and which labels can stand. Pure.

Reckoned at 1080p on a wall of 8 rows; on other screens all sizes scale alike. A picture that
shows a little too little is right, one that is cut is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from widgets.kinds import Frame

# The sizes that every kind is made for and shown in by the gallery, in columns × rows.
SIZES = {
    "chip": (2, 1),
    "small": (2, 2),
    "card": (3, 2),
    "block": (4, 3),
    "panel": (6, 3),
    "full": (12, 6),
}
COLUMN = 157
ROW = 125
GAP = 8
# The height of a line in what it is written in: title and footer (see wall.css).
TITLE_LINE, FOOTER_LINE = 1.25, 1.3
# Widths of Inter in ems, rounded up: its figures are all alike.
NARROW, USUAL, WIDE = 0.32, 0.6, 0.92
NARROWS, WIDES = frozenset(" .,:;'|!()[]ijlft…\N{NO-BREAK SPACE}"), frozenset("mwMWQO%@—")
CAPITAL = 0.72
# Between two labels, in ems.
BETWEEN = 0.8

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Label:
    """A word on an axis: where (a share of its length), how it stands there, and what it says."""

    share: float
    anchor: Anchor
    text: str


def pixels(frame: Frame) -> tuple[int, int]:
    """Width and height of the body at 1080p: what border, padding, title and footer leave, as
    wall.css sizes them by the tile."""
    width, height = frame.width * COLUMN - GAP, frame.height * ROW - GAP
    least = min(width, height)
    title = _clamp(24, min(0.09 * height, 0.054 * width), 28) * TITLE_LINE
    footer = _clamp(17, min(0.07 * height, 0.044 * width), 24) * FOOTER_LINE
    across = 2 * _clamp(12, 0.045 * least, 28) + 2
    down = 2 * _clamp(8, 0.04 * least, 24) + 2
    return max(int(width - across), 100), max(int(height - down - title - footer), 40)


def text_size(frame: Frame) -> float:
    """The size of a list's words at 1080p, px, as wall.css has it (`--text`)."""
    width, height = frame.width * COLUMN - GAP, frame.height * ROW - GAP
    return _clamp(18, min(0.076 * height, 0.046 * width), 28)


def lines_that_fit(frame: Frame, lines: float) -> int:
    """How many rows, each so many of a list's words high; one at least."""
    return rows_that_fit(frame, int(lines * text_size(frame)))


def _clamp(low: float, value: float, high: float) -> float:
    return max(low, min(value, high))


def rows_that_fit(frame: Frame, height: int) -> int:
    """How many rows of so many pixels; one at least."""
    return max(pixels(frame)[1] // height, 1)


def columns_that_fit(frame: Frame, width: int) -> int:
    """How many columns of so many pixels; one at least."""
    return max(pixels(frame)[0] // width, 1)


# Every picture asks it of the same words as the one before.
@lru_cache(maxsize=20_000)
def text_width(text: str, size: float) -> float:
    """The width of a text, in the unit of its size; never less than it will be.

    What Inter does not have (Chinese, signs) is as wide as high.
    """
    return size * sum(map(_width, text))


def _width(sign: str) -> float:
    if sign in NARROWS:
        return NARROW
    if sign in WIDES:
        return WIDE
    if ord(sign) > 0x2FF and sign not in "–−◆▲◌":
        return 1.0
    return CAPITAL if sign.isupper() else USUAL


def along(shares: Sequence[float], texts: Sequence[str], length: float, size: float) -> list[Label]:
    """Labels along a horizontal axis so many pixels long, none on another and none sticking out.

    Those near an end are moved in; where they would collide only every second, third … stays, so
    that what stands is even. `shares` rise.
    """
    placed = [_moved_in(s, t, length, size) for s, t in zip(shares, texts, strict=True)]
    for every in range(1, len(placed) + 1):
        kept = placed[::every]
        if _apart(kept, length, size):
            return kept
    return []


def _moved_in(share: float, text: str, length: float, size: float) -> Label:
    half = text_width(text, size) / 2
    at = share * length
    if at < half:
        return Label(share, "start", text)
    return Label(share, "end" if at + half > length else "middle", text)


def span(label: Label, length: float, size: float) -> tuple[float, float]:
    """From where to where it reaches, in pixels."""
    width, at = text_width(label.text, size), label.share * length
    left = {"start": at, "middle": at - width / 2, "end": at - width}[label.anchor]
    return left, left + width


def _apart(labels: Sequence[Label], length: float, size: float) -> bool:
    spans = [span(label, length, size) for label in labels]
    if any(left < -0.5 or right > length + 0.5 for left, right in spans):
        return False
    return all(a[1] + BETWEEN * size <= b[0] for a, b in pairwise(spans))


def steps_that_fit(length: float, size: float, most: int) -> int:
    """How many steps of a vertical axis can be labelled, a line of text and a half apart."""
    return max(min(int(length / (size * 1.8)), most), 1)


def pack(widths: Sequence[float], room: float, gap: float) -> int:
    """How many of things side by side fit, the first of them always."""
    used = 0.0
    for i, width in enumerate(widths):
        used += width + (gap if i else 0)
        if used > room and i:
            return i
    return len(widths)
