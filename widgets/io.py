"""The one I/O loop of each process, in a thread of its own. It owns the HTTP sessions."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Hashable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from aiohttp import ClientSession

from widgets import egress
from widgets.clock import SECOND
from widgets.threads import DaemonThreads

T = TypeVar("T")

# asyncio looks names up in its default pool, which has six threads on two cores: seven names
# whose server is dead would hold up every other fetch.
_lookups = DaemonThreads("name look-up", 256)
_workers = DaemonThreads("I/O work", 64)


class IOLoop(asyncio.SelectorEventLoop):
    """An event loop with what lives and dies with it."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[Hashable, ClientSession] = {}
        # More at a time would only take the processor from each other.
        self.working = asyncio.Semaphore(8)

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> Any:
        look_up = partial(socket.getaddrinfo, host, port, **hints)
        return await self.run_in_executor(_lookups, look_up)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        # Whatever asyncio, aiohttp or another library connects, it does so through here, with
        # the address in place of the name.
        egress.check_socket(sock, address)
        await super().sock_connect(sock, address)


_lock = threading.Lock()
_running: tuple[IOLoop, threading.Thread] | None = None


def submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run the coroutine on the loop, from any thread; the loop is started when first needed."""
    # Under the lock: between looking and handing over, `stop` could close the loop.
    with _lock:
        return asyncio.run_coroutine_threadsafe(work, _started())


def _started() -> IOLoop:
    global _running
    if _running is None:
        fresh = IOLoop()
        thread = threading.Thread(target=fresh.run_forever, name="io", daemon=True)
        thread.start()
        _running = fresh, thread
    return _running[0]


async def session(key: Hashable, make: Callable[[], ClientSession]) -> ClientSession:
    """The shared session of that key, made when first asked for; runs on the loop only.

    `make` is called in the loop's thread and closes nothing: `stop` does.
    """
    owner = _owner()
    if key not in owner.sessions:
        owner.sessions[key] = make()
    return owner.sessions[key]


def _owner() -> IOLoop:
    owner = asyncio.get_running_loop()
    if not isinstance(owner, IOLoop):
        raise RuntimeError("this runs on the I/O loop only: io.submit() what needs it")
    return owner


async def in_thread(work: Callable[[], T]) -> T:
    """The result of work that would hold the loop up: reading a file, searching a document."""
    owner = _owner()
    async with owner.working:
        return await owner.run_in_executor(_workers, work)


def stop(within: int = 5 * SECOND) -> None:
    """End the loop: cancel what is in flight, wait for it at most `within` µs, close the sessions.

    Whatever is submitted later starts a new one.
    """
    global _running
    with _lock:
        running, _running = _running, None
    if running is None:
        return
    ending, thread = running
    asyncio.run_coroutine_threadsafe(_wind_up(ending, within / SECOND), ending).result()
    ending.call_soon_threadsafe(ending.stop)
    thread.join()
    ending.close()


async def _wind_up(ending: IOLoop, seconds: float) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    for session in ending.sessions.values():
        await session.close()
    ending.sessions.clear()
