"""The load client (`load.c`), compiled when it is first needed, and spoken to by commands."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.child import Child

HERE = Path(__file__).parent
SOURCE = HERE / "load.c"
OUT = HERE / "out"


@dataclass(frozen=True, slots=True)
class Spans:
    """How long something took, ms, over `n` of it."""

    n: int
    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, said: dict[str, int]) -> Spans:
        return cls(said["n"], said["p50"] / 1000, said["p99"] / 1000, said["max"] / 1000)


@dataclass(frozen=True, slots=True)
class Opened:
    """`seconds` until all were open or painted; `painted`: until the first fragment was there."""

    sockets: int
    failed: int
    seconds: float
    opened: Spans
    painted: Spans


@dataclass(frozen=True, slots=True)
class Counted:
    """Deliveries are markers that came to a socket for the first time; `least` and `most` are of
    one socket; `bytes` those of the frames with a marker. `cpu`: what the client itself used, s."""

    readers: int
    closed: int
    frames: int
    marked: int
    deliveries: int
    repeats: int
    bytes: int
    least: int
    most: int
    seconds: float
    cpu: float
    latency: Spans


def compiled() -> Path:
    """The program, made anew when its source has changed."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    program = OUT / f"load-{digest}"
    if program.exists():
        return program
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        raise SystemExit(
            "The load client is C, and there is no compiler for it: apt-get install gcc libc6-dev"
        )
    OUT.mkdir(exist_ok=True)
    # Under another name first: of two that compile at once neither runs half a program.
    fresh = OUT / f"{program.name}.{os.getpid()}"
    subprocess.run([compiler, "-O2", "-Wall", "-o", str(fresh), str(SOURCE)], check=True)
    fresh.rename(program)
    return program


def allow_files(wanted: int) -> None:
    """Let this process and those it starts hold so many files open; SystemExit if it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise SystemExit(
            f"{wanted} open files are needed and {hard} allowed; raise it: ulimit -Hn {wanted}"
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Load(Child):
    """Many sockets to one address of this machine. Answers come in the order of the commands."""

    def __init__(self, port: int, path: str, answering: bool = False) -> None:
        """`answering`: say what they would have painted, as our pages do."""
        more = ["answering"] if answering else []
        super().__init__([str(compiled()), "127.0.0.1", str(port), path, *more])

    def open(self, n: int, at_once: int = 40, painted: bool = True) -> Opened:
        """Open `n` more, so many at a time, and wait: until each has a fragment, or is open."""
        return self._opened(f"open {n} {at_once} {int(painted)}")

    def reopen(self, painted: bool = True) -> Opened:
        """Drop all and open as many, all at once."""
        return self._opened(f"reopen {int(painted)}")

    def stall(self, k: int) -> None:
        """Never read the first `k` again."""
        self._ask(f"stall {k}")

    def start(self) -> None:
        """Count from now on."""
        self._ask("start")

    def wait_for(self, marker: int, within: float = 60) -> None:
        """Wait until all sockets that are read have the marker, after `start`."""
        while True:
            said = self.hear(within)
            if said["all"] >= marker:
                return

    def stop(self) -> Counted:
        """What was counted since `start`."""
        said = self._ask("stop")
        said["latency"] = Spans.of(said["latency"])
        return Counted(**said | {"cpu": said["cpu"] / 1e6})

    def _opened(self, command: str) -> Opened:
        said = self._ask(command)
        spans = {name: Spans.of(said[name]) for name in ("opened", "painted")}
        return Opened(**said | spans)

    def _ask(self, command: str) -> dict[str, Any]:
        self.tell(command)
        while "all" in (said := self.hear(90)):
            pass  # It was said before the question came.
        return said
