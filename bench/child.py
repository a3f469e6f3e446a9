"""A process that is told lines on stdin and says lines of JSON on stdout."""

from __future__ import annotations

import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


class Child:
    """Started at once; `close` kills it. What it complains of goes to our own stderr."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = Path(command[0]).name if len(command) < 3 else command[2]
        self._said = b""
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    def tell(self, line: str) -> None:
        assert self._process.stdin is not None
        data = line.encode() + b"\n"
        while data:  # Unbuffered: it may take less than it was given.
            data = data[self._process.stdin.write(data) or 0 :]

    def hear(self, within: float) -> dict[str, Any]:
        """The next line; TimeoutError if none comes, RuntimeError if it has ended."""
        assert self._process.stdout is not None
        while b"\n" not in self._said:
            if not select.select([self._process.stdout], [], [], within)[0]:
                raise TimeoutError(f"{self.name} said nothing for {within:.0f} s")
            if not (more := os.read(self._process.stdout.fileno(), 65536)):
                raise RuntimeError(f"{self.name} ended with {self._process.wait()}")
            self._said += more
        line, _, self._said = self._said.partition(b"\n")
        said: dict[str, Any] = json.loads(line)
        return said

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
