"""Calendars: the five fields of cron in a time zone, and the moments that they name. Pure.

Fields and days are those of Debian's cron, and so are the two nights on which clocks change: what
runs at a fixed time runs once on each of them, just after the gap if its time falls into one; what
runs every hour or minute goes by real hours and minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from widgets.clock import SECOND

FIELDS = ("minute", "hour", "day-of-month", "month", "day-of-week")


class BadCron(ValueError):
    """The expression cannot be used; the message is a sentence that says why."""


def check(expression: str, zone: str) -> None:
    """BadCron if the expression cannot be read in that zone, or never comes true."""
    if zone not in available_timezones():
        raise BadCron(f"{zone[:40]!r} is no time zone; write it as Europe/Berlin or UTC")
    if len(expression.split()) != len(FIELDS):
        raise BadCron(
            f"{expression[:40]!r} is not five fields, which are minute, hour, day of month, month "
            'and day of week: "0 7 * * mon-fri" is at 7:00 on weekdays'
        )
    for name, given in zip(FIELDS, expression.split(), strict=True):
        alone = " ".join(given if name == field else "*" for field in FIELDS)
        if _first(alone) is None:
            raise BadCron(f"{given[:40]!r} is no {name.replace('-', ' ')}")
    if _first(expression) is None:
        raise BadCron(f"{expression[:40]!r} never comes true: no month has such a day")


def _first(expression: str) -> datetime | None:
    try:
        return next(CronSim(expression, datetime(2000, 1, 1, tzinfo=UTC)), None)
    except CronSimError:
        return None


# Judging asks for every series of a feed, and all of them came at the same moment.
@lru_cache(maxsize=10_000)
def next_run(expression: str, zone: str, after: int) -> int | None:
    """The first moment after `after` (both µs) that the expression names.

    None for one that `check` refuses: a row written past it, or a zone this machine does not know
    any longer, must not keep others from being asked.
    """
    try:
        moments = CronSim(expression, datetime.fromtimestamp(after // SECOND, ZoneInfo(zone)))
        # In the hour that comes twice it may name the first of the two, which has passed.
        return next((at for one in moments if (at := _moment(one)) > after), None)
    except (CronSimError, ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return None


def _moment(at: datetime) -> int:
    return int(at.timestamp()) * SECOND
