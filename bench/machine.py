"""The machine and the versions that figures come from. `python -m bench.machine` prints them."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = (
    *("django", "channels", "channels-redis", "daphne", "uvicorn", "websockets", "huey"),
    *("redis", "psycopg", "aiohttp"),
)


def described() -> str:
    """Two sentences: the hardware with its kernel, and every version that matters."""
    memory = psutil.virtual_memory().total / 2**30
    hardware = (
        f"{processor()}, {psutil.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release()}; servers, clients and databases share it."
    )
    versions = [
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        *(f"{name} {said}" for name, said in programs().items()),
        *(f"{name} {version(name)}" for name in PACKAGES),
    ]
    return f"{hardware} {', '.join(versions)}."


def programs() -> dict[str, str]:
    """The versions of Redis, PostgreSQL and Chromium, of those that are here."""
    found = {}
    postgres = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=None)
    for name, program, word in (
        ("Redis", shutil.which("redis-server"), 2),
        ("PostgreSQL", shutil.which("postgres") or postgres, 2),
        ("Chromium", shutil.which("chromium"), 1),
    ):
        if program:
            said = subprocess.run([program, "--version"], capture_output=True, check=True).stdout
            found[name] = said.decode().split()[word].removeprefix("v=")
    return found


def processor() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ]
    return names[0] if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    print(described())
