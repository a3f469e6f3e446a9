"""The one door: whatever is learned of a feed goes through `record`, `submit` or `judge`.

Each process has one writer thread. It commits what has gathered while the last commit ran, and
answers each caller after the commit: many callers share one transaction, and an acknowledgement
to a pusher or a broker is never early.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future

from django.db import InterfaceError, OperationalError, connection

from widgets import clock, trouble
from widgets.borrow import borrowed
from widgets.change import Arrival, Outcome
from widgets.commit import commit
from widgets.outage import Meaning, meaning, pauses

__all__ = [
    "Arrival",
    "DiskFull",
    "Full",
    "NotRecorded",
    "Outcome",
    "judge",
    "offer",
    "record",
    "stop",
    "submit",
    "waiting",
]

logger = logging.getLogger(__name__)

# One commit takes so many at most; more wait for the next.
MOST_AT_ONCE = 500
# Where several hand in at a time, so long (s) the rest of them is waited for: a commit of four
# readings costs little more than one of a single reading.
LINGER = 0.0003
# A caller waits rather than this process grow without bound.
MOST_WAITING = 10_000
# So long (s) a commit is tried again: a restart of PostgreSQL, a backup of SQLite. It counts from
# when the database was lost, so that those who come later are not kept as long each.
PATIENCE = 15.0

_Job = tuple[Arrival, "Future[Outcome]"]


class NotRecorded(Exception):
    """The database would not take it; nothing was acknowledged, and it may be handed in again."""


class DiskFull(NotRecorded):
    """There is no room for it; nothing that was there is lost."""

    def __init__(self) -> None:
        super().__init__("not recorded: the disk of the database is full; make room there")


class Full(NotRecorded):
    """So much waits to be recorded that no more is taken in; it may be handed in again later."""


def _refusal(found: Meaning, error: Exception) -> NotRecorded:
    """As it may be said to whoever handed it in: not where the database is, or as whom."""
    if found == "full":
        return DiskFull()
    if found == "away":
        return NotRecorded("not recorded: the database is away or busy; hand it in again")
    return NotRecorded(f"not recorded: {error}")


class Writer:
    """The thread that records. Made by `_writer()`; ended by `stop`, after all that was taken."""

    def __init__(self) -> None:
        self._jobs: queue.Queue[_Job | None] = queue.Queue(MOST_WAITING)
        # Held while handing in, so that nothing can come behind the last job there is.
        self._gate = threading.Lock()
        self._closed = False
        self._crowded = False
        # Since when the database has been away.
        self._lost_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._thread.start()

    def submit(self, arrival: Arrival) -> Future[Outcome] | None:
        """The answer to come, or None if this writer has ended."""
        answer: Future[Outcome] = Future()
        # What was handed in is recorded, whoever has stopped waiting: it cannot be cancelled.
        answer.set_running_or_notify_cancel()
        with self._gate:
            if self._closed:
                return None
            self._jobs.put((arrival, answer))
        return answer

    def offer(self, arrivals: Sequence[Arrival]) -> list[Future[Outcome]] | None:
        """As `submit`, of several, without waiting: Full if there is no room for all of them."""
        # Looked at first: whoever waits for room holds the gate, and a loop must not wait for that.
        full = self._jobs.qsize() + len(arrivals) > MOST_WAITING
        if full or not self._gate.acquire(timeout=0.05):
            raise Full("very much is waiting to be recorded")
        try:
            if self._closed:
                return None
            if self._jobs.qsize() + len(arrivals) > MOST_WAITING:
                raise Full("very much is waiting to be recorded")
            answers: list[Future[Outcome]] = []
            for arrival in arrivals:
                answer: Future[Outcome] = Future()
                answer.set_running_or_notify_cancel()
                self._jobs.put_nowait((arrival, answer))
                answers.append(answer)
            return answers
        finally:
            self._gate.release()

    def waiting(self) -> int:
        return self._jobs.qsize()

    def stop(self) -> None:
        with self._gate:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            batch = self._gather()
            going = None not in batch
            jobs = [job for job in batch if job is not None]
            if jobs:
                self._commit(jobs)
        connection.close()

    def _gather(self) -> list[_Job | None]:
        batch = [self._jobs.get()]
        if self._crowded and batch[0] is not None:
            time.sleep(LINGER)
        while batch[-1] is not None and len(batch) < MOST_AT_ONCE:
            try:
                batch.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        self._crowded = len(batch) > 1
        return batch

    def _commit(self, jobs: list[_Job]) -> None:
        try:
            outcomes = self._persistently([arrival for arrival, _ in jobs])
        # Whatever it was, every caller must hear, and the thread goes on for those who come next.
        except Exception as error:  # noqa: BLE001
            self._refuse(jobs, error)
            return
        for (_, answer), outcome in zip(jobs, outcomes, strict=True):
            answer.set_result(outcome)

    def _refuse(self, jobs: list[_Job], error: Exception) -> None:
        found = meaning(error)
        if found == "other" and len(jobs) > 1:
            # One bad arrival must not take the others down with it.
            for job in jobs:
                self._commit([job])
            return
        if found != "other":
            # Otherwise it was of what was handed in, and not of the database.
            trouble.failed("writer", found)
        trace = error if found == "other" else None
        feeds = sorted({arrival.feed for arrival, _ in jobs})
        logger.error("Not recorded, of the feeds %s: %s", feeds[:20], error, exc_info=trace)
        for _, answer in jobs:
            refusal = _refusal(found, error)
            refusal.__cause__ = error
            answer.set_exception(refusal)

    def _persistently(self, arrivals: list[Arrival]) -> list[Outcome]:
        """Commit, again and again if the database is busy or away, for as long as is bearable."""
        for pause in pauses():
            try:
                with borrowed():
                    outcomes = commit(arrivals, clock.now())
                self._lost_at = None
                trouble.wrote("writer")
                return outcomes
            except (InterfaceError, OperationalError) as error:
                if meaning(error) != "away":
                    raise
                now = time.monotonic()
                self._lost_at = self._lost_at or now
                if now - self._lost_at > PATIENCE:
                    raise
            time.sleep(pause)
        raise AssertionError("unreachable")


_lock = threading.Lock()
_current: Writer | None = None


def _writer() -> Writer:
    global _current
    with _lock:
        if _current is None:
            _current = Writer()
        return _current


def submit(arrival: Arrival) -> Future[Outcome]:
    """Hand in an arrival; the future is done after the commit. Waits if very many are waiting."""
    while (answer := _writer().submit(arrival)) is None:
        pass  # It ended between the two calls; the next one is another.
    return answer


def offer(arrivals: Sequence[Arrival]) -> list[Future[Outcome]]:
    """Hand in several without waiting; Full, and none is taken, if there is no room for all."""
    while (answers := _writer().offer(arrivals)) is None:
        pass  # As in `submit`.
    return answers


def record(arrival: Arrival, timeout: float | None = None) -> Outcome:
    """Hand in an arrival and wait for the commit, `timeout` seconds at most (TimeoutError)."""
    return submit(arrival).result(timeout)


def waiting() -> int:
    """How many arrivals the writer has not come to."""
    writer = _current
    return writer.waiting() if writer else 0


def judge(feeds: Iterable[int]) -> list[Future[Outcome]]:
    """Judge feeds as of now, because time has passed or what people set of them changed."""
    now = clock.now()
    return [submit(Arrival(feed, now)) for feed in feeds]


def stop() -> None:
    """End the writer after all that was handed in; the next arrival starts another."""
    global _current
    with _lock:
        writer, _current = _current, None
    if writer is not None:
        writer.stop()
