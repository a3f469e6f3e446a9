"""What a page showed when it was opened, to be told from what is there now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.db import models
from django.utils.crypto import salted_hmac

from widgets.clock import format_duration
from widgets.models import Feed

MOST_SAID = 120


def marks(values: Mapping[str, Any]) -> dict[str, str]:
    """A mark for each value: a page carries them, and a secret must not leave with it."""
    return {
        key: salted_hmac("feed-seen", json.dumps([key, value], sort_keys=True, default=str))
        .hexdigest()[:16]
        for key, value in values.items()
    }  # fmt: skip


def read(text: str) -> dict[str, str]:
    """The marks that a page sent back; none if they are not what it was given."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def changed(values: Mapping[str, Any], seen: Mapping[str, str]) -> list[str]:
    """The keys whose value is not as it was shown."""
    return [key for key, mark in marks(values).items() if seen.get(key) != mark]


def as_typed(feed: Feed, name: str) -> Any:
    """A column as somebody would type it."""
    value = getattr(feed, name)
    spans = isinstance(feed._meta.get_field(name), models.BigIntegerField)
    return format_duration(value) if spans and value is not None else value


def said(value: Any) -> str:
    """A value as it is said in a sentence."""
    if value in (None, "", [], {}):
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SAID else f"{text[: MOST_SAID - 1]}…"
