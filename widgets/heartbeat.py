"""Once a minute a sign of life to somebody else, who complains when it does not come.

Only while the wall really works: the database takes a write, a ticker ticks, the writer records.
The address is a secret: whoever knows it can say in our name that all is well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import aiohttp
from django.conf import settings
from django.db import DatabaseError, connection

from widgets import clock, health, io
from widgets.clock import SECOND
from widgets.models import Duty
from widgets.record import Arrival, NotRecorded, submit
from widgets.sources._http import AGENT, why
from widgets.turns import writing

logger = logging.getLogger(__name__)

T = TypeVar("T")

NAME = "heartbeat"
# Less than a minute, since Huey's minute is not to the second.
EVERY = 50 * SECOND
WRITER_WITHIN = 5.0  # s
ANSWER_WITHIN = 10.0  # s
# No feed has it: the writer takes the arrival, looks, and answers that the feed is gone.
NO_FEED = 0


def start() -> None:
    """Begin one, if an address is set; it goes on by itself on the I/O loop and holds no worker."""
    if settings.HEARTBEAT_URL:
        io.submit(beat(clock.now())).add_done_callback(_ended)


def _ended(work: Future[None]) -> None:
    if not work.cancelled() and (error := work.exception()):
        logger.error("A heartbeat broke off", exc_info=error)


async def beat(now: int) -> None:
    """Send one if all is well and no other consumer has; runs on the I/O loop."""
    if trouble := await _trouble():
        logger.warning("No heartbeat is sent: %s", trouble)
        return
    try:
        if not await io.in_thread(lambda: _apart(lambda: claim(now))):
            return
    except DatabaseError as error:
        logger.warning("No heartbeat is sent: the database took no write: %s", error)
        return
    if failure := await _send(settings.HEARTBEAT_URL):
        logger.warning("The heartbeat did not arrive: %s; in a minute comes the next.", failure)
        # Another consumer may have a better way there.
        await io.in_thread(lambda: _apart(lambda: release(now)))


async def _trouble() -> str:
    """What keeps the wall from being well; "" if nothing does."""
    if problems := await health.problems():
        return " ".join(problems)
    try:
        async with asyncio.timeout(WRITER_WITHIN):
            await asyncio.wrap_future(submit(Arrival(NO_FEED, clock.now())))
    except TimeoutError:
        return f"the writer has not answered within {WRITER_WITHIN:g} s."
    except NotRecorded as error:
        return f"the writer cannot record: {error}"
    return ""


def claim(now: int) -> bool:
    """Take this minute's heartbeat, unless somebody has; the write is what proves one possible."""
    with writing():
        Duty.objects.get_or_create(name=NAME)
        # One that is done in the future was done before the clock was set back.
        done = Duty.objects.filter(name=NAME).exclude(done__gt=now - EVERY, done__lte=now + EVERY)
        return bool(done.update(done=now))


def release(now: int) -> None:
    """Leave it to whoever comes next."""
    with writing():
        Duty.objects.filter(name=NAME, done=now).update(done=0)


def _apart(work: Callable[[], T]) -> T:
    """In a thread that keeps no connection."""
    try:
        return work()
    finally:
        connection.close()


async def _send(url: str) -> str:
    """Why it did not arrive; "" if it did."""
    session = await io.session(NAME, _session)
    try:
        async with asyncio.timeout(ANSWER_WITHIN), session.get(url) as response:
            return "" if response.ok else f"the answer was {response.status} {response.reason}"
    except TimeoutError:
        return f"no answer within {ANSWER_WITHIN:g} s"
    except (aiohttp.ClientError, OSError) as error:
        # Some errors are the address itself.
        return why(error).replace(url, "***")


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        headers={"User-Agent": AGENT},
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
    )
