"""One tile as HTML: the kind's options read, its picture taken, its template filled."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from django.template import Context

from widgets.face import TileFrame
from widgets.kinds import Data, Frame, kinds
from widgets.numbers import format_age
from widgets.options import BadOptions, read
from widgets.prepared import prepared
from widgets.registry import UnknownSlug

logger = logging.getLogger(__name__)


def render(
    kind_slug: str, options_raw: Mapping[str, Any], data: Data, frame: Frame, tile: TileFrame
) -> str:
    """The tile's `<article>`. Raises nothing: what cannot be drawn says so on its own tile."""
    if tile.face != "good":
        return _fill("base", {}, data, frame, tile)
    try:
        picture = kinds[kind_slug].picture(read_options(kind_slug, options_raw), data, frame)
        return _fill(kind_slug, picture, data, frame, tile)
    except (UnknownSlug, BadOptions) as error:
        return _fill("base", {}, data, frame, _failed(tile, str(error)))
    # Broad, and only here: a kind may come from a stranger's package, and one that raises would
    # otherwise take every other tile of the wall and every reader's socket down with it.
    except Exception:
        logger.exception("the %s widget %s could not be drawn", kind_slug, tile.id)
        sentence = f"This {kind_slug} widget could not be drawn; the server's log has the reason."
        return _fill("base", {}, data, frame, _failed(tile, sentence))


def read_options(kind_slug: str, raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """The kind's options, complete and checked; not to be changed, for the answer is shared."""
    return _read_options(kind_slug, json.dumps(raw, sort_keys=True, default=str))


# Binding a form takes 100 µs and more, which would be most of a stat's picture.
@lru_cache(maxsize=2_000)
def _read_options(kind_slug: str, raw: str) -> Mapping[str, Any]:
    return MappingProxyType(read(kinds[kind_slug].Options, json.loads(raw)))


def _failed(tile: TileFrame, error: str) -> TileFrame:
    return replace(tile, face="failed", freshness="failed", error=error)


def _fill(name: str, picture: Mapping[str, Any], data: Data, frame: Frame, tile: TileFrame) -> str:
    age = "" if tile.read_at is None else format_age(frame.now - tile.read_at)
    context = {"more": data.hidden, "footer": "", **picture, "tile": tile.written(), "age": age}
    return str(prepared(name).render(Context(context)))
