"""Formats: what people's tools POST. One module is one format; the registry scans for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# Not `import json`: the format of that name becomes an attribute of this package.
from json import dumps
from typing import Any, ClassVar

from widgets.change import Fold
from widgets.reading import Reading
from widgets.registry import Registry


class BadPush(ValueError):
    """Something in a body that cannot be taken.

    `place`: the line or the field (`line 3`, `[2].cpu`); "" is the whole body. `status` is what
    the answer would be if nothing else were wrong: 400, 403 (not this token's), 413 (too much).
    """

    def __init__(self, place: str, sentence: str, status: int = 400) -> None:
        self.place = _printable(place, 200)
        self.sentence = _printable(sentence, 700)
        self.status = status
        super().__init__(f"{self.place}: {self.sentence}" if place else self.sentence)


def _printable(given: str, most: int) -> str:
    """What may stand in a header, in JSON and on a page, whatever of it a stranger wrote."""
    if len(given) > most:
        given = given[: most - 1] + "…"
    if given.isprintable():
        return given
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in given)


@dataclass(frozen=True, slots=True)
class Request:
    """What was sent besides its body. Names of headers are in lower case.

    `parts`: what the placeholders of the route stand for, decoded. `now`: when it came, µs.
    """

    method: str
    path: str
    now: int
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    # The one feed that the sender's token is for; "" if it may be for several.
    only_feed: str = ""


@dataclass(frozen=True, slots=True)
class Push:
    """A reading for the feed of that name; `place` is where in the body it stands.

    `fold`: where the reading depends on what came before; see `widgets.change.Arrival`.
    """

    feed: str
    reading: Reading
    place: str = ""
    fold: Fold | None = None


@dataclass(frozen=True, slots=True)
class Reload:
    """Pages to be loaded anew: those of the dashboard of that name (its slug); `*` is all."""

    dashboard: str


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a body. `status` is HTTP's: 200, 400, 401, 403, 404, 413, 415, 422, 503,
    507.

    `taken`: how many numbers, or readings without numbers, are in the database now. `refused`:
    the first of what is not, and `more` how many others. `message` says all of it in a sentence.
    """

    status: int = 200
    taken: int = 0
    refused: Sequence[BadPush] = ()
    more: int = 0
    message: str = ""
    # Of the commit; 0 if there was none.
    version: int = 0

    @property
    def good(self) -> bool:
        return self.status == 200


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. JSON unless its headers say otherwise."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(status: int, body: Any, **headers: str) -> Answer:
    text = dumps(body, ensure_ascii=False).encode()
    return Answer(status, text, {"Content-Type": "application/json", **headers})


def as_text(status: int, body: str, **headers: str) -> Answer:
    return Answer(status, body.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers})


@dataclass(frozen=True, slots=True)
class Route:
    """Addresses of a format: methods, and a path in which `<name>` stands for one segment.

    `open`: answered without a token and without a look at the body or the database, by `greet`.
    """

    methods: frozenset[str]
    path: str
    open: bool = False


def route(methods: str, path: str, *, open: bool = False) -> Route:
    """Such as `route("GET POST", "/ping/<token>")`."""
    return Route(frozenset(methods.split()), path, open)


class Format:
    """One way to hand readings in.

    An instance serves every request and every thread, so it holds nothing of its own. `decode` is
    pure and may run in a thread: it yields what is good, yields a BadPush for each part that is
    not while the rest can be used, and raises one where nothing can be. It raises nothing else,
    whatever a stranger sends, and its memory is bounded by the length of the body.
    """

    slug: ClassVar[str] = ""
    label: ClassVar[str] = ""
    routes: ClassVar[Sequence[Route]] = ()
    # Besides the Authorization header: names in the query, and a placeholder of the route.
    token_query: ClassVar[Sequence[str]] = ("token",)
    credential_part: ClassVar[str] = ""
    # Content-Encodings that `decode` unpacks itself; gzip and deflate are unpacked before it.
    unpacks: ClassVar[frozenset[str]] = frozenset()

    def token_in(self, body: bytes) -> str:
        """The token in the body, where the format has one there; "" if there is none."""
        return ""

    def decode(self, body: bytes, request: Request) -> Iterable[Push | BadPush | Reload]:
        raise NotImplementedError

    def answer(self, request: Request, result: Result) -> Answer:
        """What the sender expects to hear; by default all of it, as JSON."""
        return as_json(result.status, told(result))

    def greet(self, request: Request) -> Answer:
        """The answer on an open route."""
        raise NotImplementedError


def told(result: Result) -> dict[str, Any]:
    """A result as our own JSON."""
    if not result.taken and not result.refused and result.message:
        return {"error": result.message}
    found: dict[str, Any] = {"taken": result.taken}
    if result.refused:
        found["error"] = result.message
        found["refused"] = [{"place": bad.place, "error": bad.sentence} for bad in result.refused]
    if result.more:
        found["more"] = result.more
    return found


formats: Registry[Format] = Registry("format", "widgets.formats", Format)
