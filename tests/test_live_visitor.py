"""Who is at the other end, from what strangers send."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser, User

from dashboard.live.visitor import browser, visitor
from tests.feeds import NOON

BASE = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
TV = "Mozilla/5.0 (SMART-TV; LINUX; Tizen 9.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"


def scope(**headers: str) -> dict[str, Any]:
    named = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in headers.items()]
    return {"client": ["10.0.0.7", 4321], "headers": named}


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (f"{BASE} Safari/537.36", "Chrome 156, Linux"),
        (f"{BASE} Safari/537.36 Edg/156.0.1.2", "Edge 156, Linux"),
        (FIREFOX, "Firefox 140, Windows"),
        (f"{IPHONE} Version/26.0 Mobile/15E148 Safari/604.1", "Safari 26, iPhone"),
        (TV, "Chrome 120, Tizen"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("x" * 100_000, "x" * 60),
    ],
)  # fmt: skip
def test_a_browser_is_said_in_two_words(agent: str, said: str) -> None:
    assert browser(agent) == said


def test_a_stranger_has_no_name_and_the_address_of_the_connection() -> None:
    found = visitor(scope(x_forwarded_for="1.2.3.4"), AnonymousUser(), "socket", NOON)

    assert (found.user, found.address, found.way, found.since) == ("", "10.0.0.7", "socket", NOON)


def test_behind_a_proxy_of_ours_the_address_is_the_one_that_it_added(
    settings: LazySettings,
) -> None:
    settings.USE_X_FORWARDED_HOST = True
    user = User(username="viewer")

    found = visitor(scope(x_forwarded_for="6.6.6.6, 1.2.3.4"), user, "events", NOON)

    assert (found.user, found.address, found.way) == ("viewer", "1.2.3.4", "events")
    assert visitor(scope(), user, "events", NOON).address == "10.0.0.7"


def test_a_connection_by_a_file_has_no_address() -> None:
    assert visitor({"headers": []}, AnonymousUser(), "socket", NOON).address == ""
