"""The real thing: `manage.py up` in a process and a folder of its own, to be used and broken."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

ROOT = Path(__file__).resolve().parent.parent
T = TypeVar("T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


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


class Wall:
    """One wall. Its state is in `data`; it may be started again on the same port."""

    program: tuple[str, ...] = (sys.executable, "manage.py")
    command: tuple[str, ...] = ("up",)

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.log = data / "log.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("WATCHWALL_")}
        self.environment = {**kept, "WATCHWALL_DATA": str(data), **environment}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, *self.command, "--port", str(self.port)],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, 30, f"the wall answers; its log:\n{self.log.read_text()}")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/login/", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def end(self, sig: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(sig)
        return self.process.wait(40)

    def send(self, sig: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(sig)

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

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Straight from the database's file."""
        import sqlite3

        with sqlite3.connect(self.data / "watchwall.sqlite3", timeout=10) as connection:
            return connection.execute(sql).fetchall()


class Web(Wall):
    """A web process alone, on either server. Whoever makes it brings the database up to date."""

    def __init__(self, data: Path, server: str, **environment: str) -> None:
        super().__init__(data, **environment)
        self.command = ("serve", "--server", server)
        self.log = data / f"{server}-{self.port}.txt"
