"""The log: lines for people, or one JSON object a line for machines. No secret is in either."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

from widgets import lifecycle
from widgets.options import LEAST_SECRET, without_secrets


class Lines(logging.Formatter):
    """As a person reads it."""

    def format(self, record: logging.LogRecord) -> str:
        return strike(super().format(record))


class JSONLines(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`, `role`, `node`, `pid`, and `exception` if any."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": strike(record.getMessage()),
            # Before it is a part of the wall, what was called.
            "role": lifecycle.role or " ".join(sys.argv[1:2]),
            "node": settings.NODE,
            "pid": os.getpid(),
        }
        if record.exc_info:
            said["exception"] = strike(self.formatException(record.exc_info))
        if record.stack_info:
            said["stack"] = strike(record.stack_info)
        return json.dumps(said)


def strike(text: str) -> str:
    """The text without what nobody may read: libraries put addresses into their errors."""
    for secret in _own_secrets():
        text = text.replace(secret, "***")
    return str(without_secrets(text))


@cache
def _own_secrets() -> list[str]:
    """The secrets that are settings, the longest first: one may begin with another."""
    redis = urlsplit(settings.REDIS_URL).password or ""
    given = (
        settings.SECRET_KEY,
        settings.METRICS_TOKEN,
        settings.HEARTBEAT_URL,
        str(settings.DATABASES["default"].get("PASSWORD") or ""),
        redis,
        unquote(redis),
    )
    written = {form for one in given for form in (one, quote(one, safe=""))}
    return sorted((one for one in written if len(one) >= LEAST_SECRET), key=len, reverse=True)
