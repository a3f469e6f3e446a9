"""The machine that the process runs on, as psutil tells it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil
from django import forms

from widgets.clock import SECOND
from widgets.options import BoolField, Options
from widgets.reading import Reading
from widgets.sources import Source

# File systems that hold nothing that could fill up, or that belong to something else.
PSEUDO = frozenset(
    """
    autofs binfmt_misc bpf cgroup cgroup2 configfs debugfs devfs devpts devtmpfs efivarfs fusectl
    fuse.gvfsd-fuse fuse.lxcfs fuse.portal fuse.snapfuse hugetlbfs iso9660 mqueue nsfs proc pstore
    ramfs rpc_pipefs securityfs selinuxfs squashfs sysfs tmpfs tracefs
    """.split()  # noqa: SIM905  # one a line would be forty lines
)
# Asking one whose server is gone hangs for minutes, and the whole reading with it.
REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ceph", "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs"}
)
# What passes through these passes through a real interface as well.
VIRTUAL = ("lo", "veth", "docker", "br-", "virbr", "cali", "flannel", "cni", "tap")
MOST_REMEMBERED = 1_000


class HostOptions(Options):
    """Which parts to read; all of them at first."""

    cpu = BoolField(initial=True, help_text="Processor use, together and for each core.")
    load = BoolField(initial=True, help_text="Load averages over 1, 5 and 15 minutes.")
    memory = BoolField(initial=True, help_text="Memory and swap.")
    disks = BoolField(initial=True, help_text="How full each file system is.")
    io = BoolField(initial=True, help_text="Bytes a second from and to disks.")
    network = BoolField(initial=True, help_text="Bytes a second over the network.")
    temperatures = BoolField(initial=True, help_text="Temperature sensors.")
    uptime = BoolField(initial=True, help_text="How long it has been running.")
    processes = BoolField(initial=True, help_text="How many processes, and the busiest as rows.")
    top = forms.IntegerField(
        initial=10, min_value=0, max_value=100, help_text="How many processes to list."
    )


@dataclass(slots=True)
class Gathered:
    """What is being gathered: numbers, units, rows and notes; raw counters of last time and now.

    `seconds` since last time; None at first, when there are no rates.
    """

    before: Mapping[str, Any]
    seconds: float | None
    after: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, Any]] | None = None
    notes: list[str] = field(default_factory=list)

    def add(self, unit: str, **numbers: float) -> None:
        for name, value in numbers.items():
            self.put(name, value, unit)

    def put(self, name: str, value: float, unit: str) -> None:
        self.numbers[name] = value
        self.units[name] = unit


class Host(Source):
    """Series, with their units:

    `cpu`, `core.0`… (%), `load.1`, `load.5`, `load.15`, `memory.percent` (%), `memory.used` and
    `memory.total` (B), `swap.percent`, `swap.used`, `swap.total`, `disk.<mount>.percent`,
    `disk.<mount>.used` and `disk.<mount>.free`, `io.read` and `io.write` (B/s), `net.rx` and
    `net.tx` (B/s), `temperature.<sensor>` (°C), `uptime` (s), `processes`. Rows: pid, name,
    cpu (% of one core), memory (B).

    Rates and processor use are what happened since the fetch before, by raw counters that the
    memo keeps; the first fetch has none, nor has one after which a counter went back.
    """

    slug = "host"
    label = "This machine"
    Options = HostOptions
    local = True
    interval = 2 * SECOND

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        moment, boot = time.time(), psutil.boot_time()
        # Counters begin anew when the machine does.
        known = memo if abs(memo.get("boot", 0) - boot) < 5 else {}
        seconds = moment - known["moment"] if "moment" in known else None
        got = Gathered(known, seconds if seconds and seconds > 0 else None)
        for name, part in PARTS.items():
            if options[name]:
                part(got)
        if options["uptime"]:
            got.add("s", uptime=moment - boot)
        if options["processes"]:
            processes(got, options["top"])
        memo.clear()
        memo.update(got.after, moment=moment, boot=boot)
        return Reading(numbers=got.numbers, units=got.units, rows=got.rows, notes=got.notes)


def cpu(got: Gathered) -> None:
    times = [busy_and_total(core._asdict()) for core in psutil.cpu_times(percpu=True)]
    got.after["cpu"] = times
    before = got.before.get("cpu", [])
    if len(before) != len(times):
        return
    gone = [(b - b0, t - t0) for (b, t), (b0, t0) in zip(times, before, strict=True)]
    # A core that was taken offline and came back may have begun anew.
    if any(busy < 0 or total < 0 for busy, total in gone) or not sum(t for _, t in gone):
        return
    got.add("%", cpu=100 * sum(busy for busy, _ in gone) / sum(total for _, total in gone))
    for i, (busy, total) in enumerate(gone):
        got.put(f"core.{i}", 100 * busy / total if total else 0.0, "%")


def busy_and_total(times: Mapping[str, float]) -> tuple[float, float]:
    """Seconds that a core worked, and all its seconds.

    Linux counts a guest's time in the user's as well; waiting for a disk is not work.
    """
    total = sum(times.values()) - times.get("guest", 0.0) - times.get("guest_nice", 0.0)
    idle = times.get("idle", 0.0) + times.get("iowait", 0.0)
    return round(total - idle, 2), round(total, 2)


def load(got: Gathered) -> None:
    for minutes, value in zip((1, 5, 15), psutil.getloadavg(), strict=True):
        got.put(f"load.{minutes}", value, "")


def memory(got: Gathered) -> None:
    main, swap = psutil.virtual_memory(), psutil.swap_memory()
    got.put("memory.percent", main.percent, "%")
    got.put("memory.used", main.total - main.available, "B")
    got.put("memory.total", main.total, "B")
    if not swap.total:
        got.notes.append("this machine has no swap")
        return
    got.put("swap.percent", swap.percent, "%")
    got.put("swap.used", swap.used, "B")
    got.put("swap.total", swap.total, "B")


def disks(got: Gathered) -> None:
    # all=True: a container's root is an overlay, which is no "physical" one.
    parts = sorted(psutil.disk_partitions(all=True), key=lambda part: len(part.mountpoint))
    devices: set[str] = set()
    for part in parts:
        if part.fstype in REMOTE:
            got.notes.append(f"{part.mountpoint} is left out, being a network file system")
        elif part.fstype not in PSEUDO and part.device not in devices:
            devices.add(part.device)
            _disk(got, part.mountpoint)
    if not any(name.startswith("disk.") for name in got.numbers):
        got.notes.append("no file system is mounted that could fill up")


def _disk(got: Gathered, mount: str) -> None:
    try:
        usage = psutil.disk_usage(mount)
    except OSError as error:
        got.notes.append(f"{mount} cannot be read: {error.strerror}")
        return
    if usage.total:
        got.put(f"disk.{mount}.percent", usage.percent, "%")
        got.put(f"disk.{mount}.used", usage.used, "B")
        got.put(f"disk.{mount}.free", usage.free, "B")


def disk_io(got: Gathered) -> None:
    found = psutil.disk_io_counters(perdisk=False, nowrap=False)
    if found is None:
        got.notes.append("this machine does not count what its disks read and write")
        return
    _rates(got, "io", {"all": [found.read_bytes, found.write_bytes]}, ("read", "write"))


def network(got: Gathered) -> None:
    found = psutil.net_io_counters(pernic=True, nowrap=False)
    counters = {
        name: [nic.bytes_recv, nic.bytes_sent]
        for name, nic in found.items()
        if not name.startswith(VIRTUAL)
    }
    if not counters:
        got.notes.append("this machine has no network interface but its own loopback")
    _rates(got, "net", counters, ("rx", "tx"))


def _rates(got: Gathered, what: str, counters: dict[str, list[int]], ways: Iterable[str]) -> None:
    """`net.rx` and the like in B/s: over all that were there last time too."""
    got.after[what] = counters
    before = got.before.get(what, {})
    both = [(now, before[name]) for name, now in counters.items() if name in before]
    if got.seconds is None or not both:
        return
    for i, way in enumerate(ways):
        gone = [now[i] - then[i] for now, then in both]
        if min(gone) >= 0:
            got.put(f"{what}.{way}", sum(gone) / got.seconds, "B/s")


def temperatures(got: Gathered) -> None:
    # Linux and FreeBSD only.
    read = getattr(psutil, "sensors_temperatures", dict)
    for chip, sensors in read().items():
        for i, sensor in enumerate(sensors):
            name = f"temperature.{chip}.{sensor.label or i}"
            got.put(name if name not in got.numbers else f"{name}.{i}", sensor.current, "°C")
    if not any(name.startswith("temperature.") for name in got.numbers):
        got.notes.append("no temperature sensors on this machine")


PARTS: Mapping[str, Callable[[Gathered], None]] = {
    "cpu": cpu,
    "load": load,
    "memory": memory,
    "disks": disks,
    "io": disk_io,
    "network": network,
    "temperatures": temperatures,
}


def processes(got: Gathered, top: int) -> None:
    """How many there are, and the busiest: now, then since they began."""
    running = list(psutil.process_iter())
    got.put("processes", len(running), "")
    spent = {process: used for process in running if (used := _spent(process)) is not None}
    before, seconds = got.before.get("processes"), got.seconds
    busy = {}
    if before is not None and seconds:
        for process, used in spent.items():
            last = before.get(str(process.pid), 0.0)
            # A number that was given anew begins at nothing.
            busy[process] = round(100 * (used - last if used >= last else used) / seconds, 1)
    order = sorted(spent, key=lambda process: (-busy.get(process, 0.0), -spent[process]))
    got.rows = [row for process in order[:top] if (row := _row(process, busy.get(process)))]
    got.after["processes"] = {
        str(process.pid): spent[process]
        for process in sorted(spent, key=lambda process: -spent[process])[:MOST_REMEMBERED]
        if spent[process]
    }


def _spent(process: psutil.Process) -> float | None:
    """Seconds of processor time since it began; None when it is gone or hidden from us.

    The only thing that is asked of every process: all that a row has would cost three times that.
    """
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return round(times.user + times.system, 2)


def _row(process: psutil.Process, busy: float | None) -> dict[str, Any] | None:
    try:
        memory = process.memory_info().rss
        return {"pid": process.pid, "name": process.name(), "cpu": busy, "memory": memory}
    except psutil.Error:
        return None
