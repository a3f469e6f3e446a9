"""Who may open a socket."""

from __future__ import annotations

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import LazySettings

from watchwall.asgi import application
from watchwall.security import may_open


@pytest.mark.parametrize(
    ("host", "origin", "may"),
    [
        ("wall:8000", "http://wall:8000", True),
        ("wall", "https://WALL", True),
        ("wall:8000", None, True),
        ("wall:8000", "http://wall:8001", False),
        ("wall:8000", "http://evil", False),
        ("wall:8000", "null", False),
        ("wall:8000", "", False),
        ("evil", "http://evil", False),
        ("", None, False),
    ],
)
def test_only_a_page_of_the_same_host_opens_a_socket(
    settings: LazySettings, host: str, origin: str | None, may: bool
) -> None:
    settings.ALLOWED_HOSTS = ["wall"]
    headers = {b"host": host} | ({} if origin is None else {b"origin": origin})

    assert may_open(headers) is may


def test_any_name_is_allowed_and_still_no_other_origin(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert may_open({b"host": "anything", b"origin": "http://anything"})
    assert not may_open({b"host": "anything", b"origin": "http://evil"})


def test_behind_a_proxy_the_forwarded_host_counts(settings: LazySettings) -> None:
    settings.ALLOWED_HOSTS = ["wall.example"]
    headers = {
        b"host": "10.0.0.1:8000",
        b"x-forwarded-host": "wall.example",
        b"origin": "https://wall.example",
    }
    assert not may_open(headers)

    settings.USE_X_FORWARDED_HOST = True

    assert may_open(headers)


async def test_a_stranger_page_is_refused_before_anything_is_looked_up() -> None:
    socket = WebsocketCommunicator(
        application, "/ws/d/any/", headers=[(b"host", b"localhost"), (b"origin", b"http://evil")]
    )

    connected, _ = await socket.connect()

    assert not connected
