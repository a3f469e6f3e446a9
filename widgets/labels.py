"""Names of series from a name and labels: `usage_idle{cpu=cpu0,host=a}`."""

from __future__ import annotations

from collections.abc import Mapping


def series_name(name: str, labels: Mapping[str, str]) -> str:
    """The name with its labels in order; what cannot be printed in it is replaced."""
    inner = ",".join(f"{label}={labels[label]}" for label in sorted(labels))
    return printable(f"{name}{{{inner}}}" if inner else name)


def printable(given: str) -> str:
    """One sign that cannot be printed would cost the whole reading."""
    if given.isprintable():
        return given
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in given)
