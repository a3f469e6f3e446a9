"""`manage.py serve`: one web process, of which there may be many."""

from __future__ import annotations

from argparse import ArgumentParser
from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.db import connection

from dashboard.ready import check_migrated
from watchwall.servers import (
    CannotListen,
    address,
    allow_many_sockets,
    check_port,
    port,
    spare_what_is_there,
)
from widgets.checks import refuse_alone

SERVERS = ("daphne", "uvicorn")


class Command(BaseCommand):
    help = "Serve pages and sockets; refreshing is for run_huey, in processes of its own."
    # `check_migrated` says it in one sentence.
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=port, default=8000, help="where to listen (8000)")
        parser.add_argument(
            "--server",
            choices=SERVERS,
            default="daphne",
            help="daphne, or uvicorn for thousands of screens (daphne)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_alone("manage.py serve")
        port = options["port"]
        try:
            check_port(settings.BIND, port, "manage.py serve --port 8001")
        except CannotListen as error:
            raise CommandError(str(error)) from None
        allow_many_sockets()
        check_migrated()
        # This thread asks the database nothing more.
        connection.close()

        from widgets import io, outbox, record
        from widgets.pulse import Pulse

        pulse = Pulse("web")

        def ready() -> None:
            pulse.start()
            self.stdout.write(
                f"Watchwall {settings.BUILD} is at {address(settings.BIND, port)}/ "
                f"({options['server']})"
            )

        def stop() -> None:
            record.stop()
            outbox.stop()
            io.stop()
            pulse.stop()

        from watchwall.asgi import application

        # Here and not above: Daphne's installs Twisted's reactor, which no other command needs.
        server = import_module(f"watchwall.servers.{options['server']}")
        spare_what_is_there()
        server.serve(application, settings.BIND, port, ready, stop, settings.DRAIN)
