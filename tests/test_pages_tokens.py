"""The page of tokens."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from widgets import clock
from widgets.models import Token
from widgets.push import tokens

pytestmark = pytest.mark.django_db
FORM = {"name": "shop", "feeds": "shop.*, till", "push": "on", "create": "on"}


def made_in(html: str) -> str:
    found = re.search(r'<code id="made">(.*?)</code>', html)
    return found[1] if found else ""


def test_it_is_for_staff(owner: Client, viewer: Client, stranger: Client) -> None:
    assert [who.get("/tokens/").status_code for who in (owner, viewer)] == [200, 403]
    assert stranger.get("/tokens/").headers["Location"] == "/login/?next=/tokens/"
    assert viewer.post("/tokens/", FORM).status_code == 403
    assert stranger.post("/tokens/", FORM).status_code == 302
    assert not Token.objects.exists()
    assert 'href="/tokens/"' not in viewer.get("/walls/").content.decode()


def test_a_token_is_shown_when_it_is_made_and_never_again(owner: Client) -> None:
    answer = owner.post("/tokens/", FORM)

    token = made_in(answer.content.decode())
    grant = tokens.look_up(token)
    assert grant is not None
    assert list(grant.feeds) == ["shop.*", "till"]
    assert (grant.may_push, grant.may_create, grant.may_read) == (True, True, False)
    assert "no-store" in answer.headers["Cache-Control"]
    later = owner.get("/tokens/").content.decode()
    assert token not in later
    assert ">shop<" in later


def test_what_is_ticked_is_what_it_may(owner: Client) -> None:
    owner.post("/tokens/", {"name": "r", "feeds": "*", "read": "on", "create": "on"})

    token = Token.objects.get()
    assert (token.may_push, token.may_create, token.may_read) == (False, False, True)
    assert "read back" in owner.get("/tokens/").content.decode()


def test_what_is_wrong_is_said_and_what_was_typed_stays(owner: Client) -> None:
    owner.post("/tokens/", FORM)

    answer = owner.post("/tokens/", {**FORM, "feeds": "<b>"})

    html = answer.content.decode()
    assert answer.status_code == 400
    assert "there is a token &quot;shop&quot; already" in html
    assert 'value="&lt;b&gt;"' in html
    assert not made_in(html)


def test_a_token_is_revoked_for_good(owner: Client) -> None:
    token = tokens.create("shop", ["*"])

    answer = owner.post("/tokens/", {"revoke": "shop"})

    assert answer.headers["Location"] == "/tokens/"
    assert tokens.look_up(token) is None
    html = owner.get("/tokens/").content.decode()
    assert "revoked" in html
    assert 'value="shop"' not in html


@pytest.mark.parametrize(
    ("ago", "said"),
    [(None, "never"), (clock.SECOND, "just now"), (61 * clock.SECOND, "1 min ago"),
     (clock.DAY + clock.HOUR, "1 d ago")],
)  # fmt: skip
def test_it_says_when_each_was_used(owner: Client, ago: int | None, said: str) -> None:
    tokens.create("shop", ["*"])
    Token.objects.update(used=None if ago is None else clock.now() - ago)

    assert f">{said}<" in owner.get("/tokens/").content.decode()
