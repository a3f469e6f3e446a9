"""Strict YAML to nodes that keep their lines.

PyYAML's own reading keeps the last of two equal keys and takes `12:30` for 750 and `yes` for true.
Here plain scalars are those of YAML 1.2's core schema, and what could mean two things is refused:
equal keys, anchors and aliases, tags, a second document.
https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from dashboard.code.problem import Problem

Scalar = str | int | float | bool | None

MOST_CHARACTERS = 1_000_000
DEEPEST = 30

_NULL = re.compile(r"null|Null|NULL|~|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


@dataclass(slots=True)
class Node:
    """A value and the line (from 1) on which it, or the key that names it, stands."""

    line: int
    value: Scalar | list[Node] | dict[str, Node]


class Unfit(ValueError):
    """A scalar that no column of a database keeps; the message says why."""


def parse(text: str, file: str) -> tuple[Node | None, list[Problem]]:
    """The root of the one document (None: it is no YAML) and everything wrong with its form."""
    return _Builder(file).build(text)


def plain(node: Node) -> Any:
    """The value without its lines."""
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    if isinstance(node.value, dict):
        return {key: plain(item) for key, item in node.value.items()}
    return node.value


def line_of(node: Node, path: str) -> int:
    """The line of what `path` (`options.headers.Accept`, `[2].series`) names below a node.

    What is not there is looked for no further than where it would be. Keys may have dots of
    their own, so the longest key that fits is taken.
    """
    path = path.removeprefix(".")
    if not isinstance(node.value, list):
        # One thing alone is read as a list of one.
        path = path.removeprefix("[0]").removeprefix(".")
    if isinstance(node.value, list) and (found := re.match(r"\[(\d+)\]", path)):
        index = int(found[1])
        if index < len(node.value):
            return line_of(node.value[index], path[found.end() :])
    if isinstance(node.value, dict):
        fits = [key for key in node.value if re.match(re.escape(key) + r"(?=[.\[]|$)", path)]
        if path and fits:
            key = max(fits, key=len)
            return line_of(node.value[key], path[len(key) :])
    return node.line


def scalar(text: str) -> Scalar:
    """What a plain scalar means; Unfit if it is a number that cannot be kept."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        # The length first: Python refuses to convert thousands of digits.
        number = int(text, base) if len(text) <= 24 else 2**63
        if not -(2**63) <= number < 2**63:
            raise Unfit("the number is too large; put it in quotes if it is text")
        return number
    if _FLOAT.fullmatch(text):
        value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(value):
            raise Unfit("a finite number is expected; put it in quotes if it is text")
        return value
    return text


class _Builder:
    """Builds nodes from the parser's events, without recursion, and notes what is refused."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def build(self, text: str) -> tuple[Node | None, list[Problem]]:
        if len(text) > MOST_CHARACTERS:
            self._wrong(1, f"more than {MOST_CHARACTERS:,} characters")
            return None, self.problems
        try:
            root = self._document(self._events(text))
        except _NoYAML as error:
            self._wrong(error.line, f"this is no YAML: {error}")
            return None, self.problems
        return root, self.problems

    def _events(self, text: str) -> Iterator[Any]:
        loader = None
        try:
            loader = yaml.BaseLoader(text)
            while loader.check_event():
                yield loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise _NoYAML(_said(error), mark.line + 1 if mark else 1) from None
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, error.position) + 1
            what = f"the character U+{ord(text[error.position]):04X}"
            raise _NoYAML(f"{what} cannot stand in a file", line) from None
        except (ValueError, OverflowError):
            # PyYAML hands "\UFFFFFFFF" to chr().
            line = loader.line + 1 if loader else 1
            raise _NoYAML("an escape names no character", line) from None

    def _document(self, events: Iterator[Any]) -> Node | None:
        root: Node | None = None
        # The open collections, and of a mapping the key that waits for its value.
        stack: list[tuple[Node, list[tuple[str, int]]]] = []
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    line = event.start_mark.line + 1 if event.start_mark else 1
                    self._wrong(line, "a second document begins here; one is expected")
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.NodeEvent):
                node = self._node(event)
                if not stack:
                    root = node
                elif isinstance(node.value, list | dict) and len(stack) >= DEEPEST:
                    raise _NoYAML(f"nested deeper than {DEEPEST}", node.line)
                else:
                    self._put(node, event, *stack[-1])
                if isinstance(node.value, list | dict):
                    stack.append((node, []))
        return root

    def _put(self, node: Node, event: Any, parent: Node, waiting: list[tuple[str, int]]) -> None:
        if isinstance(parent.value, list):
            parent.value.append(node)
            return
        assert isinstance(parent.value, dict)
        if not waiting:
            waiting.append((self._key(node, event), node.line))
            return
        key, line = waiting.pop()
        node.line = line
        if key in parent.value:
            first = parent.value[key].line
            self._wrong(line, f'the key "{key}" stands here already, on line {first}')
        else:
            parent.value[key] = node

    def _key(self, node: Node, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._wrong(node.line, "a key is expected, such as `title:`")
            return ""
        return str(event.value)

    def _node(self, event: Any) -> Node:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            self._wrong(line, f"the alias *{event.anchor} is not understood; write it out")
            return Node(line, None)
        if event.anchor is not None:
            self._wrong(line, f"the anchor &{event.anchor} is not understood; leave it out")
        if event.tag is not None:
            self._wrong(line, f"the tag {event.tag} is not understood; leave it out")
        if isinstance(event, yaml.SequenceStartEvent):
            return Node(line, [])
        if isinstance(event, yaml.MappingStartEvent):
            return Node(line, {})
        return Node(line, self._scalar(event, line))

    def _scalar(self, event: Any, line: int) -> Scalar:
        if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in event.value):
            self._wrong(line, "the text has a character that no database keeps")
            return ""
        try:
            return scalar(event.value) if event.style is None else str(event.value)
        except Unfit as error:
            self._wrong(line, str(error))
            return 0

    def _wrong(self, line: int, message: str) -> None:
        self.problems.append(Problem(self.file, line, "", message))


class _NoYAML(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _said(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "'\\t'" in problem:
        return "a tab stands where only spaces may"
    return problem
