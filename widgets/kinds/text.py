"""Words: Markdown from the widget's own options, or from a reading."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import nh3
from django import forms
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from widgets.kinds import Data, Frame, Kind
from widgets.layout import pixels
from widgets.options import Options
from widgets.values import escape_markdown, fill

TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote"),
    *("strong", "em", "s", "code", "pre", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
# A tile holds a few hundred words; past this nobody reads it from a wall.
MOST_TEXT = 20_000
FOOTER = 28
SIZES = (("huge", 36), ("large", 28), ("medium", 22))


class TextOptions(Options):
    markdown = forms.CharField(
        required=False,
        initial="",
        max_length=MOST_TEXT,
        widget=forms.Textarea,
        help_text="Markdown to show, with values in it: {cpu} is that of the series called cpu. "
        "Empty: the text of the reading.",
    )


class Text(Kind):
    slug = "text"
    label = "Text"
    Options = TextOptions
    accepts = frozenset({"text", "numbers", "nothing"})
    size = (3, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        text = fill(options["markdown"], data.lines, escape_markdown) or data.text
        return {"html": to_html(text[:MOST_TEXT]), "size": text_size(text, frame)}


_markdown = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=200)
def to_html(text: str) -> SafeString:
    """Markdown as HTML that holds nothing but plain marks and http(s) links.

    markdown-it is told to escape HTML; nh3 is the wall behind it. No images: the policy of our
    pages would refuse those of other hosts anyway.
    """
    clean = nh3.clean(
        _markdown.render(text),
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
    )
    return mark_safe(clean)  # noqa: S308  # this is what nh3 is for


def text_size(text: str, frame: Frame) -> str:
    """The largest size at which the text is likely to fit its tile; the word of a CSS class."""
    width, height = pixels(frame)
    height += FOOTER  # which a text seldom has
    for name, size in SIZES:
        across = max(width / (size * 0.55), 1)
        lines = sum(-(-len(line) // across) + 0.4 for line in text.splitlines() if line.strip())
        if lines * size * 1.4 <= height:
            return name
    return "small"
