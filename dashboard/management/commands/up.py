"""`manage.py up`: the whole wall in one process."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

from dashboard import first
from dashboard.ready import migrate
from watchwall.servers import (
    CannotListen,
    address,
    allow_many_sockets,
    check_port,
    port,
    spare_what_is_there,
)
from widgets import schedule


class Command(BaseCommand):
    help = "Run the whole wall in one process: server, Huey consumer, ticker and listener."
    # The database may not be there yet; `migrate` sees to it.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=port, default=8000, help="where to listen (8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        try:
            check_port(settings.BIND, port, "make run PORT=8001")
        except CannotListen as error:
            raise CommandError(str(error)) from None
        allow_many_sockets()
        migrate()
        if not settings.REDIS_URL:
            schedule.adopt()
        here = address(settings.BIND, port)
        first.apply_first(here)
        first.follow(here)
        connection.close()

        # Here and not above: it installs Twisted's reactor, which no other command needs.
        from watchwall.asgi import application
        from watchwall.servers.daphne import serve
        from widgets.consumer import EmbeddedConsumer
        from widgets.pulse import Pulse
        from widgets.streams.supervisor import Supervisor

        consumer = EmbeddedConsumer(settings.HUEY, workers=settings.WORKERS)
        supervisor = Supervisor()
        pulse = Pulse("up")

        def ready() -> None:
            consumer.start()
            supervisor.start()
            pulse.start()
            self._greet(here)

        def stop() -> None:
            supervisor.stop()
            consumer.stop_cleanly()
            pulse.stop()

        # Not spread: there is no other process for the screens to land on.
        spare_what_is_there()
        serve(application, settings.BIND, port, ready, stop, spread=0)

    def _greet(self, address: str) -> None:
        self.stdout.write(
            f"Watchwall {settings.BUILD} is at {address}/\n"
            "Make the first administrator with: make admin\n"
            "Ctrl-C ends it."
        )
