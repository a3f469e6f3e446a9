"""What is due, and who has it: the ticker's claim.

A ticker runs in every Huey consumer, with no leader. What is due is claimed in the database by one
UPDATE, so two tickers never claim the same feed; a claim has a number and a lease, and a killed
worker's feeds are claimed again when the lease ends. Huey's own periodic tasks tick once a minute
and its scheduler once a second, which is too coarse for feeds of a second.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from widgets import clock, processes
from widgets.borrow import borrowed
from widgets.cadence import MOST_WATCHED
from widgets.clock import MINUTE, SECOND
from widgets.models import Feed, FeedState
from widgets.sources import sources
from widgets.turns import writing

logger = logging.getLogger(__name__)

# A lease lasts as long as the fetch may, and so much more for the way there and back.
LEASE_SLACK = 5 * SECOND
MOST_AT_ONCE = 500
# Another process may make or change a feed at any time.
LOOK_AT_LEAST_EVERY = SECOND
LOOK_AT_MOST_EVERY = SECOND // 100
NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to refresh one feed, once: its number, when it was due and when it ends (µs).

    `bound`: only this machine may; others could not tell, and would answer for themselves.
    """

    feed: int
    number: int
    due: int
    until: int
    bound: bool = False


# Slots lie on a grid of the interval, shifted by a hash of the feed's id, so that feeds of one
# interval do not fire together (see `Cadence`). The next slot is the first after now: missed ones
# collapse. What a calendar names next is found when the fetch is recorded, and until then its feed
# is due when the lease ends.
# A lease that has ended and was not given back was of somebody who died: that feed is due now, as
# late as it was then, and not only in its next slot.
# What is picked is made a table of its own: as part of a join it might be picked twice over.
_CLAIM = """
WITH picked AS MATERIALIZED (
  SELECT s.feed_id, g.cron, {every} AS every, %(now)s + g."timeout" + %(slack)s AS lease
  FROM widgets_feedstate AS s JOIN widgets_feed AS g ON g.id = s.feed_id
  WHERE (s.next_due <= %(now)s OR s.next_due > {far} OR s.lease_until BETWEEN 1 AND %(now)s)
    AND (s.lease_until <= %(now)s OR s.lease_until > %(now)s + g."timeout" + %(slack)s)
    AND s.next_due IS NOT NULL AND NOT g.paused AND g.node IN ('', %(node)s)
  ORDER BY s.next_due LIMIT %(most)s {lock}),
shifted AS (SELECT p.*, (feed_id * 40503 %% 65536) * every / 65536 AS shift FROM picked AS p),
slotted AS (
  SELECT feed_id, lease,
    CASE WHEN cron = '' THEN ((%(now)s - shift) / every + 1) * every + shift ELSE lease END AS slot
  FROM shifted)
UPDATE widgets_feedstate SET
  claim = claim + 1,
  due = CASE WHEN lease_until > 0 AND next_due > %(now)s OR next_due = lease_until THEN due
    ELSE next_due END,
  lease_until = f.lease,
  next_due = f.slot
FROM slotted AS f
WHERE f.feed_id = widgets_feedstate.feed_id
RETURNING widgets_feedstate.feed_id, claim, due, lease_until,
  (SELECT node <> '' FROM widgets_feed WHERE id = widgets_feedstate.feed_id)
"""
# The interval that holds; as `Cadence.every`.
_EVERY = """CASE WHEN g.unwatched IS NULL
  OR (s.watched_until > %(now)s AND s.watched_until <= %(now)s + %(watched)s)
  THEN g."interval" ELSE g.unwatched END"""
# No slot and no pause after failures is so far ahead: the clock was set back, and what was due
# then is due now. Of calendars `mend` sees it.
_FAR = '(%(now)s + 2 * COALESCE(g.unwatched, g."interval") + 120000000)'
_NEXT = """
SELECT MIN(CASE WHEN s.next_due > {far} THEN %(now)s
  WHEN s.lease_until > 0 THEN s.lease_until ELSE s.next_due END)
FROM widgets_feedstate AS s JOIN widgets_feed AS g ON g.id = s.feed_id
WHERE s.next_due IS NOT NULL AND NOT g.paused AND g.node IN ('', %(node)s)
"""
# Judging takes its moment from the judgement itself; one that is lost on the way comes again.
_CLAIM_JUDGEMENT = """
WITH picked AS (
  SELECT s.feed_id FROM widgets_feedstate AS s WHERE s.judge_at <= %(now)s
  ORDER BY s.judge_at LIMIT %(most)s {lock})
UPDATE widgets_feedstate SET judge_at = %(again)s
WHERE feed_id IN (SELECT feed_id FROM picked)
RETURNING feed_id
"""


def claim_due(now: int, node: str | None = None, most: int = MOST_AT_ONCE) -> list[Claim]:
    """Claim what is due and that nobody has; the claims are this process's to see done."""
    with writing(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM.format(lock=_lock(), far=_FAR, every=_EVERY),
            {
                "now": now, "slack": LEASE_SLACK, "watched": MOST_WATCHED, "node": _node(node),
                "most": most,
            },
        )  # fmt: skip
        return [
            Claim(feed, number, due, until, bool(bound))
            for feed, number, due, until, bound in cursor.fetchall()
        ]


def hand_on(claims: Sequence[Claim], enqueue: Callable[[Claim], object]) -> None:
    """Queue what was claimed; what the queue does not take is given back, and its error raised.

    Otherwise a wall whose queue was away would wait for leases to end after it is back.
    """
    for i, claim in enumerate(claims):
        try:
            enqueue(claim)
        except Exception:
            _give_back(claims[i:])
            raise


def _give_back(claims: Sequence[Claim]) -> None:
    # In the order in which everybody locks feeds.
    rows = sorted((claim.feed, claim.number) for claim in claims)
    with writing(), connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE widgets_feedstate SET lease_until = 0, next_due = due "
            "WHERE feed_id = %s AND claim = %s",
            rows,
        )


def mend(now: int) -> int:
    """Bring back the feeds whose calendar names a moment before the one they are due at: the clock
    was set back, or a zone changed its rules; how many."""
    found = FeedState.objects.select_related("feed").exclude(feed__cron="")
    mended = 0
    for state in found.filter(next_due__gt=now, lease_until__lte=now):
        # What has just run does not run again because the clock was set back by a second.
        after = max(now, state.due) if state.due < now + MINUTE else now
        moment = state.feed.cadence.next_run(after, watched=False)
        if moment is not None and moment < (state.next_due or 0):
            same = FeedState.objects.filter(pk=state.pk, next_due=state.next_due)
            with writing():
                mended += same.update(next_due=moment)
    return mended


def claim_judgements(now: int, most: int = MOST_AT_ONCE) -> list[int]:
    """The feeds of which something changes by now though nothing arrived."""
    with writing(), connection.cursor() as cursor:
        cursor.execute(
            _CLAIM_JUDGEMENT.format(lock=_lock()),
            {"now": now, "again": now + LEASE_SLACK, "most": most},
        )
        return [row[0] for row in cursor.fetchall()]


def next_moments(now: int, node: str | None = None) -> tuple[int | None, int | None]:
    """When a feed can be claimed next, and when something is to be judged next (µs)."""
    with connection.cursor() as cursor:
        cursor.execute(_NEXT.format(far=_FAR), {"node": _node(node), "now": now})
        due = cursor.fetchone()[0]
        cursor.execute("SELECT MIN(judge_at) FROM widgets_feedstate")
        return due, cursor.fetchone()[0]


def _lock() -> str:
    skips = connection.features.has_select_for_update_skip_locked
    return "FOR UPDATE OF s SKIP LOCKED" if skips else ""


def _node(node: str | None) -> str:
    return settings.NODE if node is None else node


def adopt(node: str | None = None) -> int:
    """Take over the feeds of this machine that carry another name of it; how many.

    For where one process is all there is: a machine that was renamed, or a container made anew,
    would never ask for its own numbers again.
    """
    local = [source.slug for source in sources if source.local]
    strayed = Feed.objects.filter(source__in=local).exclude(node=_node(node))
    for feed in strayed:
        feed.node = _node(node)
        feed.save(update_fields=["node"])
    return len(strayed)


class Ticker:
    """The thread that claims. It hands claims to `enqueue` and feeds to judge to `judge`.

    It claims as many at a time as there is `room` for; what is due stays due, also for others.
    """

    def __init__(
        self,
        enqueue: Callable[[Claim], object],
        judge: Callable[[Sequence[int]], object],
        room: Callable[[], int] = lambda: MOST_AT_ONCE,
    ) -> None:
        self._enqueue = enqueue
        self._room = room
        self._judge = judge
        self._changed = threading.Condition()
        # When it looks next, and from when on something is to be claimed (µs).
        self._look_at = NEVER
        self._claim_at = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self.seen = 0

    def start(self) -> None:
        _tickers.add(self)
        self._thread.start()

    def stop(self) -> None:
        """End it; when this returns nothing more is claimed."""
        _tickers.discard(self)
        self._stopping = True
        self.poke()
        self._thread.join()

    def poke(self, at: int = 0) -> None:
        """Look at that moment (µs) if not before: something is due then. 0: it was changed now."""
        with self._changed:
            self._claim_at = min(self._claim_at, at)
            if at < self._look_at:
                self._look_at = at
                self._changed.notify()

    def tick(self, now: int) -> int:
        """Claim and hand on what is due; when to look again, µs."""
        with self._changed:
            claiming, self._claim_at = now >= self._claim_at, NEVER
        if claiming and (room := min(self._room(), MOST_AT_ONCE)):
            hand_on(claim_due(now, most=room), self._enqueue)
        # Once a tick, since it goes over every feed.
        due, judgement = next_moments(now)
        if judgement is not None and judgement <= now:
            self._judge(claim_judgements(now))
            judgement = next_moments(now)[1]
        with self._changed:
            self._claim_at = min(self._claim_at, NEVER if due is None else due)
        self.seen = now
        processes.gauge("tick", now)
        moments = [moment for moment in (due, judgement) if moment is not None]
        # What is due still was locked by somebody, and is skipped as long as that lasts.
        return max(min([*moments, now + LOOK_AT_LEAST_EVERY]), now + LOOK_AT_MOST_EVERY)

    def _run(self) -> None:
        while not self._stopping:
            begun = clock.now()
            try:
                with borrowed():
                    look_at = self.tick(begun)
            # Broad: the database or the queue is away, and what is due stays due. A ticker that
            # ends is a wall that stands still.
            except Exception as error:  # noqa: BLE001
                logger.warning("The ticker could not hand on what is due: %s", error)
                self._claim_at, look_at = 0, clock.now() + SECOND
            # Going over thousands of feeds must leave time for asking them.
            pause = min(max(LOOK_AT_MOST_EVERY, 4 * (clock.now() - begun)), SECOND)
            self._wait(look_at, begun + pause)
        connection.close()

    def _wait(self, until: int, at_least: int) -> None:
        """Wait until then, or until something is due before it, but never less than `at_least`."""
        with self._changed:
            self._look_at = min(self._look_at, until)
            while (left := max(self._look_at, at_least) - clock.now()) > 0 and not self._stopping:
                # Whatever the clock does meanwhile, it is not waited for longer.
                if not self._changed.wait(min(left, LOOK_AT_LEAST_EVERY) / SECOND):
                    break
            self._look_at = NEVER


_tickers: set[Ticker] = set()


def poke(at: int = 0) -> None:
    """Let the tickers of this process look at that moment (µs), and at once if none is given;
    those of others look within a second."""
    for ticker in list(_tickers):
        ticker.poke(at)
