"""Every address of every format: strangers leave no trace, tokens write to their own feeds."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps

from tests.pushing import Sender, ask
from tests.test_formats_alerts import alert, notification
from tests.test_formats_otlp import metrics
from tests.test_formats_prometheus import MS, written
from widgets.formats import Route, formats
from widgets.models import Token
from widgets.push import tokens

GAUGE = metrics({"name": "x", "gauge": {"dataPoints": [{"asInt": 1}]}})
# What each takes, of a feed `x`.
BODIES: dict[str, tuple[str, Any, dict[str, str]]] = {
    "json": ("", {"a": 1}, {}),
    "smashing": ("", {"current": 1, "event": "reload"}, {}),
    "influx": ("", "x value=1", {}),
    "prometheus": ("", written(({"__name__": "x"}, [(MS, 1.0)])), {}),
    "otlp": ("", GAUGE, {"content-type": "application/json"}),
    "healthchecks": ("", "", {}),
    "kuma": ("?status=up", "", {}),
    "alertmanager": ("?feed=x", notification(alert()), {}),
    "annotations": ("?feed=x", {"text": "t", "what": "t"}, {}),
}
ADDRESSES = [
    pytest.param(one.slug, route, method, id=f"{method} {route.path}")
    for one in formats
    for route in one.routes
    for method in sorted(route.methods)
    if not route.open
]


def everything() -> dict[str, list[Any]]:
    """All rows of all tables."""
    models = [model for model in apps.get_models() if model is not Token]
    return {str(model): sorted(map(str, model.objects.values())) for model in models}  # type: ignore[attr-defined]


async def send(sender: Sender, slug: str, route: Route, method: str, token: str) -> int:
    query, body, headers = BODIES[slug]
    path = re.sub("<.*?>", "x", route.path.replace("<token>", token).replace("<status>", "0"))
    return (await sender.send(method, path + query, body, headers)).status


def test_every_format_has_a_body_here() -> None:
    assert sorted(BODIES) == sorted(one.slug for one in formats)


@pytest.mark.parametrize(("slug", "route", "method"), ADDRESSES)
async def test_it_takes_what_a_token_may(
    sender: Sender, slug: str, route: Route, method: str
) -> None:
    token = await ask(lambda: tokens.create("x", ["x"]))
    sender.token = token

    assert await send(sender, slug, route, method, token) in {200, 204}


@pytest.mark.parametrize("secret", ["", "ww_of-a-stranger"])
@pytest.mark.parametrize(("slug", "route", "method"), ADDRESSES)
async def test_a_stranger_gets_401_and_leaves_no_trace(
    sender: Sender, slug: str, route: Route, method: str, secret: str
) -> None:
    sender.token = secret
    before = await ask(everything)

    status = await send(sender, slug, route, method, secret or "nobody")

    assert status == 401
    assert await ask(everything) == before
    assert await ask(lambda: Token.objects.get().used) is None


@pytest.mark.parametrize(("slug", "route", "method"), ADDRESSES)
async def test_a_token_writes_to_no_feed_of_others(
    sender: Sender, slug: str, route: Route, method: str
) -> None:
    token = await ask(lambda: tokens.create("others", ["mine", "mine.*"]))
    sender.token = token
    before = await ask(everything)

    status = await send(sender, slug, route, method, token)

    assert status in {403, 404}
    assert await ask(everything) == before
