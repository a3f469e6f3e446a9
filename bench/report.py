"""Tables as Markdown, and whether what was to be reached was."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence

from bench import machine

# What a part of the benchmarks is: `quick` makes it short and its figures worthless.
Run = Callable[[bool], Iterator[str]]


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; its first column is text, the others are numbers and stand to the right."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def quantile(ordered: Sequence[float], q: float) -> float:
    """The value below which the share `q` of the ordered ones lies; at least one is expected."""
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))]


def ms(value: float) -> str:
    return f"{value:.1f} ms"


def at_least(what: str, value: float, wanted: float, unit: str = "") -> str:
    return _verdict(what, value >= wanted, _say(value, unit), f"at least {_say(wanted, unit)}")


def at_most(what: str, value: float, wanted: float, unit: str = "") -> str:
    return _verdict(what, value <= wanted, _say(value, unit), f"at most {_say(wanted, unit)}")


def _say(value: float, unit: str) -> str:
    """Three digits, or all of a large number, and no zeros at the end."""
    places = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    said = f"{value:,.{places}f}"
    return (said.rstrip("0").rstrip(".") if "." in said else said) + unit


def _verdict(what: str, reached: bool, value: str, wanted: str) -> str:
    return f"- {what}: {value}; {wanted} is wanted: **{'reached' if reached else 'not reached'}**"


def progress(what: str) -> None:
    """Tell whoever waits; the tables go to stdout."""
    print(f"… {what}", file=sys.stderr, flush=True)


def main(run: Run) -> None:
    """Run one part by itself and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="see that it works, in a minute")
    for block in run(parser.parse_args().quick):
        print(block, end="\n\n", flush=True)
    print(machine.described())
