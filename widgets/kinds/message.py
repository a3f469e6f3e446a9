"""A few words, as large as the tile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from widgets.kinds import Data, Frame, Kind
from widgets.kinds._words import WORDS
from widgets.layout import pixels, text_width
from widgets.options import Options
from widgets.values import fill

MOST_TEXT = 500
LEVELS = ("plain", "warning", "critical")
# Sizes at 1080p, px; the word of a CSS class.
SIZES = (160, 120, 96, 72, 56, 44, 34, 28, 24)
LINE = 1.15


class MessageOptions(Options):
    message = forms.CharField(
        required=False,
        initial="",
        max_length=MOST_TEXT,
        help_text="What to say, with values in it: {cpu} is that of the series called cpu. "
        "Empty: the text of the reading.",
    )
    level = forms.ChoiceField(
        choices=[(level, level) for level in LEVELS],
        initial="plain",
        help_text="plain, warning or critical: how loud it is.",
    )


class Message(Kind):
    slug = "message"
    label = "Big message"
    Options = MessageOptions
    accepts = frozenset({"text", "numbers", "nothing"})
    size = (4, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        text = fill(options["message"], data.lines) or data.text
        text = " ".join(text[:MOST_TEXT].split())
        level = options["level"]
        said = text if level == "plain" else f"{WORDS[level][0]} {text}"
        return {"text": said, "level": level, "size": size(said, frame)}


def size(text: str, frame: Frame) -> int:
    """The largest size at which the words fit the tile, whole ones to a line."""
    width, height = pixels(frame)
    for px in SIZES[:-1]:
        if lines(text, width, px) * px * LINE <= height:
            return px
    return SIZES[-1]


def lines(text: str, width: float, px: float) -> int:
    """How many lines the words take; a word too long for one takes none that fits."""
    count, left, space = 1, float(width), text_width(" ", px)
    for word in text.split():
        need = text_width(word, px)
        if need > width:
            return 10_000
        if need > left:
            count, left = count + 1, float(width)
        left -= need + space
    return count
