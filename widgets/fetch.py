"""One fetch: options read, secrets put in, run under its timeout, and every failure a sentence."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
import traceback
from collections.abc import Hashable, Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any

from django.db import connections

from widgets.clock import SECOND, format_duration
from widgets.options import BadOptions, Options, read, with_secrets, without_secrets
from widgets.reading import BadReading, Reading, Verdict, clean, clean_json, clean_text
from widgets.sources import Source, SourceError
from widgets.threads import DaemonThreads, TooManyThreads

logger = logging.getLogger(__name__)

MOST_ERROR = 500

# On the I/O loop only: of each feed what its options were read by, as stored, and as read.
_options: dict[Hashable, tuple[type[Options], str, dict[str, Any]]] = {}
MOST_REMEMBERED = 20_000

# For every `fetch` that is a plain def.
_threads = DaemonThreads("fetch", 64)
_busy: set[Hashable] = set()
_busy_lock = threading.Lock()


async def fetch(
    source: Source,
    options: Mapping[str, Any] | None,
    memo: dict[str, Any],
    timeout: int,  # noqa: ASYNC109  # a feed's own, in µs
    feed: Hashable = None,
) -> Reading:
    """What the source says now; runs on the I/O loop (`io.submit(fetch(...))`).

    `options` as stored, with `${env:NAME}` in them. `timeout` in µs. `memo` is changed only by
    a fetch that succeeds. `feed` is whose fetch it is: as long as a thread of an earlier one of
    the same feed hangs, a further one is refused (None: nobody's, always tried).

    Raises SourceError and nothing else; its text holds no value of a secret.
    """
    # A copy: a thread left behind goes on writing into its memo.
    noted = deepcopy(memo)
    try:
        reading = await _reading(source, options, noted, timeout, feed)
    except SourceError as error:
        raise _said(str(error)) from None
    except BadOptions as error:
        raise _said(f"the options are wrong: {error}") from None
    except BadReading as error:
        raise _said(f"the reading cannot be kept: {error}") from None
    except Exception as error:  # noqa: BLE001  # a source is anybody's code
        trace = without_secrets(traceback.format_exc())
        logger.error('The source "%s" failed unexpectedly\n%s', source.slug, trace)
        raise _said(f"the source failed: {type(error).__name__}: {error}") from None
    try:
        noted = clean_json(noted)
    except BadReading as error:
        raise _said(f"what the source wants to remember cannot be kept: {error}") from None
    memo.clear()
    memo.update(noted)
    return reading


async def _reading(
    source: Source,
    options: Mapping[str, Any] | None,
    memo: dict[str, Any],
    timeout: int,  # noqa: ASYNC109  # a feed's own, in µs
    feed: Hashable,
) -> Reading:
    ready = with_secrets(_read(source, options, feed))
    try:
        async with asyncio.timeout(timeout / SECOND) as limit:
            if inspect.iscoroutinefunction(source.fetch):
                reading: object = await source.fetch(ready, memo)
            else:
                reading = await _in_thread(source, ready, memo, feed)
    except TimeoutError as error:
        message = f"no answer within {format_duration(timeout)}"
        if not limit.expired():
            # The source's own, or the system's: not the feed's time limit.
            message = str(error) or "something that it asked did not answer in time"
        reading = source.cut_off(ready, message) if limit.expired() else None
        if inspect.isawaitable(reading):
            reading = await reading
        if reading is None:
            raise SourceError(message) from None
    if not isinstance(reading, Reading):
        raise TypeError(f"fetch gave {type(reading).__name__} where a Reading was expected")
    # In this order: a text that is cut may end in the middle of a secret.
    return clean(_struck(reading))


def _read(source: Source, options: Mapping[str, Any] | None, feed: Hashable) -> dict[str, Any]:
    """The options, read once for as long as they stay the same: reading them took longer than
    asking. Not to be changed; `with_secrets` makes a copy."""
    if feed is None:
        return read(source.Options, options)
    # As text: to Python `true` and 1 are equal, and so are two orders of the same columns.
    stored = json.dumps(options)
    known = _options.get(feed)
    if known and known[:2] == (source.Options, stored):
        return known[2]
    found = read(source.Options, options)
    if len(_options) >= MOST_REMEMBERED:
        _options.clear()
    _options[feed] = source.Options, stored, found
    return found


async def _in_thread(
    source: Source, options: dict[str, Any], memo: dict[str, Any], feed: Hashable
) -> object:
    """Run a plain `fetch`. A thread cannot be killed: one that hangs is left behind, but once."""
    with _busy_lock:
        if feed is not None and feed in _busy:
            raise SourceError("the fetch before still hangs; another waits until it is over")
        _busy.add(feed)

    def work() -> object:
        try:
            return source.fetch(options, memo)
        finally:
            connections.close_all()
            with _busy_lock:
                _busy.discard(feed)

    try:
        waiting = asyncio.get_running_loop().run_in_executor(_threads, work)
    except TooManyThreads as error:
        with _busy_lock:
            _busy.discard(feed)
        raise SourceError(f"{error}; see which feeds do not answer") from None
    return await waiting


def _said(message: str) -> SourceError:
    """The error as it may be shown: no secret, nothing a database cannot hold, not endless."""
    return SourceError(clean_text(str(without_secrets(message)))[:MOST_ERROR])


def _struck(reading: Reading) -> Reading:
    """The reading without the value of any secret: some servers answer with what they were sent."""
    names = list({name for name, _, _ in reading.history})
    struck = dict(zip(names, without_secrets(names), strict=True))
    return replace(
        reading,
        numbers=without_secrets(reading.numbers),
        units=without_secrets(reading.units),
        rows=without_secrets(reading.rows),
        text=without_secrets(reading.text),
        notes=without_secrets(reading.notes),
        history=[(struck[name], ts, value) for name, ts, value in reading.history],
        verdicts={
            without_secrets(name): Verdict(verdict.state, without_secrets(verdict.message))
            for name, verdict in reading.verdicts.items()
        },
    )
