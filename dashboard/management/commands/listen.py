"""`manage.py listen`: what is streamed is listened to, in a process of its own."""

from __future__ import annotations

import signal
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand
from django.db import connection

from dashboard.ready import check_migrated
from widgets import outbox, record
from widgets.checks import refuse_alone
from widgets.pulse import Pulse
from widgets.streams.supervisor import Supervisor


class Command(BaseCommand):
    help = "Listen to streams; of several such processes one does, and when it dies the next."
    # `check_migrated` says it in one sentence.
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_alone("manage.py listen")
        check_migrated()
        connection.close()

        supervisor = Supervisor()
        pulse = Pulse("listen")
        ends = {signal.SIGTERM, signal.SIGINT}
        # Blocked and waited for, as in `run_huey`.
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)
        supervisor.start()
        pulse.start()
        self.stdout.write(f"Listener {settings.BUILD}.")
        signal.sigwait(ends)
        # Whoever asks a second time does not want to wait.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ends)
        supervisor.stop()
        record.stop()
        outbox.stop()
        pulse.stop()
