"""Whether the wall can do its work, in sentences that name no host, no version and no path."""

from __future__ import annotations

import asyncio
import logging
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from redis import Redis, RedisError

from widgets import clock, lifecycle, processes
from widgets.clock import MINUTE, SECOND
from widgets.threads import DaemonThreads, Shared

logger = logging.getLogger(__name__)

WITHIN = 1.0  # s
# Rows are written every 5 s and a ticker looks every second; the rest is for a busy machine.
TICK_WITHIN = 2 * processes.BEAT

STOPPING = "This process is stopping."
NO_DATABASE = "The database cannot be used; the log says why."
NO_REDIS = "Redis cannot be used; the log says why."
NO_TICK = f"No ticker has looked for what is due in the last {TICK_WITHIN // SECOND} s."

_threads = DaemonThreads("health", 8)


_logged: dict[str, int] = {}


def _noted(said: str, error: Exception) -> str:
    """Log why, once a minute: whoever probes more often than that must not fill the log."""
    now = clock.now()
    if now - _logged.get(said, 0) > MINUTE:
        _logged[said] = now
        logger.warning("%s: %s", said.partition(";")[0], error)
    return said


def ask_database() -> str:
    """Look whether the database answers and some ticker of the wall ticks; "" if all is well."""
    now = clock.now()
    try:
        told = [row.counters.get("tick") for row in processes.alive(now)]
    except DatabaseError as error:
        return _noted(NO_DATABASE, error)
    finally:
        connection.close()
    # This process's own is newer than its row.
    ticks = [tick for tick in (*told, processes.gauged("tick")) if tick is not None]
    return "" if any(tick > now - TICK_WITHIN for tick in ticks) else NO_TICK


@cache
def _redis() -> Redis[bytes]:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=WITHIN, socket_connect_timeout=WITHIN)


def ask_redis() -> str:
    """Look whether Redis answers, if this wall uses one; "" if so."""
    if not settings.REDIS_URL:
        return ""
    try:
        _redis().ping()
    except RedisError as error:
        return _noted(NO_REDIS, error)
    return ""


# Looked up when asked, so that a test may put another in its place.
_database = Shared(lambda: ask_database(), _threads)
_queue = Shared(lambda: ask_redis(), _threads)


async def problems() -> list[str]:
    """What keeps this process from its work; on any loop, and within `WITHIN` whatever hangs."""
    if lifecycle.stopping.is_set():
        return [STOPPING]
    asked = (_answer("The database", _database), _answer("Redis", _queue))
    return [said for said in await asyncio.gather(*asked) if said]


async def _answer(name: str, question: Shared[str]) -> str:
    try:
        return await question.result(WITHIN)
    except TimeoutError:
        return f"{name} has not answered within {WITHIN:g} s."
    except OSError as error:
        return f"{name} was not asked: {error}."
