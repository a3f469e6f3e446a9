"""Whether the web process on a port of this machine answers: `probe.py 8001 [--wait 60]`.

Ends with 0 if `/healthz` says so, and with 1 and a sentence if not, `--wait` seconds long. For
whatever starts processes; it needs nothing but Python, and reads no setting but WATCHWALL_BIND.
"""

from __future__ import annotations

import argparse
import http.client
import os
import sys
import time

EVERY = 0.2  # s


def alive(host: str, port: int) -> bool:
    """Whether `/healthz` there answers 200 within 3 s."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask a web process whether it is alive.")
    parser.add_argument("port", type=int)
    parser.add_argument("--wait", type=float, default=0, help="how long it may take to answer (s)")
    given = parser.parse_args()
    bound = os.environ.get("WATCHWALL_BIND", "").strip()
    host = "127.0.0.1" if bound in {"", "0.0.0.0", "::"} else bound  # noqa: S104
    until = time.monotonic() + given.wait
    while not alive(host, given.port):
        if time.monotonic() >= until:
            print(f"No web process answers on port {given.port} of {host}.", file=sys.stderr)
            return 1
        time.sleep(EVERY)
    return 0


if __name__ == "__main__":
    sys.exit(main())
