"""Values to YAML that reads back as the same values: flow where it is short, block where not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from dashboard.code.parse import Unfit, scalar

WIDTH = 96

_BARE = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./+*%()–×-]*( [A-Za-z0-9_./+*%()–×-]+)*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def emit(value: Mapping[str, Any]) -> str:
    """A document of one mapping."""
    return "\n".join(_entries(value, 0)) + "\n"


def _entries(value: Mapping[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for key, item in value.items():
        lines += _item(f"{' ' * indent}{_text(key)}:", item, indent)
    return lines


def _item(head: str, value: Any, indent: int) -> list[str]:
    """A value behind its key, in the shortest way that can be read."""
    if isinstance(value, str) and _literal(value):
        sign = "|" if value.endswith("\n") else "|-"
        below = [f"{' ' * (indent + 2)}{line}".rstrip() for line in value.splitlines()]
        return [f"{head} {sign}", *below]
    flow = flow_of(value)
    nested = isinstance(value, dict | list) and bool(value)
    if not nested or (len(head) + 1 + len(flow) <= WIDTH and not _deep(value)):
        return [f"{head} {flow}"]
    if isinstance(value, dict):
        return [head, *_entries(value, indent + 2)]
    lines = [head]
    for item in value:
        lines += _listed(item, indent + 2)
    return lines


def _listed(item: Any, indent: int) -> list[str]:
    flow = flow_of(item)
    short = indent + 2 + len(flow) <= WIDTH and not _deep(item)
    if not isinstance(item, dict | list) or not item or (short and not _stands_alone(item)):
        return [f"{' ' * indent}- {flow}"]
    if isinstance(item, dict):
        first, *rest = _entries(item, indent + 2)
        return [f"{' ' * indent}- {first.lstrip()}", *rest]
    lines = [f"{' ' * indent}-"]
    for below in item:
        lines += _listed(below, indent + 2)
    return lines


def flow_of(value: Any) -> str:
    """The value on one line."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case dict():
            return "{" + ", ".join(f"{_text(k)}: {flow_of(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow_of, value)) + "]"
    return repr(value)


def _text(text: str) -> str:
    """Bare where nobody could take it for something else, otherwise in double quotes."""
    try:
        bare = _BARE.fullmatch(text) and scalar(text) == text
    except Unfit:
        bare = False
    return text if bare else '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign.isprintable():
        return sign
    return f"\\U{ord(sign):08X}"


def _literal(text: str) -> bool:
    """Whether several lines can stand as they are, below a `|`."""
    lines = text.split("\n")
    return (
        len(lines) > 1
        and not text.endswith("\n\n")
        and bool(lines[0])
        and not lines[0].startswith(" ")
        and all(line == line.rstrip() and line.isprintable() for line in lines)
    )


def _deep(value: Any) -> bool:
    """Whether it holds several lines, or mappings in mappings, which no line reads well."""
    below = value.values() if isinstance(value, dict) else value
    if not isinstance(value, dict | list):
        return False
    for item in below:
        if isinstance(item, str) and "\n" in item:
            return True
        if isinstance(item, dict | list) and any(isinstance(i, dict | list) for i in _of(item)):
            return True
    return False


def _of(item: Any) -> list[Any]:
    return list(item.values()) if isinstance(item, dict) else list(item)


def _stands_alone(item: Any) -> bool:
    """A tile is the same block of lines, however little it says."""
    return isinstance(item, dict) and "widget" in item
