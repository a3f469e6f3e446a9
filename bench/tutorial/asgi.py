from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.tutorial.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import path

from bench.tutorial.consumers import TileConsumer

urlpatterns: list[object] = []
application = ProtocolTypeRouter(
    {"http": pages, "websocket": URLRouter([path("ws/", TileConsumer.as_asgi())])}
)
