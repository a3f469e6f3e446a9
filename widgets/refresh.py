"""One refresh: from a claim to what is recorded under it. Runs on the I/O loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import Future, wait
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection

from widgets import clock, io, processes, record, schedule
from widgets.fetch import fetch
from widgets.fields import KeptJSONField
from widgets.record import Arrival, NotRecorded, submit
from widgets.schedule import Claim
from widgets.sources import SourceError, sources

logger = logging.getLogger(__name__)

# So many may wait for a worker, for the I/O loop and for the writer. What is claimed beyond that
# would only wait while its lease runs out, be claimed again, and never get done.
MOST_WAITING = 100

_lock = threading.Lock()
_under_way: set[Future[Any]] = set()
# Handed to the I/O loop, which has not come to them.
_unbegun: set[Claim] = set()


def room() -> int:
    """How many more refreshes this process can take on. One that waits for its target takes none:
    a hundred that hang must not keep the others from being claimed."""
    waiting: int = settings.HUEY.pending_count() + len(_unbegun) + record.waiting()
    return max(0, MOST_WAITING - waiting)


def start(claim: Claim) -> bool:
    """Begin the refresh if the claim still holds; it goes on by itself on the I/O loop.

    So a hundred targets that hang hold no worker, and the hundred-and-first is on time.
    """
    found = _held(claim, clock.now())
    if found is None:
        return False
    with _lock:
        _unbegun.add(claim)
    work = io.submit(_refresh(claim, *found))
    with _lock:
        _under_way.add(work)
    work.add_done_callback(partial(_ended, claim))
    return True


# By hand, and no models: this runs for every refresh, and a sixth of a busy wall's time went into
# making the query.
_HELD = """
SELECT f.source, f.options, s.memo, f."timeout"
FROM widgets_feedstate AS s JOIN widgets_feed AS f ON f.id = s.feed_id
WHERE s.feed_id = %s AND s.claim = %s AND s.lease_until > %s
"""
_JSON = KeptJSONField()


def _held(claim: Claim, now: int) -> tuple[str, dict[str, Any], dict[str, Any], int] | None:
    """What is to be asked, with which options and memo and for how long (µs); None: the claim has
    ended, or passed to somebody else."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, (claim.feed, claim.number, now))
        row = cursor.fetchone()
    if row is None:
        return None
    source, options, memo, limit = row
    options, memo = (_JSON.from_db_value(one, None, connection) for one in (options, memo))
    return source, options, memo, limit


async def _refresh(
    claim: Claim, slug: str, options: dict[str, Any], memo: dict[str, Any], limit: int
) -> None:
    with _lock:
        _unbegun.discard(claim)
    started = clock.now()
    reading, error = None, ""
    try:
        reading = await fetch(sources[slug], options, memo, limit, claim.feed)
    except (SourceError, LookupError) as failure:
        error = str(failure)
    arrived = clock.now()
    # Slots that passed while nobody was there to see them are no lateness of ours.
    lateness = max(0, started - max(claim.due, processes.started))
    processes.observe("lateness", lateness, label=slug)
    processes.observe("duration", arrived - started, label=slug)
    arrival = Arrival(
        feed=claim.feed,
        arrived=arrived,
        reading=reading,
        error=error,
        claim=claim.number,
        duration=arrived - started,
        lateness=lateness,
        memo=memo,
    )
    try:
        outcome = await asyncio.wrap_future(submit(arrival))
    except NotRecorded as failure:
        # The lease ends and it is asked for again; the wall shows its age until then.
        logger.warning("Feed %s: %s", claim.feed, failure)
        return
    if outcome.status == "fenced":
        logger.warning("Feed %s: a late refresh was dropped, %s", claim.feed, outcome.message)
    if outcome.due is not None:
        # It may have become due again while it was under way.
        schedule.poke(outcome.due)


def _ended(claim: Claim, work: Future[Any]) -> None:
    with _lock:
        _unbegun.discard(claim)  # It may have been cancelled before it began.
        _under_way.discard(work)
    if not work.cancelled() and (error := work.exception()):
        logger.error("A refresh broke off", exc_info=error)


def finish(timeout: float) -> int:
    """Wait until what is under way has been recorded, `timeout` seconds at most; what is left."""
    with _lock:
        work = list(_under_way)
    return len(wait(work, timeout).not_done)
