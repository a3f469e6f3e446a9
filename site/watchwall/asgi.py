"""The ASGI application: pushes by themselves, pages through Django, sockets through Channels."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")
# First: what follows needs the models.
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

from dashboard.live.routing import event_urlpatterns, websocket_urlpatterns
from watchwall.probes import Probes
from watchwall.security import SameOrigin
from widgets.push.application import PushApplication

everything: Any = re_path("", pages)  # type: ignore[arg-type]  # ASGI, for Channels' router
events = SameOrigin(URLRouter(event_urlpatterns))
application = ProtocolTypeRouter(
    {
        "http": Probes(PushApplication(URLRouter([re_path("^events/", events), everything]))),
        "websocket": SameOrigin(URLRouter(websocket_urlpatterns)),
    }
)
