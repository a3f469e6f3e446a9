"""A small language for numbers: `errors / total * 100`. Pure; parses, and computes, nothing else.

Names stand for series: a bare word (letters, digits, `_` and `.`), or anything in quotes
(`'GET /health' / total`). `+ - * /`, brackets, numbers such as `1.5e3`, and `min(…)`, `max(…)`,
`sum(…)`, `abs(…)`. What divides by zero, or is no number any more, is None: unknown.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MOST_LENGTH = 300
MOST_DEPTH = 20

Values = Mapping[str, float]
Compute = Callable[[Values], float]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<word>[^\W\d][\w.]*)"
    r"|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<sign>[-+*/(),]))"
)
FUNCTIONS: dict[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "max": max,
    "sum": sum,
    "abs": lambda given: abs(given[0]),
}


class BadExpression(ValueError):
    """What cannot be read as an expression; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Expression:
    """What was written, the names in it in their order, and how it is computed."""

    text: str
    names: tuple[str, ...]
    compute: Compute

    def value(self, values: Values) -> float | None:
        """None where a name has no value, or there is no finite result."""
        try:
            found = self.compute(values)
        except (KeyError, ZeroDivisionError, OverflowError):
            return None
        return found if math.isfinite(found) else None


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Expression:
    """The expression, or BadExpression."""
    if len(text) > MOST_LENGTH:
        raise BadExpression(f"it has {len(text)} characters; {MOST_LENGTH} is the most")
    parser = _Parser(_tokens(text))
    compute = parser.sum(0)
    if parser.now.kind != "end":
        raise BadExpression(f"{parser.now.text!r} at {parser.now.at + 1} is not expected there")
    if not parser.names:
        raise BadExpression("it names no series, such as errors / total")
    return Expression(text, tuple(dict.fromkeys(parser.names)), compute)


def _tokens(text: str) -> list[_Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            sign = text[at:].lstrip()[:1]
            raise BadExpression(f"{sign!r} at {at + 1} is no part of an expression")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind], match.start(kind)))
        at = match.end()
    return [*found, _Token("end", "its end", len(text))]


class _Parser:
    """By recursive descent, one method a level of binding; deeper than MOST_DEPTH is refused."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens, self._at = tokens, 0
        self.names: list[str] = []

    @property
    def now(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *signs: str) -> str:
        """The sign that stands here if it is one of these, and go on; else nothing."""
        if self.now.kind == "sign" and self.now.text in signs:
            self._at += 1
            return self._tokens[self._at - 1].text
        return ""

    def sum(self, depth: int) -> Compute:
        if depth > MOST_DEPTH:
            raise BadExpression(f"it is nested deeper than {MOST_DEPTH}")
        left = self._product(depth)
        while sign := self._take("+", "-"):
            left = _both(sign, left, self._product(depth))
        return left

    def _product(self, depth: int) -> Compute:
        left = self._signed(depth)
        while sign := self._take("*", "/"):
            left = _both(sign, left, self._signed(depth))
        return left

    def _signed(self, depth: int) -> Compute:
        negative = False
        while sign := self._take("-", "+"):
            negative ^= sign == "-"
        inner = self._atom(depth)
        return (lambda values: -inner(values)) if negative else inner

    def _atom(self, depth: int) -> Compute:
        token = self.now
        if self._take("("):
            inner = self.sum(depth + 1)
            self._expect(")")
            return inner
        if token.kind in {"sign", "end"}:
            raise BadExpression(
                f"a number or a name is expected at {token.at + 1}, not {token.text}"
            )
        self._at += 1
        if token.kind == "number":
            number = float(token.text)
            return lambda values: number
        if token.kind == "word" and token.text in FUNCTIONS and self._take("("):
            return self._call(token.text, depth)
        name = token.text
        self.names.append(name)
        return lambda values: values[name]

    def _call(self, name: str, depth: int) -> Compute:
        given = [self.sum(depth + 1)]
        while self._take(","):
            given.append(self.sum(depth + 1))
        self._expect(")")
        if name == "abs" and len(given) > 1:
            raise BadExpression("abs() takes one number")
        function = FUNCTIONS[name]
        return lambda values: function([one(values) for one in given])

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise BadExpression(f"{sign!r} is expected at {self.now.at + 1}, not {self.now.text}")


def _both(sign: str, left: Compute, right: Compute) -> Compute:
    match sign:
        case "+":
            return lambda values: left(values) + right(values)
        case "-":
            return lambda values: left(values) - right(values)
        case "*":
            return lambda values: left(values) * right(values)
        case _:
            return lambda values: left(values) / right(values)
