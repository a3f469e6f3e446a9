"""InfluxDB 1.x, of Debian's package `influxdb`: the peer of what is handed in."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self
from urllib.parse import quote

from e2e.wall import eventually, free_port

# As it comes, but for where it is; every write is synced before it is answered.
SETTINGS = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:{port}"
  log-enabled = false
[monitor]
  store-enabled = false
"""


def available() -> bool:
    return shutil.which("influxd") is not None


class Influx:
    """One with a database `bench`, in a folder of its own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="watchwall-influx-"))
        self.port = free_port()
        settings = self.folder / "influxdb.conf"
        settings.write_text(SETTINGS.format(folder=self.folder, port=self.port, rpc=free_port()))
        with (self.folder / "log.txt").open("wb") as log:
            self._process = subprocess.Popen(
                ["influxd", "run", "-config", str(settings)], stdout=log, stderr=log
            )
        eventually(self._answers, 30, "InfluxDB answers")

    def _answers(self) -> bool:
        try:
            self.query("CREATE DATABASE bench")
        except urllib.error.URLError:
            return False
        return True

    def query(self, text: str) -> str:
        address = f"http://127.0.0.1:{self.port}/query?db=bench&q={quote(text)}"
        with urllib.request.urlopen(urllib.request.Request(address, method="POST")) as answer:
            said: bytes = answer.read()
        return said.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)
        shutil.rmtree(self.folder)
