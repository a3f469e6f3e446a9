"""Servers of a test's own: each in its own folder and on its own port, to be used and broken."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import redis

from e2e.wall import ROOT, eventually, free_port, listens


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


class Mosquitto:
    """An MQTT broker that keeps what it has on disk, after each change. `lines`: more of its
    configuration."""

    def __init__(self, *lines: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="watchwall-mosquitto-"))
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        configuration = [
            f"listener {self.port} 127.0.0.1",
            # As root it would become another user, who may not write here.
            f"user {getpass.getuser()}",
            "persistence true",
            f"persistence_location {self.folder}/",
            "autosave_on_changes true",
            "autosave_interval 1",
            "max_queued_messages 0",
            *(lines or ["allow_anonymous true"]),
        ]
        (self.folder / "mosquitto.conf").write_text("\n".join(configuration))

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> Mosquitto:
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        assert program, "the tests need mosquitto: apt-get install mosquitto"
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "-c", str(self.folder / "mosquitto.conf")],
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        eventually(self._answers, 10, "Mosquitto answers")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log.txt").read_text()
        return listens(self.port)

    def end(self, sig: signal.Signals = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(sig)
        self.process.wait(10)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)


class Kafka:
    """librdkafka's own mock of a cluster, with one broker, in a process of its own.

    It keeps what it has in memory, so it is not killed: `break_off` closes every connection and
    takes none any more, until `mend`.
    """

    def __init__(self, **topics: int) -> None:
        """Topics, and how many partitions each has."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "e2e.kafka_mock", *(f"{k}={v}" for k, v in topics.items())],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        self.server = self._hear()

    def _hear(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline().strip()
        assert said, "the mock of Kafka has ended"
        return said

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")
        self._hear()

    def break_off(self) -> None:
        self._tell("down")

    def mend(self) -> None:
        self._tell("up")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate(timeout=10)


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
