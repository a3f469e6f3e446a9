from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from e2e.wall import eventually
from widgets import io
from widgets.clock import SECOND
from widgets.fetch import fetch
from widgets.options import BadOptions, read
from widgets.reading import BadReading, Reading, clean
from widgets.sources import SourceError, sources
from widgets.sources._nagios import Metric, Range, read_metrics, read_output, read_range
from widgets.sources._run import Ended
from widgets.sources.plugin import PluginOptions, judged

REAL = "/usr/lib/nagios/plugins"
NOW = 1_700_000_000 * SECOND


@pytest.fixture(autouse=True)
def _stopped() -> Iterator[None]:
    yield
    io.stop()


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.PLUGINS = str(tmp_path)
    return tmp_path


def ask(command: str, *arguments: str, within: int = 20 * SECOND, **memo: Any) -> Reading:
    options = {"command": command, "arguments": list(arguments)}
    return io.submit(fetch(sources["plugin"], options, memo, within)).result(30)


def error(command: str, *arguments: str, within: int = 20 * SECOND) -> str:
    with pytest.raises(SourceError) as caught:
        ask(command, *arguments, within=within)
    return str(caught.value)


def write(folder: Path, script: str, name: str = "check_it") -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def said(out: str, status: int = 0, memo: dict[str, Any] | None = None, now: int = NOW) -> Reading:
    memo = {} if memo is None else memo
    reading, after = judged(
        "it", Ended(status, out.encode("utf-8", "surrogatepass"), b""), memo, now
    )
    memo.clear()
    memo.update(after)
    return clean(reading)


# -- the real ones -----------------------------------------------------------------------------


@pytest.fixture
def real(settings: Settings) -> None:
    assert Path(REAL, "check_dummy").exists(), (
        "the tests need Nagios plugins: apt-get install monitoring-plugins-basic"
    )
    settings.PLUGINS = REAL


@pytest.mark.usefixtures("real")
@pytest.mark.parametrize("status", range(4))
def test_every_exit_status_is_a_state(status: int) -> None:
    reading = ask("check_dummy", str(status), "as asked")

    assert reading.numbers == {"exit": status}
    state = ("ok", "warning", "critical", "unknown")[status]
    assert reading.verdicts["exit"].state == state
    assert reading.text == f"{state.upper()}: as asked"


@pytest.mark.usefixtures("real")
def test_performance_data_has_units_and_the_ranges_its_verdicts() -> None:
    reading = ask("check_load", "-w", "0,999,999", "-c", "999,999,999")

    assert {"load1", "load5", "load15"} <= set(reading.numbers)
    assert reading.verdicts["load5"].state == "ok"
    assert reading.numbers["load1"] == 0 or reading.verdicts["load1"].state == "warning"


@pytest.mark.usefixtures("real")
def test_a_disk_has_bytes() -> None:
    reading = ask("check_disk", "-w", "1%", "-c", "0%", "-p", "/tmp")

    [name] = set(reading.numbers) - {"exit"}
    assert reading.units[name] == "B"
    assert reading.numbers[name] > 1_000_000


@pytest.mark.usefixtures("real")
def test_a_plugin_that_is_not_there_is_told_with_what_is_near() -> None:
    said = error("check_lod")

    assert said == f'no plugin check_lod in {REAL}; did you mean "check_load"?'


# -- how it is run -----------------------------------------------------------------------------


def test_it_gets_nothing_of_our_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_WORD", "opensesame")
    write(folder, "env; pwd; cat")

    lines = (ask("check_it").text or "").splitlines()

    assert {line.partition("=")[0] for line in lines if "=" in line} <= {
        "PATH", "LC_ALL", "PWD", "SHLVL", "_", "OLDPWD",
    }  # fmt: skip
    assert lines[-1] == "/"


def test_no_shell_sees_its_arguments(folder: Path) -> None:
    write(folder, 'printf "%s;" "$@"')

    assert ask("check_it", "$(id)", "a b", "; rm -rf x", "*").text == "$(id);a b;; rm -rf x;*;"


def test_at_the_timeout_it_and_all_it_started_are_killed(folder: Path) -> None:
    write(folder, f"sleep 600 & echo $! > {folder}/child; echo $$ > {folder}/own; sleep 600")

    assert error("check_it", within=SECOND) == "no answer within 1 s"

    for name in ("own", "child"):
        pid = int((folder / name).read_text())
        eventually(lambda pid=pid: gone(pid), 10, f"{name} is gone")  # type: ignore[misc]


def gone(pid: int) -> bool:
    """Dead, though perhaps nobody has asked for its exit status: a child's parent is gone too."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_that_it_leaves_behind_holds_nothing_up_and_is_killed(folder: Path) -> None:
    write(folder, f"sleep 600 & echo $! > {folder}/child; echo fine")

    assert ask("check_it").text == "fine"

    pid = int((folder / "child").read_text())
    eventually(lambda: gone(pid), 10, "the child is gone")


def test_of_what_it_prints_without_end_only_the_beginning_is_kept(folder: Path) -> None:
    write(folder, "head -c 5000000 /dev/zero | tr '\\0' x")

    assert len(ask("check_it").text or "") == 64_000


def test_what_it_says_on_the_other_stream_is_shown_where_it_says_nothing_else(
    folder: Path,
) -> None:
    write(folder, "echo no such host >&2; exit 3")

    assert ask("check_it").verdicts["exit"].message == "no such host"


def test_an_exit_status_that_nobody_knows_is_unknown(folder: Path) -> None:
    write(folder, "exit 77")
    reading = ask("check_it")

    assert reading.verdicts["exit"].state == "unknown"
    assert reading.notes == ["the exit status is 77; 0 to 3 are known"]


def test_one_that_dies_of_a_signal_is_an_error(folder: Path) -> None:
    write(folder, "kill -SEGV $$")

    assert error("check_it") == "check_it was ended by a signal: segmentation fault"


@pytest.mark.parametrize(
    "name", ["../check_it", "/bin/sh", "a/b", "..", ".hidden", "-x", "", "a b", "a\0b"]
)
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    with pytest.raises(BadOptions, match=r"options\.command"):
        read(PluginOptions, {"command": name})


def test_what_cannot_be_run_is_said(folder: Path, settings: Settings) -> None:
    (folder / "text").write_text("hello")
    (folder / "folder").mkdir()
    (folder / "lost").write_text("#!/no/such/interpreter\n")
    (folder / "lost").chmod(0o755)

    assert error("text") == "text is no program that Watchwall may run; see its mode"
    assert error("folder").startswith("no plugin folder in ")
    assert error("lost") == "lost cannot be run: No such file or directory"
    settings.PLUGINS = "/no/such/folder"
    assert error("x") == "the folder of WATCHWALL_PLUGINS: No such file or directory"
    settings.PLUGINS = ""
    assert error("x").startswith("no folder of plugins is named; set WATCHWALL_PLUGINS")


def test_no_process_is_left_unasked_for_its_end(folder: Path) -> None:
    write(folder, f"echo $$ > {folder}/own; echo fine")
    ask("check_it")

    pid = int((folder / "own").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)


# -- what it says ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "range_"),
    [
        ("10", Range(0, 10)),
        ("10:", Range(10, float("inf"))),
        ("~:10", Range(float("-inf"), 10)),
        ("10:20", Range(10, 20)),
        ("@10:20", Range(10, 20, inside=True)),
        ("@10", Range(0, 10, inside=True)),
        ("-1.5:1e3", Range(-1.5, 1_000)),
        ("", None),
        (":", Range(0, float("inf"))),
        ("@", None),
        ("20:10", None),
        ("x", None),
        ("1:2:3", None),
    ],
)
def test_ranges(given: str, range_: Range | None) -> None:
    assert read_range(given) == range_


@pytest.mark.parametrize(
    ("given", "quiet", "alerts"),
    [
        ("10", [0, 10], [-1, 11]),
        ("10:", [10, 99], [9]),
        ("~:10", [-99, 10], [11]),
        ("10:20", [10, 20], [9, 21]),
        ("@10:20", [9, 21], [10, 15, 20]),
    ],
)
def test_ranges_alert_as_the_guidelines_say(
    given: str, quiet: list[float], alerts: list[float]
) -> None:
    found = read_range(given)
    assert found

    assert [value for value in quiet + alerts if found.why(value)] == alerts


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("a=1", [("a", 1.0, "")]),
        ("a=1ms;2;3;0;9 b=5%", [("a", 1.0, "ms"), ("b", 5.0, "%")]),
        ("'a b'=1 'it''s'=2", [("a b", 1.0, ""), ("it's", 2.0, "")]),
        ("a=U", [("a", None, "")]),
        ("a=-1.5e3KB", [("a", -1500.0, "KB")]),
        ("/=1GB;;;0;9 C:\\=2", [("/", 1.0, "GB"), ("C:\\", 2.0, "")]),
        ("a=1;b=2", [("a", 1.0, "")]),
        ("a= b=1", ["a=", ("b", 1.0, "")]),
        ("x y=z a=1", ["x", "y=z", ("a", 1.0, "")]),
        ("'a=1", ["'a=1"]),
        ("=1 ''=2", ["=1", "''=2"]),
        ("a=1e999", ["a=1e999"]),
    ],
)
def test_performance_data(given: str, found: list[Any]) -> None:
    assert [
        one if isinstance(one, str) else (one.label, one.value, one.unit)
        for one in read_metrics(given)
    ] == found


def test_text_and_data_over_several_lines_are_told_apart() -> None:
    output = read_output("DISK OK | /=1MB\nmore text\nand more | /home=2MB\n/var=3MB\n")

    assert output.text == "DISK OK\nmore text\nand more"
    assert [metric.label for metric in output.metrics] == ["/", "/home", "/var"]
    assert output.strange == 0


def test_the_worse_of_two_ranges_is_said_with_its_reason() -> None:
    reading = said("SLOW | time=5.5s;3;5 queue=4;3;5 idle=7;@5:10;")

    assert reading.verdicts["time"] == Metric("", 5.5, "s", None, Range(0, 5)).verdict()
    assert reading.verdicts["time"].message == "5.5 s is above 5"
    assert reading.verdicts["queue"].state == "warning"
    assert reading.verdicts["idle"].message == "7 is within 5 to 10"


def test_units_are_made_s_and_b() -> None:
    reading = said("OK | a=1500ms;1000 b=2KB c=3MiB d=4% e=5us f=6lux")

    expected = {"exit": 0, "a": 1.5, "b": 2048, "c": 3 * 1024**2, "d": 4, "e": 5e-6, "f": 6}
    assert reading.numbers == pytest.approx(expected)
    assert reading.units == {"a": "s", "b": "B", "c": "B", "d": "%", "e": "s", "f": "lux"}
    assert reading.verdicts["a"].message == "1500 ms is above 1000"


def test_a_counter_is_a_rate_from_the_second_time_on() -> None:
    memo: dict[str, Any] = {}

    first = said("OK | packets=100c", memo=memo)
    second = said("OK | packets=130c", memo=memo, now=NOW + 10 * SECOND)
    third = said("OK | packets=20c", memo=memo, now=NOW + 20 * SECOND)

    assert "packets" not in first.numbers
    assert (second.numbers["packets"], second.units["packets"]) == (3, "/s")
    assert third.numbers["packets"] == 2


def test_what_is_not_known_or_there_twice_or_no_data_is_said() -> None:
    reading = said("OK | a=U b=1 b=2 exit=3 nonsense")

    assert reading.numbers == {"exit": 0, "b": 1}
    assert reading.notes == [
        "b is there twice; the first counts",
        "exit is there twice; the first counts",
        "1 words are no performance data",
        "a is not known",
    ]


def test_nothing_printed_is_a_reading_all_the_same() -> None:
    assert said("", 2).verdicts["exit"].state == "critical"


def test_more_items_than_a_reading_holds_are_said_and_left_out() -> None:
    reading = said("OK | " + " ".join(f"a{i}=1" for i in range(5_000)))

    assert len(reading.numbers) == 2_000
    assert reading.notes == ["5,000 items; the first 1,999 are taken"]


words = st.sampled_from([*"'=;:|@~%. \n\t", "1", "1e9", "U", "c", "ms", "KB", "é", "\0", "\ud800"])


@given(
    st.lists(words, max_size=40) | st.lists(st.text(max_size=5), max_size=10), st.integers(0, 255)
)
def test_any_output_is_a_reading_or_an_error_of_the_source(parts: list[str], status: int) -> None:
    try:
        reading = said("".join(parts), status)
    except BadReading:
        return  # A name of more than 500 characters; nothing else may be raised.

    assert reading.numbers["exit"] == status


@pytest.mark.parametrize(
    "word", ["'a ", "''", "'''''a ", "a=1;", "=", "a='", "'a'=1", "1" * 9 + "."]
)
def test_output_made_to_take_long_is_read_in_no_time(word: str) -> None:
    begun = time.process_time()

    said("| " + word * (64_000 // len(word)))

    # What takes ever longer the longer it is would take minutes.
    assert time.process_time() - begun < 5
