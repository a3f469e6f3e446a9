"""The one way onto the channel layer, from any thread.

Layers lose messages by design: whoever listens compares versions and repairs (see the hub).
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from widgets import outbox, processes
from widgets.clock import SECOND

logger = logging.getLogger(__name__)

CATALOGUE = "catalogue"
# Over this only the version goes, and whoever needs more fetches it.
MOST_BYTES = 64_000
# Pages are loaded anew once in so long (µs) at most, however often somebody asks for it.
RELOAD_EVERY = 10 * SECOND

_server_loop: asyncio.AbstractEventLoop | None = None


def attach(loop: asyncio.AbstractEventLoop | None) -> None:
    """Say which loop serves the sockets of this process; None when it stops.

    The in-memory layer must be entered there: from any other loop its message waits until
    something else wakes the server, up to a second.
    """
    global _server_loop
    _server_loop = loop


def feed_group(feed: int) -> str:
    return f"feed.{feed}"


def feed_message(
    feed: int,
    version: int,
    previous: int,
    state: Mapping[str, Any],
    series: Sequence[Sequence[Any]],
    points: Sequence[tuple[int, int, float]],
    events: bool,
) -> dict[str, Any]:
    """What one commit changed in a feed.

    `state`: the fields of `widgets.snapshot.CARRIED` and `failed`; `series`: the rows that
    changed, in the order of SeriesNow's fields; `points`: (series id, moment, value) of the
    samples really inserted; `events`: whether any began or ended, which is looked up by who shows
    them. A message too large carries `"whole": False` and none of these.
    """
    message = {
        "type": "feed.changed",
        "feed": feed,
        "version": version,
        "previous": previous,
        "whole": True,
        "state": dict(state),
        "series": [list(row) for row in series],
        "points": [list(point) for point in points],
        "events": events,
    }
    # A point takes 20 bytes at least.
    if len(points) * 20 > MOST_BYTES or len(json.dumps(message)) > MOST_BYTES:
        message |= {"whole": False, "state": {}, "series": [], "points": []}
    return message


def publish_feed(message: dict[str, Any]) -> None:
    """Tell whoever watches the feed; never blocks and never raises."""
    _send(feed_group(message["feed"]), message)


def publish_catalogue() -> None:
    """Tell every hub that feeds, widgets, tiles or dashboards were made, changed or removed."""
    _send(CATALOGUE, {"type": "catalogue.changed"})


def publish_reload(dashboard: str, now: int) -> None:
    """Have the pages of a dashboard, by its slug, loaded anew; `*`: all pages."""
    mark = now // RELOAD_EVERY
    _send(CATALOGUE, {"type": "pages.reload", "dashboard": dashboard, "mark": mark})


def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        if _server_loop is None:
            return  # Nobody in this process watches, and nobody else could be reached.
        sending = layer.group_send(group, message)
        asyncio.run_coroutine_threadsafe(sending, _server_loop).add_done_callback(_log_failure)
    else:
        outbox.put(group, message)
    processes.count("publishes")


def _log_failure(future: Any) -> None:
    if not future.cancelled() and (error := future.exception()):
        logger.warning(
            "A change could not be published (%s); hubs will find it by comparing", error
        )
