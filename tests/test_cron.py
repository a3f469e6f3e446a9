"""The moments that calendars name, in the nights when clocks change too."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets import clock, cron
from widgets.clock import DAY, HOUR, MINUTE, SECOND

BERLIN, LORD_HOWE, KATHMANDU = "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"
SAO_PAULO, UTC_ZONE = "America/Sao_Paulo", "UTC"


def at(text: str) -> int:
    """The moment of `2026-03-29 00:30` in UTC, µs."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


def said(moment: int) -> str:
    return f"{clock.as_datetime(moment):%Y-%m-%d %H:%M}"


def runs(expression: str, zone: str, after: str, count: int) -> list[str]:
    """The next runs, each found from the one before; in UTC."""
    found, moment = [], at(after)
    for _ in range(count):
        following = cron.next_run(expression, zone, moment)
        assert following is not None
        moment = following
        found.append(said(moment))
    return found


@pytest.mark.parametrize(
    ("expression", "zone", "after", "expected"),
    [
        # In spring 2:00 to 3:00 is not there: what was to run then runs when it is over, once.
        ("30 2 * * *", BERLIN, "2026-03-28 00:00",
         ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
        ("0,30 2 * * *", BERLIN, "2026-03-28 12:00", ["2026-03-29 01:00", "2026-03-30 00:00"]),
        # In autumn it is there twice: what is to run then runs once, the first time.
        ("30 2 * * *", BERLIN, "2026-10-24 12:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("30 2 * * *", BERLIN, "2026-10-25 00:45", ["2026-10-26 01:30"]),
        ("30 2 * * *", BERLIN, "2026-10-25 01:10", ["2026-10-26 01:30"]),
        # Every hour and every quarter go on by real hours and minutes through both.
        ("0 * * * *", BERLIN, "2026-03-28 23:30",
         ["2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 02:00"]),
        ("0 * * * *", BERLIN, "2026-10-24 23:30",
         ["2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00"]),
        ("*/15 * * * *", BERLIN, "2026-10-25 00:40",
         ["2026-10-25 00:45", "2026-10-25 01:00", "2026-10-25 01:15"]),
        ("*/15 * * * *", BERLIN, "2026-03-29 00:40", ["2026-03-29 00:45", "2026-03-29 01:00"]),
        # Midnight itself is missing.
        ("0 0 * * *", SAO_PAULO, "2018-11-03 12:00", ["2018-11-04 03:00", "2018-11-05 02:00"]),
        # Half an hour is missing, and another is there twice.
        ("15 2 * * *", LORD_HOWE, "2026-10-02 20:00", ["2026-10-03 15:30", "2026-10-04 15:15"]),
        ("45 1 * * *", LORD_HOWE, "2026-04-04 12:00", ["2026-04-04 14:45", "2026-04-05 15:15"]),
        ("0 7 * * *", KATHMANDU, "2026-01-01 00:00", ["2026-01-01 01:15", "2026-01-02 01:15"]),
        ("0 7 * * mon-fri", BERLIN, "2026-06-05 12:00", ["2026-06-08 05:00", "2026-06-09 05:00"]),
        ("0 0 29 2 *", UTC_ZONE, "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 12 L * *", UTC_ZONE, "2027-02-01 00:00", ["2027-02-28 12:00", "2027-03-31 12:00"]),
        # The 13th, and every Friday.
        ("0 0 13 * fri", UTC_ZONE, "2026-06-10 00:00", ["2026-06-12 00:00", "2026-06-13 00:00"]),
    ],
)  # fmt: skip
def test_the_moments_that_a_calendar_names(
    expression: str, zone: str, after: str, expected: list[str]
) -> None:
    assert runs(expression, zone, after, len(expected)) == expected


def test_a_run_that_is_now_has_been_and_one_a_microsecond_ahead_is_next() -> None:
    seven = at("2026-06-08 05:00")

    assert cron.next_run("0 7 * * *", BERLIN, seven) == seven + DAY
    assert cron.next_run("0 7 * * *", BERLIN, seven - 1) == seven
    assert cron.next_run("0 7 * * *", BERLIN, seven + 1) == seven + DAY


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("", "'' is not five fields"),
        ("@daily", "'@daily' is not five fields, which are minute, hour, day of month"),
        ("0 0 7 * * *", "is not five fields"),
        ("60 * * * *", "'60' is no minute"),
        ("* 24 * * *", "'24' is no hour"),
        ("* * 0 * *", "'0' is no day of month"),
        ("* * * foo *", "'foo' is no month"),
        ("* * * * fri-mon", "'fri-mon' is no day of week"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("١ * * * *", "'١' is no minute"),
        ("0 0 30 2 *", "'0 0 30 2 *' never comes true: no month has such a day"),
        ("0 0 31 4,6,9,11 *", "never comes true"),
        ("0 0 1 2 */7#6", "is no day of week"),
        ("* * */31 2 mon#5", "never comes true"),
    ],
)
def test_what_is_wrong_or_never_comes_true_is_refused_with_a_sentence(
    expression: str, sentence: str
) -> None:
    with pytest.raises(cron.BadCron) as caught:
        cron.check(expression, BERLIN)

    assert sentence in str(caught.value)
    assert cron.next_run(expression, BERLIN, 0) is None or "five fields" in sentence


@pytest.mark.parametrize("zone", ["", "Europe/Berlln", "../etc/passwd", "/etc/localtime", "\0"])
def test_a_zone_that_is_not_there_is_refused_and_names_no_moment(zone: str) -> None:
    with pytest.raises(cron.BadCron, match="is no time zone; write it as Europe/Berlin"):
        cron.check("0 7 * * *", zone)

    assert cron.next_run("0 7 * * *", zone, 0) is None


ZONES = st.sampled_from([BERLIN, LORD_HOWE, KATHMANDU, SAO_PAULO, "America/New_York", "Asia/Gaza"])
MOMENTS = st.integers(at("2009-01-01 00:00"), at("2030-01-01 00:00"))


@given(st.integers(0, 59), st.integers(0, 23), ZONES, MOMENTS)
def test_what_runs_at_a_fixed_time_runs_once_a_day(
    minute: int, hour: int, zone: str, after: int
) -> None:
    first = cron.next_run(f"{minute} {hour} * * *", zone, after)
    second = first and cron.next_run(f"{minute} {hour} * * *", zone, first)

    assert first is not None
    assert second is not None
    assert after < first < second
    days = [datetime.fromtimestamp(one // SECOND, ZoneInfo(zone)).date() for one in (first, second)]
    assert (days[1] - days[0]).days == 1


@given(st.sampled_from([1, 5, 15, 20, 30]), ZONES, MOMENTS)
def test_what_runs_every_few_minutes_never_pauses(every: int, zone: str, after: int) -> None:
    # Those zones are whole quarters of an hour from UTC, and the steps fit into them or an hour.
    found = cron.next_run(f"*/{every} * * * *", zone, after)

    assert found is not None
    assert 0 < found - after <= (every if every in (1, 5, 15) else 45) * MINUTE


@given(st.text("0123456789*/,-#LWmon ", max_size=30), ZONES)
def test_whatever_is_written_is_refused_or_names_a_moment(expression: str, zone: str) -> None:
    try:
        cron.check(expression, zone)
    except cron.BadCron:
        return

    found = cron.next_run(expression, zone, at("2026-01-01 00:00"))
    assert found is not None
    assert found % MINUTE == 0
    assert found < at("2026-01-01 00:00") + 41 * 366 * DAY + HOUR
