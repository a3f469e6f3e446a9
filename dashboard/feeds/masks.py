"""Secrets that somebody wrote out in the options of a feed: kept, and never shown again. Pure.

`${env:WATCHWALL_SECRET_…}` names a secret and is none. What is one goes by the name of its option
or header, and by its place in an address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from widgets.options import LEAST_SECRET

MASK = "••••••••"
_NAMED = re.compile(
    r"pass(word|wd|phrase)?|secret|token|cookie|authorization|credential|(api|access|auth).?key",
    re.IGNORECASE,
)
_REFERENCE = "${env:"
_IN_ADDRESS = (
    re.compile(r"(://[^/@\s]*?:)([^/\s]+)(?=@)"),
    re.compile(r"([?&][^=&\s]*(?:pass|secret|token|key|sig)[^=&\s]*=)([^&\s#]+)", re.IGNORECASE),
)


def names_secret(name: str) -> bool:
    """Whether an option or a header of that name holds one."""
    return bool(_NAMED.search(name))


def masked(options: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with each secret that is written out replaced by the mask."""
    return _each(options, lambda secret: MASK)


def written_out(options: Mapping[str, Any]) -> list[str]:
    """The secrets that are written out, the longest first."""
    found: set[str] = set()

    def note(secret: str) -> str:
        # Of `Bearer x`, x alone is one too.
        found.update((secret, secret.rpartition(" ")[2]))
        return secret

    _each(options, note)
    return sorted(found, key=len, reverse=True)


def unmasked(options: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which what was shown masked, and left so, is again what was kept."""
    shown = masked(kept)

    def back(given: Any, before: Any, hidden: Any) -> Any:
        if isinstance(given, Mapping) and isinstance(before, Mapping):
            return {
                key: back(value, before.get(key), hidden.get(key)) for key, value in given.items()
            }
        return before if isinstance(given, str) and MASK in given and given == hidden else given

    return {key: back(value, kept.get(key), shown.get(key)) for key, value in options.items()}


def still_masked(given: Any) -> bool:
    """Whether a mask is left that stands for nothing."""
    if isinstance(given, Mapping):
        return any(still_masked(value) for value in given.values())
    return isinstance(given, str) and MASK in given


def struck(given: Any, secrets: Sequence[str]) -> Any:
    """A copy without any of these texts; what is very short stands in too many others."""
    if isinstance(given, str):
        for secret in secrets:
            if len(secret) >= LEAST_SECRET:
                given = given.replace(secret, MASK)
        return given
    if isinstance(given, Mapping):
        return {struck(key, secrets): struck(value, secrets) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [struck(value, secrets) for value in given]
    return given


def _each(options: Mapping[str, Any], replace: Callable[[str], str]) -> dict[str, Any]:
    """A copy with each secret replaced; where they are is said in the module's first lines."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, str):
            found[name] = _text(name, value, replace)
        elif name == "headers" and isinstance(value, Mapping):
            found[name] = {key: _text(str(key), text, replace) for key, text in value.items()}
        else:
            found[name] = value
    return found


def _text(name: str, text: Any, replace: Callable[[str], str]) -> Any:
    if not isinstance(text, str) or not text:
        return text
    if names_secret(name):
        return text if _REFERENCE in text else replace(text)
    for place in _IN_ADDRESS:
        text = place.sub(
            lambda found: (
                found[1] + (found[2] if found[2].startswith(_REFERENCE) else replace(found[2]))
            ),
            text,
        )
    return text
