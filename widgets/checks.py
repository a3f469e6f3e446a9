"""What cannot work together, as Django system checks with ids; each says what to do."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.management.base import SystemCheckError
from django.db import connection


@register("security")
def debug_in_public(**_: Any) -> list[CheckMessage]:
    """Django's debug pages show settings, source and queries to whoever sees an error."""
    if not settings.DEBUG or _is_loopback(settings.BIND):
        return []
    return [
        Error(
            f"WATCHWALL_DEBUG is on, and others can reach {settings.BIND} (WATCHWALL_BIND).",
            hint="Unset WATCHWALL_DEBUG, or listen on 127.0.0.1 only.",
            id="watchwall.E001",
        )
    ]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def process_of_many(command: str) -> list[CheckMessage]:
    """What must be set for this command, which is one process beside others of the same wall."""
    found: list[CheckMessage] = []
    if not settings.REDIS_URL:
        found.append(
            Error(
                f"`{command}` is one process beside others, and without REDIS_URL none of them "
                "hears of the others' tasks and changes.",
                hint="Set the same REDIS_URL for all of them, or run `manage.py up`, which is all "
                "of them in one process.",
                id="watchwall.E002",
            )
        )
    # On SQLite all are on one machine and share the key in its data folder.
    if connection.vendor != "sqlite" and not settings.SECRET_KEY_GIVEN:
        found.append(
            Error(
                f"`{command}` may run on several machines, and without WATCHWALL_SECRET_KEY each "
                "has a key of its own: who signs in at one is a stranger to the next.",
                hint="Set the same WATCHWALL_SECRET_KEY for all of them, 50 random characters or "
                "more; the file secret.key in a data folder has one.",
                id="watchwall.E003",
            )
        )
    return found


def refuse_alone(command: str) -> None:
    """SystemCheckError if the command cannot work as one of many processes."""
    if found := process_of_many(command):
        raise SystemCheckError("\n".join(str(message) for message in found))
