"""`manage.py up`: the whole wall in one process."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

from dashboard import first
from dashboard.ready import migrate
from widgets import schedule


def port(given: str) -> int:
    """A port to listen on."""
    if given.isascii() and given.isdigit() and 1 <= int(given) <= 65535:
        return int(given)
    raise ArgumentTypeError(f"{given!r} is no port; it takes a whole number from 1 to 65535")


class Command(BaseCommand):
    help = "Run the whole wall in one process: server, Huey consumer and ticker."
    # The database may not be there yet; `migrate` sees to it.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=port, default=8000, help="where to listen (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        # Here and not above: it installs Twisted's reactor, which no other command needs.
        from watchwall.server import CannotListen, check_port, serve

        try:
            check_port(settings.BIND, port)
        except CannotListen as error:
            raise CommandError(str(error)) from None
        migrate()
        if not settings.REDIS_URL:
            schedule.adopt()
        address = self._address(port)
        first.apply_first(address)
        first.follow(address)
        connection.close()

        from widgets.consumer import EmbeddedConsumer
        from widgets.pulse import Pulse

        consumer = EmbeddedConsumer(settings.HUEY, workers=settings.WORKERS)
        pulse = Pulse("up")

        def ready() -> None:
            consumer.start()
            pulse.start()
            self._greet(address)

        def stop() -> None:
            consumer.stop_cleanly()
            pulse.stop()

        serve(settings.BIND, port, ready, stop)

    def _address(self, port: int) -> str:
        """Where a browser on this machine finds the wall."""
        host = "127.0.0.1" if settings.BIND in {"0.0.0.0", "::"} else settings.BIND  # noqa: S104
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}"

    def _greet(self, address: str) -> None:
        self.stdout.write(
            f"Watchwall {settings.BUILD} is at {address}/\n"
            "Make the first administrator with: make admin\n"
            "Ctrl-C ends it."
        )
