"""A thread of the hub that asks the database, so that its loop never waits for one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

from django.db import connection

from widgets.borrow import borrowed

P = ParamSpec("P")
R = TypeVar("R")


class Query(Protocol):
    """Runs something that asks the database, in a thread of the hub."""

    async def __call__(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...


class DatabaseThread:
    """One thread and one connection: none of its queries may outrun another."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def query(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run something there, and wait for what it gives."""

        def run() -> R:
            with borrowed():
                return work(*args, **kwargs)

        return await self._loop.run_in_executor(self._thread, run)

    async def stop(self) -> None:
        # Looked up in that thread: each has a connection of its own.
        await self.query(lambda: connection.close())
        self._thread.shutdown()
