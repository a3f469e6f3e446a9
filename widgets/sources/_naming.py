"""Names of series from what came with a message: `{1}.{3}` are two levels of its topic."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from widgets.labels import printable

_PLACE = re.compile(r"\{([^{}]*)\}")


class NoName(ValueError):
    """A message lacks what its name is made of; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A text with places in it. `texts` stand around them: one more than there are places."""

    texts: tuple[str, ...]
    places: tuple[str, ...]

    def __call__(self, parts: Mapping[str, str]) -> str:
        """The name for these parts; what cannot be printed in it is replaced. Or NoName."""
        name = self.texts[0]
        for place, text in zip(self.places, self.texts[1:], strict=True):
            try:
                name += parts[place] + text
            except KeyError:
                raise NoName(
                    f"the message has no {place}, which the option name asks for"
                ) from None
        return printable(name)


def naming(given: str, known: Callable[[str], bool], example: str) -> Naming:
    """The text taken apart; ValueError says which place there is not, and shows the example."""
    pieces = _PLACE.split(given)
    texts, places = tuple(pieces[::2]), tuple(pieces[1::2])
    if any("{" in text or "}" in text for text in texts):
        raise ValueError(f"a brace has no counterpart; write it like {example}")
    for place in places:
        if not known(place):
            raise ValueError(f"there is no {{{place[:40]}}}; write it like {example}")
    return Naming(texts, places)


def joined(name: str, series: str) -> str:
    """The whole name of a series: what the message is called, then what stands in its payload.

    A bare number has no name of its own, which our JSON calls `value`.
    """
    if not name:
        return series
    return name if series == "value" else f"{name}.{series}"
