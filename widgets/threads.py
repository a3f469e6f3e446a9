"""Threads for work that may hang: none of them keeps the process from ending."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TooManyThreads(OSError):
    """Every thread is taken by work that has not come back."""


class DaemonThreads(Executor):
    """One daemon thread for each piece of work, at most `most` at a time.

    A ThreadPoolExecutor waits for its threads when the interpreter ends: one name server that
    never answers, one dead network disk, and Ctrl-C ends nothing. It also queues what it has no
    thread for, where that work times out without having begun; here it is refused at once.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._free = threading.Semaphore(most)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        if not self._free.acquire(blocking=False):
            raise TooManyThreads(f"all {self._most} {self._name} threads hang")
        future: Future[T] = Future()
        # Work that has begun cannot be cancelled; the future must not pretend that it was.
        future.set_running_or_notify_cancel()
        work = (future, fn, args, kwargs)
        threading.Thread(target=self._work, args=work, name=self._name, daemon=True).start()
        return future

    def _work(
        self, future: Future[T], fn: Callable[..., T], args: Any, kwargs: dict[str, Any]
    ) -> None:
        try:
            result = fn(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  # handed to who waits, whatever it is
            self._free.release()
            future.set_exception(error)
        else:
            self._free.release()
            future.set_result(result)


class Shared(Generic[T]):
    """Work that may hang, done once for all who ask while it is under way.

    So a probe that comes every second while the database hangs costs one thread, not one each.
    """

    def __init__(self, work: Callable[[], T], threads: DaemonThreads) -> None:
        self._work = work
        self._threads = threads
        self._lock = threading.Lock()
        self._under_way: Future[T] | None = None

    async def result(self, within: float) -> T:
        """What it gives; TimeoutError if that takes longer than so many seconds."""
        with self._lock:
            if self._under_way is None or self._under_way.done():
                self._under_way = self._threads.submit(self._work)
            future = self._under_way
        async with asyncio.timeout(within):
            # Shielded: who stops waiting must not take the answer from the others.
            return await asyncio.shield(asyncio.wrap_future(future))
