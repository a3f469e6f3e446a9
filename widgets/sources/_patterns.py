"""Regular expressions of staff, for strangers' text."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError

# A stranger's text and somebody's pattern: how long both take together must have an end, for
# Python cannot interrupt a search and lets nothing else run meanwhile.
MOST_SEARCHED = 100_000
MOST_PATTERN = 300
_NESTED = re.compile(r"\((?:[^()\\]|\\.)*[*+}](?:[^()\\]|\\.)*\)[*+{]")


def check_pattern(given: str) -> re.Pattern[str]:
    """The expression, or a ValidationError that says what is wrong with it."""
    try:
        found = re.compile(given)
    except (re.error, RecursionError) as error:
        raise ValidationError(f"no regular expression: {error}") from None
    if _NESTED.search(given):
        raise ValidationError(
            "a repetition inside a repetition, as in (a+)+, can take for ever; write it flat"
        )
    return found
