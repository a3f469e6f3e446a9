"""Programs that sources talk to, started for the tests: each in a folder and on a port of its own.

Each is a context manager that gives what is needed to reach it, and stops it by its pid.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from e2e.wall import eventually, free_port

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@contextmanager
def folder(name: str) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix=f"watchwall-{name}-"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def found(program: str, package: str) -> str:
    """Where the program is; the test fails with what to install if it is nowhere."""
    at = shutil.which(program, path=PATH)
    assert at, f"the tests need {program}: apt-get install {package}"
    return at


@contextmanager
def running(command: Sequence[str], log: Path, answers: Callable[[], bool]) -> Iterator[int]:
    """The program from when it answers until the block ends; its pid."""
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            return answers()

        eventually(ready, 30, f"{command[0]} answers")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def node_exporter() -> Iterator[str]:
    """Its address, without a path."""
    program = found("prometheus-node-exporter", "prometheus-node-exporter")
    url = f"http://127.0.0.1:{free_port()}"
    with folder("node-exporter") as at:
        command = [program, f"--web.listen-address={url.removeprefix('http://')}"]
        with running(command, at / "log.txt", lambda: serves(url)):
            yield url


@contextmanager
def prometheus(scraped: str) -> Iterator[str]:
    """A Prometheus that scrapes an address as the job `node`.

    It begins with an hour of the past: `past_total`, a counter that grows by 1 a second, and
    `past_gauge{host="a"}`, with a point every 10 s.
    """
    url = f"http://127.0.0.1:{free_port()}"
    with folder("prometheus") as at:
        _backfill(at)
        (at / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: node
    static_configs: [{{targets: ["{scraped.removeprefix("http://")}"]}}]
""")
        command = [
            found("prometheus", "prometheus"),
            f"--config.file={at / 'prometheus.yml'}",
            f"--storage.tsdb.path={at / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--log.level=warn",
        ]
        with running(command, at / "log.txt", lambda: serves(f"{url}/-/ready")):
            scraped_once = f"{url}/api/v1/query?query=up%3D%3D1"
            eventually(lambda: b'"value"' in _read(scraped_once), 20, "Prometheus has scraped")
            yield url


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return bytes(answer.read())


def _backfill(at: Path) -> None:
    now = int(time.time())
    lines = ["# TYPE past counter"]
    lines += [f"past_total {3600 - ago} {now - ago}" for ago in range(3600, 0, -10)]
    lines += ["# TYPE past_gauge gauge"]
    lines += [f'past_gauge{{host="a"}} {ago} {now - ago}' for ago in range(3600, 0, -10)]
    (at / "past.txt").write_text("\n".join([*lines, "# EOF", ""]))
    command = [found("promtool", "prometheus"), "tsdb", "create-blocks-from", "openmetrics",
               str(at / "past.txt"), str(at / "data")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False, timeout=60, env=os.environ)
    assert done.returncode == 0, done.stderr.decode()


@contextmanager
def name_server() -> Iterator[int]:
    """The port of a name server on 127.0.0.1 that knows some names under `test` and no others."""
    port = free_port()
    command = [
        found("dnsmasq", "dnsmasq-base"),
        *("--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=", "--group="),
        *(f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces"),
        *("--no-resolv", "--no-hosts", "--local=/test/", "--local-ttl=300"),
        "--host-record=shop.test,192.0.2.7",
        "--host-record=shop.test,192.0.2.8",
        "--cname=www.test,shop.test",
        "--mx-host=test,mail.test,10",
        "--txt-record=test,v=1 all",
        "--ptr-record=7.2.0.192.in-addr.arpa,shop.test",
        *(f"--txt-record=long.test,{i:03}{'x' * 200}" for i in range(30)),
    ]
    with folder("dns") as at, running(command, at / "log.txt", lambda: listens(port)):
        yield port


@contextmanager
def mariadb() -> Iterator[int]:
    """The port of a MariaDB on 127.0.0.1, with the user `root` without a password."""
    install = found("mariadb-install-db", "mariadb-server")
    port, user = free_port(), f"--user={getpass.getuser()}"
    with folder("mariadb") as at:
        data = f"--datadir={at / 'data'}"
        made = subprocess.run(
            [install, "--no-defaults", data, user, "--skip-test-db",
             "--auth-root-authentication-method=normal", "--skip-name-resolve"],
            capture_output=True, check=False, timeout=120,
        )  # fmt: skip
        assert made.returncode == 0, made.stdout.decode() + made.stderr.decode()
        command = [
            found("mariadbd", "mariadb-server"), "--no-defaults", data, user,
            f"--port={port}", "--bind-address=127.0.0.1", f"--socket={at / 'socket'}",
            f"--pid-file={at / 'pid'}", "--skip-name-resolve",
        ]  # fmt: skip
        with running(command, at / "log.txt", lambda: listens(port)):
            yield port
