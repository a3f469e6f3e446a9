"""Daphne, started by our own command: one clear line when it cannot listen, and a clean end."""

from __future__ import annotations

import socket
from collections.abc import Callable

# Before Twisted's reactor, which it chooses.
from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from twisted.internet import reactor, threads

from watchwall.asgi import application


class CannotListen(Exception):
    """Nobody can listen there; the message says why and what to do."""


def check_port(host: str, port: int) -> None:
    """Fail early and in one line, rather than from inside a running reactor."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotListen(
                f"Port {port} of {host} cannot be used: {error.strerror}. "
                "Choose another one, such as: make run PORT=8001"
            ) from None


def serve(host: str, port: int, ready: Callable[[], None], stop: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` runs first, and `stop` in a thread before the end."""
    server = Server(
        application=application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        server_name="watchwall",
        ready_callable=ready,
    )
    # The reactor waits for it: what is in flight is recorded before anything else goes away.
    reactor.addSystemEventTrigger(
        "before",
        "shutdown",  # type: ignore[arg-type]  # the stub leaves this argument out
        lambda: threads.deferToThread(stop),
    )
    server.run()
