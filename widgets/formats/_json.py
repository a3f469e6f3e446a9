"""JSON from strangers: any of it, or a BadPush."""

from __future__ import annotations

import json
from typing import Any

from widgets.formats import BadPush

# Objects and lists in one body; each takes some 70 bytes, where two are enough to write it.
MOST_NESTED = 1_000_000


def check_size(body: bytes) -> None:
    """BadPush (413) for a body that would become many times as long."""
    if body.count(b"{") + body.count(b"[") > MOST_NESTED:
        raise BadPush("", f"more than {MOST_NESTED:,} objects and lists; send it in parts", 413)


def parse(body: bytes) -> Any:
    """What the body says. NaN and Infinity pass: whoever reads the numbers names their place."""
    check_size(body)
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise BadPush(place, f"this is no JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise BadPush(f"byte {error.start}", "this is no UTF-8") from None
    except RecursionError:
        raise BadPush("", "the body is nested too deeply; flatten it") from None
    except ValueError:
        # Python refuses to read a whole number of more than 4,300 digits.
        raise BadPush("", "the body has a number with thousands of digits") from None


def expect_object(given: Any, place: str = "") -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    raise BadPush(place, f"an object is expected, not {noun(given)}")


def noun(given: Any) -> str:
    """What a value is, in JSON's words."""
    if given is None:
        return "null"
    if isinstance(given, bool):
        return "true or false"
    for kind, word in (((int, float), "a number"), (str, "text"), (list, "a list")):
        if isinstance(given, kind):
            return word
    return "an object"
