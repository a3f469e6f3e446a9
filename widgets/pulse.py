"""The thread that writes this process's row every 5 s."""

from __future__ import annotations

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from widgets import lifecycle, processes, trouble
from widgets.borrow import borrowed
from widgets.clock import SECOND
from widgets.outage import meaning

logger = logging.getLogger(__name__)


class Pulse:
    """Writes at once, then every 5 s; a database or a queue that is away does not end it."""

    def __init__(self, role: str) -> None:
        self._role = lifecycle.role = role
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                processes.gauge("queue", settings.HUEY.pending_count())
                self._write()
            # Broad: the database or the queue is away; the next beat tries again.
            except Exception as error:  # noqa: BLE001
                logger.warning("This process's row could not be written: %s", error)
            if self._stopping.wait(processes.BEAT / SECOND):
                break
        connection.close()

    def _write(self) -> None:
        try:
            with borrowed():
                processes.beat(self._role)
        except (DatabaseError, InterfaceError) as error:
            trouble.failed("pulse", meaning(error))
            raise
        trouble.wrote("pulse")
