"""Settings from the environment, with an error that names the variable and what it takes."""

from __future__ import annotations

import os

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str) -> str:
    """The variable, without surrounding space; unset and empty both mean the default."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """A yes or a no."""
    given = text(name, "yes" if default else "no").lower()
    if given in {"1", "true", "yes", "on"}:
        return True
    if given in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {given!r}; it takes yes or no")


def number(name: str, default: int, least: int, most: int) -> int:
    """A whole number between two others."""
    given = text(name, str(default))
    if given.isascii() and given.isdigit() and least <= int(given) <= most:
        return int(given)
    raise ImproperlyConfigured(
        f"{name} is {given!r}; it takes a whole number from {least} to {most}"
    )


def items(name: str) -> list[str]:
    """A list, separated by commas."""
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]
