"""Line protocol: `measurement[,tag=v…] field=v[,…] [timestamp]`, a line each.

Written after https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO

from widgets.clock import HOUR, MINUTE, SECOND
from widgets.formats import BadPush
from widgets.formats._points import MOST_TAGS, Points, series_name
from widgets.reading import MAX_NAME, MAX_SERIES

# A timestamp in µs is it times the first, divided by the second.
PRECISIONS = {
    "ns": (1, 1000),
    "n": (1, 1000),
    "us": (1, 1),
    "u": (1, 1),
    "µ": (1, 1),
    "ms": (1000, 1),
    "s": (SECOND, 1),
    "m": (MINUTE, 1),
    "h": (HOUR, 1),
}
# More fields than a feed may have series.
MOST_FIELDS = MAX_SERIES
# Of a body in which more lines are wrong the rest is not read.
MOST_WRONG = 1_000

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_TRUTH = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0
)
# A separator counts where no backslash stands before it.
_SPACE, _COMMA, _EQUALS = (re.compile(rf"(?<!\\){sign}") for sign in " ,=")
_FIELD = re.compile(r'((?:[^,= \\]|\\.)+)=("(?:[^"\\]|\\.)*"|[^, "]*)')
_ESCAPED = re.compile(r"\\([,= ])")

Field = tuple[str, float]


def read(text: str, points: Points, precision: tuple[int, int]) -> Iterator[BadPush]:
    """Take every line into the points; what is wrong with a line, and nothing of that line."""
    known: dict[str, tuple[str, str]] = {}
    wrong = 0
    for number, line in enumerate(StringIO(text), 1):
        line = line.strip(" \r\n")
        if not line or line[0] == "#":
            continue
        place = f"line {number}"
        try:
            head, fields, stamp = _split(line)
            if head not in known:
                # Of a sender the same come again with every batch; a long one is nobody's.
                known[head] = (_named if len(head) > MAX_NAME else _named_before)(head)
            feed, tags = known[head]
            at = _moment(stamp, precision) if stamp else None
            points.add_all(feed, at, [(key + tags, value) for key, value in fields], place)
        except Wrong as error:
            bad = BadPush(place, str(error))
        except BadPush as error:
            if error.status == 413:
                raise
            bad = error
        else:
            continue
        yield bad
        wrong += 1
        if wrong >= MOST_WRONG:
            yield BadPush(place, f"{MOST_WRONG:,} lines are wrong; what follows was not read")
            return


class Wrong(ValueError):
    """What is wrong with a line; whoever knows its number says so."""


def _split(line: str) -> tuple[str, list[Field], str]:
    """The measurement with its tags, the fields that are numbers, and the timestamp."""
    if "\\" in line or '"' in line:
        return _split_slowly(line)
    head, _, rest = line.partition(" ")
    fields, _, stamp = rest.lstrip(" ").partition(" ")
    if not fields:
        raise Wrong("a measurement and at least one field are expected, such as cpu usage=7")
    found = []
    parts = fields.split(",", MOST_FIELDS)
    if len(parts) > MOST_FIELDS:
        raise Wrong(f"it has more than {MOST_FIELDS:,} fields")
    for field in parts:
        key, sign, value = field.partition("=")
        if not sign or not key:
            raise Wrong(f"the field {field[:40]!r} is not written name=value")
        found.append((key, _value(key, value)))
    return head, found, stamp.strip(" ")


def _split_slowly(line: str) -> tuple[str, list[Field], str]:
    """As above, where there are quotes and backslashes."""
    space = _SPACE.search(line)
    if space is None:
        raise Wrong("a measurement and at least one field are expected, such as cpu usage=7")
    found: list[Field] = []
    at = space.end()
    while at < len(line) and line[at] == " ":
        at += 1
    while True:
        field = _FIELD.match(line, at)
        if field is None:
            raise Wrong(f"a field is expected at {line[at : at + 40]!r}, written name=value")
        if len(found) >= MOST_FIELDS:
            raise Wrong(f"it has more than {MOST_FIELDS:,} fields")
        key, value = _plain(field[1]), field[2]
        at = field.end()
        if not value and line[at : at + 1] == '"':
            raise Wrong(f"the text of the field {key[:40]!r} has no closing quote")
        if not value.startswith('"'):
            found.append((key, _value(key, value)))
        if at == len(line):
            return line[: space.start()], found, ""
        if line[at] == " ":
            return line[: space.start()], found, line[at:].strip(" ")
        if line[at] != ",":
            raise Wrong(f"a comma or a space is expected at {line[at : at + 40]!r}")
        at += 1


def _plain(given: str) -> str:
    return _ESCAPED.sub(r"\1", given) if "\\" in given else given


def _value(key: str, given: str) -> float:
    if _NUMBER.fullmatch(given):
        return float(given)
    if given in _TRUTH:
        return _TRUTH[given]
    if given[-1:] in {"i", "u"} and _WHOLE.fullmatch(given[:-1]):
        return float(given[:-1])
    raise Wrong(
        f"the field {key[:40]!r} is {given[:40]!r}: no number, text in quotes, true or false"
    )


def _named(head: str) -> tuple[str, str]:
    """The feed of a measurement, and what its tags add to the names of its series."""
    parts = _COMMA.split(head, MOST_TAGS + 1) if "\\" in head else head.split(",", MOST_TAGS + 1)
    if len(parts) > MOST_TAGS + 1:
        raise Wrong(f"it has more than {MOST_TAGS} tags")
    feed = _plain(parts[0])
    if not feed:
        raise Wrong("the name of the measurement is empty")
    tags = {}
    for part in parts[1:]:
        pair = _EQUALS.split(part, 1)
        if len(pair) != 2 or not pair[0] or not pair[1]:
            raise Wrong(f"the tag {part[:40]!r} is not written name=value")
        tags[_plain(pair[0])] = _plain(pair[1])
    return feed, series_name("", tags)


_named_before = lru_cache(10_000)(_named)


def _moment(stamp: str, precision: tuple[int, int]) -> int:
    if not _WHOLE.fullmatch(stamp):
        raise Wrong(f"the timestamp {stamp[:40]!r} is no whole number")
    times, divided = precision
    return int(stamp) * times // divided
