"""The one I/O loop of each process, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def loop() -> asyncio.AbstractEventLoop:
    """The loop, started when first asked for."""
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="io", daemon=True).start()
        return _loop


def submit(work: Coroutine[Any, Any, Any]) -> Future[Any]:
    """Run the coroutine on the loop, from any thread."""
    return asyncio.run_coroutine_threadsafe(work, loop())
