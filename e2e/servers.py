"""Servers of a test's own: each in its own folder and on its own port, to be used and broken."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg
import redis

from e2e.wall import eventually, free_port


class Redis:
    """A Redis. What it held is gone when it is killed, unless it `keeps` what it has answered."""

    def __init__(self, *, keeps: bool = False) -> None:
        # Written to the disk before it answers.
        kept = ["--appendonly", "yes", "--appendfsync", "always"]
        self.options = kept if keeps else ["--appendonly", "no"]
        self.folder = Path(tempfile.mkdtemp(prefix="watchwall-redis-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> Redis:
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", str(self.port), "--save", "", *self.options],
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, 10, "Redis answers")
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis[bytes]:
        return redis.Redis(port=self.port, socket_timeout=5)

    def end(self, sig: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(sig)
        self.process.wait(10)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)


class Postgres:
    """A PostgreSQL cluster. It refuses to run as root, so root starts it as the user postgres."""

    def __init__(self, options: str = "") -> None:
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="watchwall-postgres-"))
        self.data = self.folder / "data"
        self.port = free_port()
        root = os.geteuid() == 0
        self._as = ["runuser", "-u", "postgres", "--"] if root else []
        if root:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "-D", str(self.data), "-U", "watchwall", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip

    @property
    def url(self) -> str:
        return f"postgres://watchwall@127.0.0.1:{self.port}/postgres"

    def _run(self, program: str, *args: str) -> None:
        found = shutil.which(program)
        at = found or max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), default=None)
        assert at, f"the tests need PostgreSQL's {program}: apt-get install postgresql"
        done = subprocess.run(
            [*self._as, at, *args], cwd=self.folder, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()

    def start(self) -> Postgres:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        options = f"{options} {self.options}"
        self._run("pg_ctl", "start", "-w", "-D", str(self.data), "-o", options,
                  "-l", str(self.folder / "log.txt"))  # fmt: skip
        return self

    def end(self, mode: str = "fast") -> None:
        """`fast` breaks every connection off; `immediate` is as if the power had gone."""
        self._run("pg_ctl", "stop", "-w", "-D", str(self.data), "-m", mode)

    def query(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, dbname=database, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.end("immediate")
        shutil.rmtree(self.folder)
