"""All benchmarks but the soak: `python -m bench [part …] [--quick]`.

The tables go to stdout and to `bench/out/benchmarks.md`, as they stand in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import sys
import traceback

from bench import (
    fanout,
    glass,
    kinds,
    latency,
    lateness,
    machine,
    many,
    push,
    report,
    sockets,
    streams,
)
from bench.load import OUT

PARTS: dict[str, report.Run] = {
    "fanout": fanout.run,
    "latency": latency.run,
    "glass": glass.run,
    "sockets": sockets.run,
    "lateness": lateness.run,
    "many": many.run,
    "push": push.run,
    "streams": streams.run,
    "kinds": kinds.run,
}
HEAD = f"""# Benchmarks

Measured by `make bench`, or a part of it: `make bench PART={next(iter(PARTS))}` (or
{", ".join(f"`{name}`" for name in PARTS)});
`QUICK=1` to see that it works. `make soak MINUTES=30` looks for growth. What each figure is, and
how it is taken, stands at the head of its module in `bench/`. A figure that was not measured is
not here."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="see that it works, in minutes")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    failed = False
    OUT.mkdir(exist_ok=True)
    with (OUT / "benchmarks.md").open("w") as file:

        def say(block: str) -> None:
            print(block, end="\n\n", flush=True)
            print(block, end="\n\n", file=file, flush=True)

        say(f"{HEAD}\n\n{machine.described()}")
        for name in given.parts or PARTS:
            try:
                for block in PARTS[name](given.quick):
                    say(block)
            # Broad: half an hour of the others' figures must not go with it.
            except Exception:  # noqa: BLE001
                traceback.print_exc()
                failed = True
                say(f"**{name} failed; it has no figures.**")
    sys.exit(failed)


if __name__ == "__main__":
    main()
