from __future__ import annotations

import json
import os
from collections import namedtuple
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from widgets.options import read
from widgets.reading import Reading, clean
from widgets.sources import host, sources

Nic = namedtuple("Nic", "bytes_recv bytes_sent")
Disk = namedtuple("Disk", "read_bytes write_bytes")
Part = namedtuple("Part", "device mountpoint fstype")
Usage = namedtuple("Usage", "total used free percent")
NOTHING = dict.fromkeys((*host.PARTS, "uptime", "processes"), False)


def take(memo: dict[str, Any], **options: Any) -> Reading:
    reading = sources["host"].fetch(read(host.HostOptions, options), memo)
    assert isinstance(reading, Reading)
    return clean(reading)


def only(memo: dict[str, Any], *parts: str) -> Reading:
    return take(memo, **NOTHING | dict.fromkeys(parts, True))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine that started at 100 and whose clock the test moves by hand, in seconds."""
    machine = SimpleNamespace(now=1_000.0, boot=100.0)
    monkeypatch.setattr("widgets.sources.host.time.time", lambda: machine.now)
    monkeypatch.setattr(psutil, "boot_time", lambda: machine.boot)
    return machine


def test_this_machines_own_numbers_come_with_units_and_the_second_time_with_rates() -> None:
    memo: dict[str, Any] = {}
    first = take(memo)
    memo = json.loads(json.dumps(memo))
    memo["moment"] -= 10
    second = take(memo)

    assert "cpu" not in first.numbers
    assert {"load.1", "load.5", "load.15", "memory.percent", "memory.used", "memory.total",
            "uptime", "processes"} <= set(first.numbers)  # fmt: skip
    assert first.units["memory.used"] == "B"
    assert set(second.numbers) == set(second.units)
    assert first.rows is not None
    assert all(row["cpu"] is None for row in first.rows)
    assert len(second.rows or ()) <= 10
    assert all(row["cpu"] >= 0 for row in second.rows or ())


def test_what_is_not_asked_for_is_not_read() -> None:
    assert only({}).numbers == {}
    assert set(only({}, "load").numbers) == {"load.1", "load.5", "load.15"}
    assert take({}, top=0).rows == []


def test_processor_use_is_what_happened_since_last_time(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    Times = namedtuple("Times", "user system idle iowait guest guest_nice")
    cores = [Times(10, 0, 90, 0, 5, 0), Times(0, 0, 100, 0, 0, 0)]
    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: cores)
    memo: dict[str, Any] = {}
    only(memo, "cpu")

    # One worked 30 s of 40, the 20 of its guest among them; the other waited for a disk.
    cores[:] = [Times(40, 0, 100, 0, 25, 0), Times(0, 0, 120, 20, 0, 0)]
    numbers = only(memo, "cpu").numbers

    assert numbers == {"core.0": 75.0, "core.1": 0.0, "cpu": 37.5}
    cores[0] = Times(0, 0, 0, 0, 0, 0)
    assert only(memo, "cpu").numbers == {}


def test_rates_are_bytes_a_second_over_the_real_interfaces(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    nics = {"eth0": Nic(1_000, 500), "lo": Nic(1, 1), "docker0": Nic(1, 1)}
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: nics)
    memo: dict[str, Any] = {}
    assert only(memo, "network").numbers == {}

    clock.now += 4
    nics |= {"eth0": Nic(1_400, 700), "lo": Nic(9_999, 9_999), "wlan0": Nic(7, 7)}
    reading = only(memo, "network")

    # What wlan0 counted before it was first seen is nobody's rate.
    assert reading.numbers == {"net.rx": 100.0, "net.tx": 50.0}
    assert reading.units == {"net.rx": "B/s", "net.tx": "B/s"}


def test_a_counter_that_went_back_has_no_rate_this_once(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    disk = [Disk(1_000, 1_000)]
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: disk[0])
    memo: dict[str, Any] = {}
    only(memo, "io")

    clock.now, disk[0] = clock.now + 1, Disk(10, 1_100)
    assert only(memo, "io").numbers == {"io.write": 100.0}
    clock.now, disk[0] = clock.now + 1, Disk(30, 1_100)
    assert only(memo, "io").numbers == {"io.read": 20.0, "io.write": 0.0}


def test_after_a_restart_of_the_machine_rates_begin_anew(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: Disk(5_000, 5_000))
    memo: dict[str, Any] = {}
    only(memo, "io")

    clock.now, clock.boot = clock.now + 60, clock.boot + 950

    assert only(memo, "io").numbers == {}


def test_a_clock_that_was_put_back_gives_no_rate(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: Disk(5_000, 5_000))
    memo: dict[str, Any] = {}
    only(memo, "io")

    clock.now -= 60

    assert only(memo, "io").numbers == {}


def test_file_systems_that_can_fill_up_are_shown_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = [
        Part("proc", "/proc", "proc"),
        Part("/dev/sda", "/etc/hosts", "ext4"),
        Part("/dev/sda", "/data", "ext4"),
        Part("overlay", "/", "overlay"),
        Part("far:/x", "/far", "nfs4"),
        Part("/dev/sdb", "/locked", "ext4"),
    ]

    def usage(mount: str) -> Usage:
        assert mount != "/far"
        if mount == "/locked":
            raise PermissionError(13, "Permission denied")
        return Usage(100, 40, 60, 40.0)

    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    monkeypatch.setattr(psutil, "disk_usage", usage)

    reading = only({}, "disks")

    assert {name for name in reading.numbers if name.endswith("percent")} == {
        "disk./.percent",
        "disk./data.percent",
    }
    assert reading.notes == [
        "/far is left out, being a network file system",
        "/locked cannot be read: Permission denied",
    ]


def test_what_a_machine_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    swap = SimpleNamespace(total=0, used=0, percent=0)
    monkeypatch.setattr(psutil, "swap_memory", lambda: swap)
    monkeypatch.delattr(psutil, "sensors_temperatures", raising=False)
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_: None)
    monkeypatch.setattr(psutil, "net_io_counters", lambda **_: {"lo": Nic(1, 1)})
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: [])

    assert only({}, *host.PARTS).notes == [
        "this machine has no swap",
        "no file system is mounted that could fill up",
        "this machine does not count what its disks read and write",
        "this machine has no network interface but its own loopback",
        "no temperature sensors on this machine",
    ]


def test_sensors_of_one_name_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = SimpleNamespace
    found = {"cpu": [sensor(label="Core", current=40.0), sensor(label="Core", current=50.0)]}
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: found, raising=False)

    reading = only({}, "temperatures")

    assert reading.numbers == {"temperature.cpu.Core": 40.0, "temperature.cpu.Core.1": 50.0}
    assert set(reading.units.values()) == {"°C"}


def test_the_busiest_process_is_the_first_row(
    monkeypatch: pytest.MonkeyPatch, clock: SimpleNamespace
) -> None:
    class Process:
        def __init__(self, pid: int, used: float) -> None:
            self.pid, self.used = pid, used

        def cpu_times(self) -> Any:
            if self.pid == 3:
                raise psutil.NoSuchProcess(3)
            return SimpleNamespace(user=self.used, system=0.0)

        def memory_info(self) -> Any:
            return SimpleNamespace(rss=self.pid * 1_000)

        def name(self) -> str:
            return f"p{self.pid}"

    running = [Process(1, 900.0), Process(2, 5.0), Process(3, 0.0)]
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(running))
    memo: dict[str, Any] = {}
    first = only(memo, "processes")

    clock.now += 2
    running[1].used = 6.0
    second = only(memo, "processes")

    assert [row["pid"] for row in first.rows or ()] == [1, 2]
    assert list(second.rows or ()) == [
        {"pid": 2, "name": "p2", "cpu": 50.0, "memory": 2_000},
        {"pid": 1, "name": "p1", "cpu": 0.0, "memory": 1_000},
    ]
    assert second.numbers == {"processes": 3.0}
    # A number given anew: less time than the one that had it before.
    clock.now += 2
    running[0].used = 1.0
    assert (only(memo, "processes").rows or ())[0]["cpu"] == 50.0


def test_this_process_is_among_those_found() -> None:
    rows = take({}, top=100).rows or ()

    assert len(rows) == 100 or os.getpid() in {row["pid"] for row in rows}
