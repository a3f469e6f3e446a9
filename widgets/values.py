"""Values in words: `{cpu}` in a text is the value of the series that the widget calls cpu. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from widgets.kinds import Line
from widgets.numbers import say

_NAMED = re.compile(r"\{([^{}\n]{1,200})\}")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


def fill(text: str, lines: Sequence[Line], escape: Callable[[str], str] = str) -> str:
    """The text with the values in it; what is in braces and names no series stays as it is.

    `escape`: for what a unit may hold, since it is a stranger's.
    """
    if "{" not in text:
        return text
    known = {line.name: line for line in lines}

    def value(found: re.Match[str]) -> str:
        line = known.get(found[1].strip())
        return found[0] if line is None else escape(say(line.value, line.unit))

    return _NAMED.sub(value, text)


def escape_markdown(text: str) -> str:
    """So that Markdown shows each sign as it is."""
    return _MARKDOWN.sub(r"\\\1", text.replace("\n", " "))
