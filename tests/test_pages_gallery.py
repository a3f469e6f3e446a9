"""The gallery: every kind in every size and condition."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from dashboard.gallery import FACES, gallery
from dashboard.gallery.examples import EXAMPLES
from widgets.kinds import kinds
from widgets.layout import SIZES

pytestmark = pytest.mark.django_db


def test_it_is_for_staff(owner: Client, viewer: Client, stranger: Client) -> None:
    assert [who.get("/gallery/").status_code for who in (owner, viewer)] == [200, 403]
    assert stranger.get("/gallery/").headers["Location"] == "/login/?next=/gallery/"


def test_it_shows_every_kind_in_every_size(owner: Client) -> None:
    html = owner.get("/gallery/").content.decode()

    drawn = re.findall(r'class="widget widget-([a-z]+)"', html)
    assert set(drawn) == set(kinds.slugs())
    assert all(drawn.count(slug) % len(SIZES) == 0 for slug in kinds.slugs())
    assert "could not be drawn" not in html


def test_it_shows_one_kind_in_the_condition_and_the_theme_asked_for(owner: Client) -> None:
    html = owner.get("/gallery/?kind=gauge&face=stale&theme=light").content.decode()

    assert set(re.findall(r'class="widget widget-([a-z]+)"', html)) == {"gauge"}
    assert set(re.findall(r'data-freshness="([a-z]+)"', html)) == {"stale"}
    assert 'data-theme="light"' in html


def test_what_it_is_not_is_shown_as_if_it_had_not_been_asked_for(owner: Client) -> None:
    html = owner.get("/gallery/?kind=guage&face=odd&theme=pink").content.decode()

    assert set(re.findall(r'<article[^>]* data-freshness="([a-z]+)"', html)) == {"fresh"}
    assert "pink" not in html


def test_no_example_is_of_a_kind_that_is_not_there() -> None:
    assert set(EXAMPLES) == set(kinds.slugs())


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("slug", kinds.slugs())
def test_no_example_fails_for_a_reason_of_its_own(slug: str, face: str) -> None:
    html = "".join(tile.html for _, tiles in gallery(slug, face) for tile in tiles)

    assert ('data-face="failed"' in html) == (face == "failed")
