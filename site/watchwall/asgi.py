"""The ASGI application: pushes by themselves, pages through Django, sockets through Channels."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")
# First: what follows needs the models.
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack

from dashboard.live.routing import websocket_urlpatterns
from watchwall.probes import Probes
from watchwall.security import SameOrigin, Viewers
from widgets.push.application import PushApplication

application = ProtocolTypeRouter(
    {
        "http": Probes(PushApplication(pages)),
        "websocket": SameOrigin(SessionMiddlewareStack(Viewers(URLRouter(websocket_urlpatterns)))),
    }
)
