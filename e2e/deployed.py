"""What deploy/ ships, run here: its own files, with nothing but places and ports replaced."""

from __future__ import annotations

import getpass
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.wall import ROOT, Program, free_port

DEPLOY = ROOT / "deploy"


def shipped(name: str, replaced: Mapping[str, str]) -> str:
    """The text of a file of deploy/; AssertionError if something to be replaced is not in it."""
    text = (DEPLOY / name).read_text()
    for old, new in replaced.items():
        assert old in text, f"{name} has no {old!r}"
        text = text.replace(old, new)
    return text


def found(program: str) -> str:
    """Where a program of the system is; Debian keeps servers where only root looks."""
    at = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")
    assert at, f"the tests need {program}: e2e/install.sh"
    return at


def free_ports() -> tuple[int, int]:
    """Two free ports, one after the other, below those that connections going out take."""
    while True:
        first = random.randrange(20_000, 32_000, 2)
        if _is_free(first) and _is_free(first + 1):
            return first, first + 1


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def probe(port: int, wait: float = 0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, DEPLOY / "probe.py", str(port), "--wait", str(wait)],
        capture_output=True, text=True, check=False, timeout=wait + 30,
    )  # fmt: skip


class Parent(Program):
    """A program with children, which it ends when it is asked to end."""

    def close(self) -> None:
        if self.runs:
            self.end()


class Nginx(Parent):
    """nginx with the shipped files in front of two ports; over TLS where there is a certificate."""

    def __init__(self, folder: Path, ports: Sequence[int], certificate: Path | None = None) -> None:
        self.port = free_port()
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self._write(folder, ports, certificate)
        # Its workers could otherwise not enter the folder of a test.
        user = "user root;" if os.geteuid() == 0 else ""
        command = [
            found("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx-error.txt"),
            "-g", f"daemon off; pid {folder}/nginx.pid; {user}",
        ]  # fmt: skip
        super().__init__(command, os.environ, folder / "nginx.txt")

    def _write(self, folder: Path, ports: Sequence[int], certificate: Path | None) -> None:
        listens = {"listen 80;": f"listen 127.0.0.1:{self.port};"}
        if certificate:
            listens = {
                "listen 80;\n": "\n",
                "# listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
                "# ssl_certificate     /etc/nginx/wall.pem": f"ssl_certificate {certificate}",
                "# ssl_certificate_key /etc/nginx/wall.key": f"ssl_certificate_key {certificate}",
            }
        logs = {"/var/log/nginx/": f"{folder}/nginx-"}
        (folder / "nginx.conf").write_text(shipped("nginx/nginx.conf", listens | logs))
        first, second = ports
        places = {":8001": f":{first}", ":8002": f":{second}"}
        processes = shipped("nginx/processes.conf", places)
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        temporary = "".join(f"{kind}_temp_path {folder}/nginx-{kind};\n" for kind in kinds)
        (folder / "processes.conf").write_text(processes + temporary)

    def check(self) -> subprocess.CompletedProcess[str]:
        """`nginx -t`."""
        return subprocess.run(
            [*self.command, "-t"], capture_output=True, text=True, check=False, timeout=30
        )

    def is_ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


MAIN = """
[unix_http_server]
file={folder}/supervisor.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
nodaemon=true
logfile={folder}/supervisord.txt
pidfile={folder}/supervisord.pid
[supervisorctl]
serverurl=unix://{folder}/supervisor.sock
[include]
files=watchwall.conf
"""


class Supervisor(Parent):
    """supervisord with the shipped programs. `settings` go into the file that these read."""

    ready_within = 90.0  # s; four processes start at once

    def __init__(
        self, folder: Path, settings: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self.ports = free_ports()
        self._main = folder / "supervisord.conf"
        self._main.write_text(MAIN.format(folder=folder))
        (folder / "env").write_text("".join(f"{k}='{v}'\n" for k, v in settings.items()))
        places = {
            "/etc/watchwall/env": f"{folder}/env",
            "/opt/watchwall": str(ROOT),
            ".venv/bin/python": sys.executable,
            "user=watchwall": f"user={getpass.getuser()}",
            "numprocs_start=8001": f"numprocs_start={self.ports[0]}",
            "/var/log/watchwall": str(folder),
        }
        (folder / "watchwall.conf").write_text(shipped("supervisor.conf", places))
        command = [found("supervisord"), "-n", "-c", str(self._main)]
        super().__init__(command, environment, folder / "supervisor.txt")

    def is_ready(self) -> bool:
        return all(probe(port).returncode == 0 for port in self.ports)

    def ctl(self, *args: str) -> str:
        """What `supervisorctl` says, once it has done so."""
        done = subprocess.run(
            [found("supervisorctl"), "-c", self._main, *args],
            capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def pid_of(self, program: str) -> int:
        return int(self.ctl("pid", program))
