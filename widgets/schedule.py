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
from widgets.clock import SECOND
from widgets.models import Feed
from widgets.sources import sources
from widgets.turns import writing

logger = logging.getLogger(__name__)

# A lease lasts as long as the fetch may, and so much more for the way there and back.
LEASE_SLACK = 5 * SECOND
MOST_AT_ONCE = 500
# Another process may make or change a feed at any time.
LOOK_AT_LEAST_EVERY = SECOND
LOOK_AT_MOST_EVERY = SECOND // 100


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to refresh one feed, once: its number, when it was due and when it ends (µs)."""

    feed: int
    number: int
    due: int
    until: int


# Slots lie on a grid of the interval, shifted by a hash of the feed's id, so that feeds of one
# interval do not fire together. The next slot is the first after now: missed ones collapse.
# What is picked stands in a clause of its own: as part of a join it might be picked twice over.
# A lease that has ended and was not given back was of somebody who died: that feed is due now, as
# late as it was then, and not only in its next slot.
_CLAIM = """
WITH picked AS (
  SELECT s.feed_id FROM widgets_feedstate AS s JOIN widgets_feed AS g ON g.id = s.feed_id
  WHERE (s.next_due <= %(now)s OR s.next_due > {far} OR s.lease_until > 0)
    AND (s.lease_until <= %(now)s OR s.lease_until > %(now)s + g."timeout" + %(slack)s)
    AND NOT g.paused AND g."interval" IS NOT NULL AND g.node IN ('', %(node)s)
  ORDER BY s.next_due LIMIT %(most)s {lock})
UPDATE widgets_feedstate SET
  claim = claim + 1,
  due = CASE WHEN lease_until > 0 AND next_due > %(now)s THEN due ELSE next_due END,
  lease_until = %(now)s + f."timeout" + %(slack)s,
  next_due = ((%(now)s - (f.id * 40503 %% 65536) * f."interval" / 65536) / f."interval" + 1)
    * f."interval" + (f.id * 40503 %% 65536) * f."interval" / 65536
FROM widgets_feed AS f
WHERE f.id = widgets_feedstate.feed_id
  AND widgets_feedstate.feed_id IN (SELECT feed_id FROM picked)
RETURNING feed_id, claim, due, lease_until
"""
# No slot and no pause after failures is so far ahead: the clock was set back, and what was due
# then is due now.
_FAR = '(%(now)s + 2 * g."interval" + 120000000)'
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
            _CLAIM.format(lock=_lock(), far=_FAR),
            {"now": now, "slack": LEASE_SLACK, "node": _node(node), "most": most},
        )
        return [Claim(*row) for row in cursor.fetchall()]


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
    """The thread that claims. It hands claims to `enqueue` and feeds to judge to `judge`."""

    def __init__(
        self,
        enqueue: Callable[[Claim], object],
        judge: Callable[[Sequence[int]], object],
    ) -> None:
        self._enqueue = enqueue
        self._judge = judge
        self._poked = threading.Event()
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
        self._poked.set()
        self._thread.join()

    def poke(self) -> None:
        """Look now: something became due or was changed."""
        self._poked.set()

    def tick(self, now: int) -> int:
        """Claim and hand on what is due; when to look again, µs."""
        due, judgement = next_moments(now)
        if due is not None and due <= now:
            hand_on(claim_due(now), self._enqueue)
            due, _ = next_moments(now)
        if judgement is not None and judgement <= now:
            self._judge(claim_judgements(now))
            _, judgement = next_moments(now)
        self.seen = now
        processes.gauge("tick", now)
        moments = [moment for moment in (due, judgement) if moment is not None]
        # What is due still was locked by somebody, and is skipped as long as that lasts.
        return max(min([*moments, now + LOOK_AT_LEAST_EVERY]), now + LOOK_AT_MOST_EVERY)

    def _run(self) -> None:
        while not self._stopping:
            self._poked.clear()
            try:
                with borrowed():
                    look_at = self.tick(clock.now())
            # Broad: the database or the queue is away, and what is due stays due. A ticker that
            # ends is a wall that stands still.
            except Exception as error:  # noqa: BLE001
                logger.warning("The ticker could not hand on what is due: %s", error)
                look_at = clock.now() + SECOND
            self._poked.wait(max(0, look_at - clock.now()) / SECOND)
        connection.close()


_tickers: set[Ticker] = set()


def poke() -> None:
    """Let the tickers of this process look now; those of others look within a second."""
    for ticker in list(_tickers):
        ticker.poke()
