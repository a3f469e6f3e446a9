from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from widgets.clock import MINUTE, SECOND
from widgets.face import TileFrame, face_of
from widgets.kinds import Data, Frame, Kind, Line, kinds
from widgets.render import read_options, render

NOW = 1_795_443_007 * SECOND
FRAME = Frame(NOW, 3, 2, ZoneInfo("UTC"))
TILE = TileFrame("w12", "stat", "CPU", 41, read_at=NOW - 12 * SECOND)
DATA = Data([Line("cpu", "cpu", "%", 45.2, NOW)])


class Broken(Kind):
    slug = "stat"
    label = "Broken"

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        return {"text": 1 / 0}


def test_the_article_says_what_the_page_needs_to_age_it() -> None:
    tile = replace(
        TILE, state="warning", late_at=NOW + 1_500_000, stale_at=NOW + MINUTE, freshness="fresh"
    )

    html = render("stat", {}, DATA, FRAME, tile)

    assert html.startswith(
        '<article id="w12" class="widget widget-stat" data-version="41" data-state="warning" '
        'data-freshness="fresh" data-face="good" data-read="1795442995000" '
        'data-late-at="1795443008500" data-stale-at="1795443067000">'
    )


def test_where_nothing_is_promised_the_moments_are_empty() -> None:
    html = render("stat", {}, DATA, FRAME, replace(TILE, read_at=None))

    assert 'data-read="" data-late-at="" data-stale-at=""' in html
    assert "data-age" not in html


def test_every_mark_of_freshness_is_there_for_the_page_to_show() -> None:
    html = render("stat", {}, DATA, FRAME, TILE)

    assert all(word in html for word in ("◔ Late", "◌ Stale", "✕ Failed"))
    assert '<time data-age="1795442995000">12 s ago</time>' in html


@pytest.mark.parametrize(
    ("state", "mark"), [("critical", "▲"), ("warning", "◆"), ("unknown", "?"), ("ok", None)]
)
def test_a_state_has_a_shape_and_a_word_and_ok_has_none(state: Any, mark: str | None) -> None:
    html = render("stat", {}, DATA, FRAME, replace(TILE, state=state))

    said = f'<span class="mark">{mark} <span>{state.title()}</span></span>'
    assert (said in html) == (mark is not None)


def test_an_error_stands_beside_the_last_good_value() -> None:
    tile = replace(TILE, freshness="failed", error="host: refused <b>")

    html = render("stat", {}, DATA, FRAME, tile)

    assert "45.2" in html
    assert '<span class="error" title="host: refused &lt;b&gt;">host: refused &lt;b&gt;' in html


def test_a_tile_without_any_reading_waits_and_says_for_whom() -> None:
    html = render("stat", {}, Data(), FRAME, replace(TILE, face="waiting", hint="host web-1"))

    assert "Waiting for the first reading" in html
    assert "host web-1" in html
    assert "–" not in html


def test_a_tile_that_never_read_anything_shows_the_error_instead() -> None:
    html = render("stat", {}, Data(), FRAME, replace(TILE, face="failed", error="no route"))

    assert "no route" in html
    assert "Waiting" not in html


def test_what_a_cap_hides_is_counted() -> None:
    html = render("text", {}, replace(DATA, hidden=12), FRAME, TILE)

    assert '<span class="more">+12 more</span>' in html


def test_a_title_leads_to_the_details() -> None:
    html = render("stat", {}, DATA, FRAME, replace(TILE, url="/d/x/tiles/12/"))

    assert '<a class="title" href="/d/x/tiles/12/" title="CPU">CPU</a>' in html


def test_a_kind_that_raises_fails_on_its_own_tile(caplog: pytest.LogCaptureFixture) -> None:
    with kinds.added(Broken()), caplog.at_level(logging.ERROR):
        html = render("stat", {}, DATA, FRAME, TILE)

    assert 'data-freshness="failed" data-face="failed"' in html
    assert "could not be drawn" in html
    assert "ZeroDivisionError" in caplog.text


def test_options_that_no_longer_fit_are_said_on_the_tile() -> None:
    html = render("stat", {"sparkle": True}, DATA, FRAME, TILE)

    assert 'data-face="failed"' in html
    assert "options.sparkle: unknown option" in html


def test_a_kind_that_is_gone_is_said_on_the_tile() -> None:
    html = render("guage", {}, DATA, FRAME, replace(TILE, kind="guage"))

    assert "no widget kind &quot;guage&quot;; did you mean &quot;gauge&quot;?" in html


def test_options_are_read_once_and_cannot_be_changed() -> None:
    first = read_options("stat", {"compare": "1h"})

    assert read_options("stat", {"compare": "1h"}) is first
    with pytest.raises(TypeError):
        first["compare"] = 0  # type: ignore[index]


@pytest.mark.parametrize(
    ("read", "failed", "alone", "face"),
    [
        (False, False, False, "waiting"),
        (False, True, False, "failed"),
        (True, False, False, "good"),
        (True, True, False, "good"),
        (False, False, True, "good"),
        (False, True, True, "good"),
    ],
)
def test_the_face_follows_from_what_was_ever_read(
    read: bool, failed: bool, alone: bool, face: str
) -> None:
    assert face_of(read=read, failed=failed, draws_alone=alone) == face
