"""How far a screen is behind what it was handed, by its own word."""

from __future__ import annotations

import pytest

from dashboard.live.receipt import Receipt
from tests.feeds import NOON
from widgets.clock import HOUR, SECOND


def said(version: int) -> str:
    return f'{{"painted":{version}}}'


def handed(*versions: int) -> Receipt:
    receipt = Receipt()
    for version in versions:
        receipt.hand(version, NOON)
    return receipt


def test_whoever_was_handed_nothing_is_not_behind() -> None:
    assert Receipt().behind(NOON) == 0


def test_whoever_paints_nothing_is_further_behind_every_second() -> None:
    receipt = handed(5, 6, 7)

    assert receipt.behind(NOON + 3 * SECOND) == 3 * SECOND
    assert receipt.behind(NOON + HOUR) == HOUR


def test_whoever_has_painted_the_newest_is_not_behind_however_long_ago() -> None:
    receipt = handed(5, 6)

    assert receipt.answer(said(6), NOON + SECOND)

    assert receipt.behind(NOON + HOUR) == 0
    assert receipt.versions_behind == 0
    assert receipt.heard_at == NOON + SECOND


def test_whoever_painted_what_was_waited_for_and_not_the_newest_is_behind_from_then() -> None:
    receipt = handed(5)
    receipt.hand(100, NOON + SECOND)

    receipt.answer(said(60), NOON + 2 * SECOND)

    assert receipt.versions_behind == 40
    assert receipt.behind(NOON + 5 * SECOND) == 3 * SECOND


def test_whoever_goes_on_painting_the_old_stays_behind() -> None:
    receipt = handed(5)
    receipt.answer(said(5), NOON + SECOND)
    receipt.hand(9, NOON + 2 * SECOND)

    for n in range(3, 8):
        receipt.answer(said(5), NOON + n * SECOND)

    assert receipt.behind(NOON + 8 * SECOND) == 6 * SECOND


def test_the_newest_may_fall_when_a_tile_goes() -> None:
    receipt = handed(5, 9)
    receipt.hand(4, NOON + SECOND)

    assert receipt.behind(NOON + 3 * SECOND) == 3 * SECOND
    receipt.answer(said(4), NOON + 4 * SECOND)

    assert receipt.behind(NOON + 9 * SECOND) == 0


def test_nobody_is_ahead() -> None:
    receipt = handed(5)
    receipt.answer(said(9_999_999_999_999_999), NOON + SECOND)
    receipt.hand(6, NOON + 2 * SECOND)

    assert receipt.behind(NOON + 5 * SECOND) == 3 * SECOND


@pytest.mark.parametrize(
    "text",
    [
        None, "", "<script>", "{}", "1", "null", '{"painted":-1}', '{"painted":1.5}',
        '{"painted":"5"}', '{"painted": 5}', '{"painted":5,"more":1}', said(5) + "\n",
        f'{{"painted":{"9" * 100_000}}}', "[" * 100_000, '{"painted":٥}',
    ],
)  # fmt: skip
def test_what_no_page_would_say_changes_nothing(text: str | None) -> None:
    receipt = handed(5)

    assert not receipt.answer(text, NOON + SECOND)

    assert (receipt.painted, receipt.heard_at) == (0, None)


def test_whoever_says_too_much_is_not_listened_to() -> None:
    receipt = handed(5)

    heard = [receipt.answer(said(5), NOON + SECOND + n * 1000) for n in range(1000)]

    assert sum(heard) == 10
