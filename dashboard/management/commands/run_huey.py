"""`manage.py run_huey`: a Huey consumer in a process of its own, of which there may be several."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand
from django.db import connection

from dashboard.ready import check_migrated
from widgets.checks import refuse_alone


class Command(BaseCommand):
    """In place of Huey's own, which knows no ticker and whose SIGTERM drops what is under way."""

    help = "Run a Huey consumer with a ticker: it refreshes what is due."
    # `check_migrated` says it in one sentence.
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_alone("manage.py run_huey")
        check_migrated()
        connection.close()
        from widgets.consumer import EmbeddedConsumer
        from widgets.pulse import Pulse

        consumer = EmbeddedConsumer(settings.HUEY, workers=settings.WORKERS)
        pulse = Pulse("huey")
        ends = {signal.SIGTERM, signal.SIGINT}
        # Blocked and waited for, not handled: a handler runs in the middle of anything. Threads
        # inherit this, so it comes before they start.
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        consumer.start()
        pulse.start()
        self.stdout.write(f"Huey consumer {settings.BUILD}: {settings.WORKERS} workers.")
        signal.sigwait(ends)
        # Whoever asks a second time does not want to wait.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
        consumer.stop_cleanly()
        pulse.stop()
