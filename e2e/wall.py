"""The real thing: `manage.py` in processes and a folder of their own, to be used and broken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(look: Callable[[], T], within: float, what: str = "") -> T:
    """What `look` gives as soon as it is true; AssertionError after `within` seconds."""
    until = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"not within {within} s: {what or look}; last seen: {found!r}")
        time.sleep(0.05)


class Managed:
    """What has a folder and an environment: management commands run on it from outside."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("WATCHWALL_") and name not in {"DATABASE_URL", "REDIS_URL"}
        }
        self.environment = {**kept, "WATCHWALL_DATA": str(data), **environment}

    def manage(self, *args: str, text: str = "") -> str:
        """A management command in another process; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *args],
            cwd=ROOT, env=self.environment, input=text.encode(), capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
        return done.stdout.decode()

    def python(self, code: str) -> str:
        """A few lines with Django set up, in another process: nothing is told to the wall."""
        return self.manage("shell", "--no-imports", "-c", code)

    def apply(self, board: str) -> None:
        """Apply a dashboard written in YAML."""
        path = self.data / "board.yaml"
        path.write_text(board)
        self.manage("dashboard", "apply", str(path))


class Program:
    """A process and its log. It may be stopped, killed, and started again by the same command."""

    ready_within = 30.0  # s

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.command = command
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self._environment = environment

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> Self:
        """Start it and wait until it is at work."""
        self.spawn()
        self.wait_until_ready()
        return self

    def spawn(self) -> None:
        """Start it, and wait for nothing."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )

    def wait_until_ready(self) -> None:
        """AssertionError, with its log, if it ends before, or is not ready in time."""

        def look() -> bool:
            assert self.runs, f"it ended; its log:\n{self.log.read_text()}"
            return self.is_ready()

        eventually(look, self.ready_within, f"it is ready; its log is {self.log}")

    def is_ready(self) -> bool:
        return self.runs

    def send(self, sig: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(sig)

    def end(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(sig)
        return self.process.wait(40)

    def close(self) -> None:
        """End it in whatever state it is."""
        if self.runs:
            self.end(signal.SIGKILL)


class Web(Program):
    """A process that answers browsers, on a port that it keeps. `command` without `manage.py`."""

    def __init__(self, environment: Mapping[str, str], log: Path, *command: str) -> None:
        self.port = free_port()
        manage = [sys.executable, "manage.py", *command, "--port", str(self.port)]
        super().__init__(manage, environment, log)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False


class Wall(Managed, Web):
    """One wall in one process. Its state is in `data`; it may be started again on its port."""

    def __init__(self, data: Path, **environment: str) -> None:
        Managed.__init__(self, data, **environment)
        Web.__init__(self, self.environment, data / "log.txt", "up")

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Straight from the database's file."""
        import sqlite3

        with sqlite3.connect(self.data / "watchwall.sqlite3", timeout=10) as connection:
            return connection.execute(sql).fetchall()
