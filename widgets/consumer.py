"""Huey's consumer with what belongs to it: the ticker, and an end that loses nothing."""

from __future__ import annotations

import logging
from typing import Any

from huey.consumer import Consumer
from redis import RedisError

from widgets import io, outbox, record, refresh
from widgets.schedule import Ticker
from widgets.tasks import enqueue

logger = logging.getLogger(__name__)

# As long as most fetches are given. One that has not answered by then has brought nothing that
# could be lost, and is asked for again.
PATIENCE = 5.0  # s


def in_one_line(record: logging.LogRecord) -> bool:
    """Huey logs sixty lines, for each worker and every second that Redis is away."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RedisError):
        record.msg, record.args = "%s (%s)", (record.getMessage(), error)
        record.exc_info = None
    return True


class EmbeddedConsumer(Consumer):  # type: ignore[misc]  # huey has no types
    """Worker threads, scheduler and ticker inside another program, which owns the signals."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # By itself a worker that found Redis away looks again after up to ten seconds.
        super().__init__(*args, **{"max_delay": 1.0, **kwargs})
        for name in ("Worker", "Scheduler"):
            logging.getLogger(f"huey.consumer.{name}").addFilter(in_one_line)
        self.ticker = Ticker(enqueue, record.judge, refresh.room)

    def _set_signal_handlers(self) -> None:
        """The server has the signals: it stops us when it stops."""

    def start(self) -> None:
        super().start()
        self.ticker.start()

    def stop_cleanly(self) -> None:
        """Claim nothing more, finish what was claimed, and record what it brought."""
        self.ticker.stop()
        self.stop(graceful=True)
        left = refresh.finish(PATIENCE)
        if left:
            logger.warning(
                "%s refreshes did not finish; they are due again after their lease", left
            )
        io.stop()
        record.stop()
        outbox.stop()
