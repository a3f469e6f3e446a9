"""What Huey runs."""

from __future__ import annotations

from datetime import timedelta

from huey import crontab
from huey.contrib.djhuey import db_periodic_task, db_task

from widgets import clock, heartbeat, partitions, record, refresh, retention, schedule
from widgets.alone import alone
from widgets.clock import SECOND
from widgets.push import keys
from widgets.schedule import Claim


@db_task()
def refresh_feed(feed: int, number: int, due: int, until: int) -> bool:
    """Refresh one feed under a claim."""
    return refresh.start(Claim(feed, number, due, until))


def enqueue(claim: Claim) -> None:
    """Queue a refresh; one that no worker came to before its lease ended is dropped.

    What only this machine may ask does not go through the queue, from which any machine takes.
    """
    if claim.bound:
        refresh.start(claim)
        return
    left = max(claim.until - clock.now(), SECOND)
    refresh_feed(
        claim.feed, claim.number, claim.due, claim.until,
        expires=timedelta(microseconds=left),
    )  # fmt: skip


@db_periodic_task(crontab(minute="*"))
def sweep() -> None:
    """Claim whatever is due and unclaimed, so that a wall moves even if every ticker is dead."""
    now = clock.now()
    schedule.mend(now)
    schedule.hand_on(schedule.claim_due(now - 2 * SECOND), enqueue)
    record.judge(schedule.claim_judgements(now - 2 * SECOND))


@db_periodic_task(crontab(minute="*"))
def upkeep() -> None:
    """Remove what is older than it is kept, and make room for what will come."""
    now = clock.now()
    # Each consumer has this once a minute, and two that delete the same rows may lock each other.
    with alone("upkeep") as mine:
        if mine:
            partitions.keep_up(now)
            retention.remove_old(now)
            keys.remove_old(now)


@db_periodic_task(crontab(minute="*"))
def beat() -> None:
    """Tell whoever watches this wall that it works. Every consumer does; one of them sends it."""
    heartbeat.start()
