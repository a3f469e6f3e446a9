"""Tokens: made, listed, revoked, and never kept as they are."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from widgets.models import Token
from widgets.push import tokens
from widgets.push.tokens import BadToken, Grant

pytestmark = pytest.mark.django_db


def run(*args: str) -> str:
    out = StringIO()
    call_command("token", *args, stdout=out)
    return out.getvalue().strip()


def test_a_token_is_printed_once_and_stored_hashed() -> None:
    token = run("create", "shop", "--feeds", "shop.*, till", "--feeds", "x")

    row = Token.objects.get()
    assert token.startswith("ww_")
    assert len(token) > 30
    assert row.feeds == ["shop.*", "till", "x"]
    assert (row.may_push, row.may_create, row.may_read) == (True, True, False)
    assert token[len(row.hint) :] not in str(vars(row))
    assert token not in run("list")
    grant = tokens.look_up(token)
    assert grant is not None
    assert grant.name == "shop"


def test_a_token_may_be_a_uuid() -> None:
    from uuid import UUID

    token = run("create", "job", "--feeds", "job", "--uuid")

    assert str(UUID(token)) == token
    assert tokens.look_up(token)


def test_a_reading_token_may_not_hand_in() -> None:
    run("create", "r", "--feeds", "*", "--read-only")

    row = Token.objects.get()
    assert (row.may_push, row.may_create, row.may_read) == (False, False, True)


def test_the_list_says_what_each_is_for_and_when_it_was_used() -> None:
    run("create", "a", "--feeds", "shop.*")
    run("create", "b", "--feeds", "*")
    run("create", "c", "--feeds", "*")
    Token.objects.filter(name="b").update(used=1_780_315_230_000_000)
    run("revoke", "c")

    a, b, c = run("list").splitlines()

    assert a.startswith("a  ww_")
    assert a.endswith("…  shop.*  never used")
    assert b.endswith("last used 2026-06-01 12:00 UTC")
    assert "revoked 20" in c


def test_a_revoked_token_is_no_token() -> None:
    token = run("create", "a", "--feeds", "*")

    run("revoke", "a")

    assert tokens.look_up(token) is None


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["create", "", "--feeds", "*"], "1 to 200 printable characters"),
        (["create", "a\nb", "--feeds", "*"], "1 to 200 printable characters"),
        (["create", "a", "--feeds", " , "], "name the feeds it is for"),
        (["create", "a", "--feeds", "x" * 201], "is no name or pattern of feeds"),
        (["create", "there", "--feeds", "*"], 'there is a token "there" already'),
        (["revoke", "thre"], 'no token "thre"; did you mean "there"?'),
    ],
)
def test_what_is_wrong_is_said(args: list[str], said: str) -> None:
    run("create", "there", "--feeds", "*")

    with pytest.raises(CommandError) as error:
        run(*args)

    assert said in str(error.value)


def test_a_token_that_allows_nothing_is_not_made() -> None:
    with pytest.raises(BadToken, match="it would allow nothing"):
        tokens.create("a", ["*"], may_push=False)


@pytest.mark.parametrize(
    ("patterns", "only"),
    [(["a"], "a"), (["a.*"], ""), (["a", "b"], ""), (["a?"], ""), (["[ab]"], "")],
)
def test_a_token_for_one_feed_knows_which(patterns: list[str], only: str) -> None:
    grant = Grant(1, "t", "", patterns, True, True, False, 1, None)

    assert grant.only_feed == only


@pytest.mark.django_db(transaction=True)
def test_comparison_does_not_end_at_the_first_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def compare(a: str, b: str) -> bool:
        compared.append((a, b))
        return a == b

    monkeypatch.setattr("hmac.compare_digest", compare)
    token = run("create", "a", "--feeds", "*")
    remembered = tokens.Remembered()
    grant = tokens.look_up(token)
    assert grant
    remembered.put(grant)

    assert remembered.get(token)

    assert len(compared) == 2
    assert all(len(digest) == 64 for pair in compared for digest in pair)
