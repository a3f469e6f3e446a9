"""Any Nagios plugin in the folder that the operator named."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from widgets import clock
from widgets.clock import MINUTE, SECOND
from widgets.options import ListField, Options, excerpt
from widgets.reading import MAX_SERIES, Reading, Verdict
from widgets.registry import nearest
from widgets.sources import Source, SourceError
from widgets.sources._http import fingerprint
from widgets.sources._nagios import STATES, UNITS, Metric, Output, read_output
from widgets.sources._run import Ended, run

MOST_OUTPUT = 64_000
# Nothing of ours, in which there are secrets.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
}

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


class PluginOptions(Options):
    """Which plugin, and with what."""

    command = forms.CharField(
        max_length=100, help_text="The file in the folder WATCHWALL_PLUGINS, such as check_load."
    )
    arguments = ListField(
        required=False,
        help_text="Its arguments, each as it is, without quotes: no shell sees them.",
    )

    def clean_command(self) -> str:
        given = str(self.cleaned_data["command"])
        if not _NAME.fullmatch(given):
            raise ValidationError(f"{given[:60]!r} is no name of a file in that folder")
        return given

    def clean_arguments(self) -> list[str]:
        given: list[str] = self.cleaned_data["arguments"]
        if any("\0" in one for one in given):
            raise ValidationError("an argument cannot hold a zero byte")
        return given


class Plugin(Source):
    """Series: `exit` (0 ok, 1 warning, 2 critical, 3 unknown) with that state and the text in its
    verdict, and each item of performance data, judged by the ranges that come with it: times in s,
    sizes in B (1 KB is 1,024), counters as a rate a second since the fetch before. Text: what the
    plugin printed for people.

    At the feed's timeout the plugin and all that it started are killed, and the fetch has failed.
    """

    slug = "plugin"
    label = "Nagios plugin"
    Options = PluginOptions
    interval = MINUTE
    timeout = 10 * SECOND

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        command = options["command"]
        path = find(command, settings.PLUGINS)
        try:
            ended = await run([str(path), *options["arguments"]], ENVIRONMENT, MOST_OUTPUT)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"{command} cannot be run: {said}") from None
        of = fingerprint(command, options["arguments"])
        before = memo if memo.get("of") == of else {}
        reading, counters = judged(command, ended, before, clock.now())
        memo.clear()
        memo.update(counters, of=of)
        return reading


def find(command: str, folder: str) -> Path:
    """The program of that name in the folder, or SourceError."""
    if not folder:
        raise SourceError(
            "no folder of plugins is named; set WATCHWALL_PLUGINS, "
            "on Debian to /usr/lib/nagios/plugins"
        )
    path = Path(folder) / command
    try:
        names = {found.name for found in Path(folder).iterdir() if found.is_file()}
    except OSError as error:
        raise SourceError(f"the folder of WATCHWALL_PLUGINS: {error.strerror}") from None
    if command not in names:
        near = nearest(command, list(names))
        raise SourceError(
            f"no plugin {command} in {folder}{near if 'did you mean' in near else ''}"
        )
    if not os.access(path, os.X_OK):
        raise SourceError(f"{command} is no program that Watchwall may run; see its mode")
    return path


def judged(
    command: str, ended: Ended, memo: Mapping[str, Any], now: int
) -> tuple[Reading, dict[str, Any]]:
    """The reading of how a plugin ended, and what to remember. `now` in µs. Pure."""
    if ended.status < 0:
        name = signal.strsignal(-ended.status) or str(-ended.status)
        raise SourceError(f"{command} was ended by a signal: {name.lower()}")
    output = read_output(ended.out.decode(errors="replace"))
    text = output.text or excerpt(ended.err.decode(errors="replace").strip(), 500)
    notes = []
    if ended.status >= len(STATES):
        notes.append(f"the exit status is {ended.status}; 0 to 3 are known")
    state = STATES[min(ended.status, 3)]
    numbers: dict[str, float] = {"exit": ended.status}
    verdicts = {"exit": Verdict(state, text.partition("\n")[0])}
    units: dict[str, str] = {}
    seconds = (now - memo["moment"]) / SECOND if "moment" in memo else 0.0
    counters: dict[str, float] = {}
    for metric in _once(output, notes):
        if metric.value is None:
            notes.append(f"{metric.label} is not known")
            continue
        verdicts[metric.label] = metric.verdict()
        if metric.unit == "c":
            counters[metric.label] = metric.value
            rate = _rate(metric.value, memo.get("raw", {}).get(metric.label), seconds)
            if rate is not None:
                numbers[metric.label], units[metric.label] = rate, "/s"
            continue
        unit, size = UNITS.get(metric.unit, (metric.unit, 1.0))
        numbers[metric.label], units[metric.label] = metric.value * size, unit
    reading = Reading(numbers=numbers, units=units, verdicts=verdicts, text=text, notes=notes)
    return reading, {"moment": now, "raw": counters}


def _rate(value: float, before: float | None, seconds: float) -> float | None:
    """By how much a counter grew a second; one that went down began anew at 0."""
    if before is None or seconds <= 0:
        return None
    return (value - before if value >= before else value) / seconds


def _once(output: Output, notes: list[str]) -> Sequence[Metric]:
    """The metrics, each name once, and what is said of the others."""
    found: dict[str, Metric] = {}
    for metric in output.metrics:
        if metric.label == "exit" or metric.label in found:
            notes.append(f"{metric.label} is there twice; the first counts")
        else:
            found[metric.label] = metric
    if output.strange:
        notes.append(f"{output.strange:,} words are no performance data")
    if len(found) >= MAX_SERIES:
        notes.append(f"{len(found):,} items; the first {MAX_SERIES - 1:,} are taken")
    return list(found.values())[: MAX_SERIES - 1]
