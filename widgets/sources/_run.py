"""Running a program with an end to its time and to what it prints."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Once it has ended, what it left in its pipes is there at once; a child that it left behind may
# hold them open for ever. Seconds.
PATIENCE = 0.5


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit status (negative: the signal), and the beginning of what it
    printed."""

    status: int
    out: bytes
    err: bytes


class _Watch(asyncio.SubprocessProtocol):
    """Collects what a program prints, so much of it at most, and tells when it has ended."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.printed = {1: bytearray(), 2: bytearray()}
        self.open = {1, 2}
        self.exited = asyncio.Event()
        self.closed = asyncio.Event()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        # The rest is read and forgotten, or it would wait for ever to be rid of it.
        self.printed[fd] += data[: self.most - len(self.printed[fd])]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.open.discard(fd)
        if not self.open & {1, 2}:
            self.closed.set()

    def process_exited(self) -> None:
        self.exited.set()


async def run(command: Sequence[str], environment: Mapping[str, str], most: int) -> Ended:
    """Run the program, never through a shell, to its end; `most` bytes of each stream are kept.

    It gets nothing of this process's environment, no input, and a group of its own. That group is
    killed when this ends in any way: at its end, for what it left behind, or when cancelled. Runs
    on the I/O loop. OSError or ValueError if it cannot be started.
    """
    transport, watch = await asyncio.get_running_loop().subprocess_exec(
        lambda: _Watch(most),
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        env=dict(environment),
        cwd=Path("/"),
        start_new_session=True,
    )
    try:
        await watch.exited.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await watch.closed.wait()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(transport.get_pid(), signal.SIGKILL)
        # Killed, it ends at once; the loop must hear of it while it still runs.
        await watch.exited.wait()
        transport.close()
    status = transport.get_returncode()
    assert status is not None
    return Ended(status, bytes(watch.printed[1]), bytes(watch.printed[2]))
