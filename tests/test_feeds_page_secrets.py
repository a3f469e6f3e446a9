"""What is secret in the options of a feed is used and kept, and never shown again."""

from __future__ import annotations

import pytest
from django.test import Client

from dashboard.feeds import masks, options
from tests.forms import inputs, opened
from tests.test_feeds_page_form import NEW, edit, send
from widgets.clock import SECOND
from widgets.models import Feed

LITERAL = "correct-horse"
MASK = masks.MASK


@pytest.fixture
def shop(db: None) -> Feed:
    return Feed.objects.create(
        name="shop", source="http", interval=30 * SECOND, options={"url": "https://shop.example"}
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"password": "x"}, {"password": MASK}),
        ({"password": ""}, {"password": ""}),
        ({"token": "${env:WATCHWALL_SECRET_X}"}, {"token": "${env:WATCHWALL_SECRET_X}"}),
        ({"keys": ["a"], "user": "me"}, {"keys": ["a"], "user": "me"}),
        ({"numbers": {"token_count": "n"}}, {"numbers": {"token_count": "n"}}),
        ({"headers": {"Authorization": "Bearer x", "Accept": "*/*"}},
         {"headers": {"Authorization": MASK, "Accept": "*/*"}}),
        ({"headers": {"Authorization": "Bearer ${env:WATCHWALL_SECRET_X}"}},
         {"headers": {"Authorization": "Bearer ${env:WATCHWALL_SECRET_X}"}}),
        ({"url": "redis://me:pw@host/0"}, {"url": f"redis://me:{MASK}@host/0"}),
        ({"url": "redis://:p@w@host/0"}, {"url": f"redis://:{MASK}@host/0"}),
        ({"url": "http://h/?a=1&api_token=x&b=2"}, {"url": f"http://h/?a=1&api_token={MASK}&b=2"}),
        ({"url": "http://h:80/a:b@c"}, {"url": "http://h:80/a:b@c"}),
        ({"limit": 7, "verify": False}, {"limit": 7, "verify": False}),
    ],
)  # fmt: skip
def test_what_is_secret_goes_by_its_name_and_its_place(
    given: dict[str, object], shown: dict[str, object]
) -> None:
    assert masks.masked(given) == shown
    assert masks.unmasked(shown, given) == given


def test_a_mask_stands_for_what_was_kept_in_its_place_alone() -> None:
    kept = {"url": "http://a:pw@h/", "password": "x"}

    moved = masks.unmasked({"url": f"http://a:{MASK}@other/", "token": MASK}, kept)

    assert masks.still_masked(moved["url"])
    assert masks.still_masked(moved["token"])


def test_what_is_typed_anew_is_to_be_typed_again() -> None:
    kept = {"password": "old", "headers": {"Cookie": "old"}}

    assert options.echo(kept, kept) == {"password": MASK, "headers": {"Cookie": MASK}}
    again = options.echo({"password": "new", "headers": {"Cookie": "new"}}, kept)
    assert again == {"password": options.AGAIN, "headers": {"Cookie": options.AGAIN}}
    assert options.is_again(again["headers"])


def test_a_secret_that_was_typed_is_never_shown_again(owner: Client) -> None:
    typed = {
        "options-user": "me", "options-password": LITERAL, "name": "",
        "options-headers": f"X-Api-Key: {LITERAL}\nAccept: text/plain",
        "options-url": f"https://me:{LITERAL}@shop.example/?token={LITERAL}",
    }  # fmt: skip

    answer = send(owner, NEW, opened(owner, NEW), **typed)

    html = answer.content.decode()
    assert LITERAL not in html
    assert "type it again before you save" in html
    shown = inputs(html)
    assert "Accept: text/plain" in shown["options-headers"]
    assert "shop.example" in shown["options-url"]

    # And sent back as it is, it is not taken for the secret.
    again = send(owner, NEW, shown, name="shop")
    assert again.status_code == 400
    assert not Feed.objects.exists()


def test_a_secret_that_is_stored_is_kept_without_being_shown(owner: Client, shop: Feed) -> None:
    shop.options = {
        "url": "https://shop.example", "user": "me", "password": LITERAL,
        "headers": {"Cookie": LITERAL},
    }  # fmt: skip
    shop.save()
    given = opened(owner, edit(shop))

    pages = [owner.get(f"/feeds/{shop.pk}/{more}").content.decode() for more in ("", "edit/")]
    answer = send(owner, edit(shop), given, **{"options-user": "you"})

    assert answer.status_code == 302
    assert all(LITERAL not in page for page in pages)
    stored = Feed.objects.get().options
    assert (stored["user"], stored["password"]) == ("you", LITERAL)
    assert stored["headers"] == {"Cookie": LITERAL}

    send(owner, edit(shop), opened(owner, edit(shop)), **{"options-password": "better-horse"})
    assert Feed.objects.get().options["password"] == "better-horse"


def test_the_name_of_a_secret_is_none(owner: Client, shop: Feed) -> None:
    shop.options = {"url": "https://shop.example", "token": "${env:WATCHWALL_SECRET_SHOP}"}
    shop.save()

    assert opened(owner, edit(shop))["options-token"] == "${env:WATCHWALL_SECRET_SHOP}"
