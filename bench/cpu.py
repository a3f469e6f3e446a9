"""What processes use, from /proc."""

from __future__ import annotations

from collections.abc import Iterable

import psutil


def cpu_seconds(pids: Iterable[int]) -> float:
    """Seconds of CPU, user and system, of these processes and of all that they started; s.

    To 10 ms each, which is how the kernel counts them.
    """
    return sum(_own(process) for pid in pids for process in _family(pid))


def memory(pid: int) -> int:
    """Resident memory of a process and of all that it started, bytes."""
    return sum(process.memory_info().rss for process in _family(pid))


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    # The last two are those of children that have ended.
    return times.user + times.system + times.children_user + times.children_system
