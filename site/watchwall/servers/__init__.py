"""The two servers, and what they share: where to listen, and how long an end may take."""

from __future__ import annotations

import gc
import resource
import socket
from argparse import ArgumentTypeError

# As many may knock at the same time; the kernel drops whoever comes beyond it. After a restart
# every page there is comes back within a second.
BACKLOG = 4096
# Of one message from a page (bytes); it acknowledges what it has painted, and says little else.
MOST_RECEIVED = 65_536
# Each screen is an open file. Many systems let a process have 1024 unless it asks for more.
MOST_FILES = 65_536
# Requests that are under way at the end get so long (s), and so does a reader that stalls.
PATIENCE = 5


class CannotListen(Exception):
    """Nobody can listen there; the message says why and what to do."""


def port(given: str) -> int:
    """A port to listen on, as given on the command line."""
    if given.isascii() and given.isdigit() and 1 <= int(given) <= 65535:
        return int(given)
    raise ArgumentTypeError(f"{given!r} is no port; it takes a whole number from 1 to 65535")


def address(host: str, port: int) -> str:
    """Where a browser on this machine finds a server that listens there."""
    host = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def check_port(host: str, port: int, other: str) -> None:
    """Fail early and in one line, rather than from inside a running server.

    `other`: a command that listens elsewhere, to choose instead.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotListen(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                f"Choose another one, such as: {other}"
            ) from None


def allow_many_sockets() -> None:
    """Ask the system for as many open files as this process may have."""
    least, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(MOST_FILES, most)
    if least < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def spare_what_is_there() -> None:
    """Tell the garbage collector that what was imported is none: looking at all of it again and
    again takes a tenth of what handing in a reading costs."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
