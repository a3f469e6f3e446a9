"""One value of a file at a time: each function takes a node or says what it expected."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from dashboard.code.parse import Node, plain
from widgets.clock import parse_duration
from widgets.registry import nearest

Taker = Callable[[Node], Any]


class Unexpected(ValueError):
    """A value of another type than the key takes; the message says what was expected."""


def text(node: Node) -> str:
    if isinstance(node.value, str):
        return node.value
    hint = "; put it in quotes" if isinstance(node.value, int | float) else ""
    raise Unexpected(f"text is expected, not {_shown(node)}{hint}")


def flag(node: Node) -> bool:
    if isinstance(node.value, bool):
        return node.value
    raise Unexpected(f"true or false is expected, not {_shown(node)}")


def whole(node: Node) -> int:
    """A whole number that is not negative."""
    if isinstance(node.value, int) and not isinstance(node.value, bool) and node.value >= 0:
        return node.value
    raise Unexpected(f"a whole number from 0 up is expected, not {_shown(node)}")


def span(node: Node) -> int:
    """A span in µs."""
    if isinstance(node.value, bool | list | dict | None):
        raise Unexpected(f"a duration is expected, such as 30s or 5 min, not {_shown(node)}")
    try:
        found = parse_duration(node.value)
    except ValueError as error:
        raise Unexpected(str(error)) from None
    if not 0 <= found < 2**53:
        raise Unexpected(f"a duration between 0 and 285 years is expected, not {_shown(node)}")
    return found


def mapping(node: Node) -> dict[str, Any]:
    if isinstance(node.value, dict):
        return dict(plain(node))
    raise Unexpected(f"names to values are expected, not {_shown(node)}")


def items(node: Node) -> list[Any]:
    """A list; one thing alone is a list of one."""
    return list(plain(node)) if isinstance(node.value, list) else [plain(node)]


def one_of(words: Iterable[str]) -> Taker:
    known = list(words)

    def take(node: Node) -> str:
        if node.value in known:
            return str(node.value)
        raise Unexpected(f"{_shown(node)} is not known here{nearest(str(node.value), known)}")

    return take


def _shown(node: Node) -> str:
    match node.value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case bool():
            return str(node.value).lower()
        case str():
            return f'"{node.value[:40]}"'
    return str(node.value)
