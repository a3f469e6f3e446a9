"""The addresses of sockets, and of events where a socket cannot be."""

from __future__ import annotations

from django.urls import path

from dashboard.live.consumers import WallConsumer
from dashboard.live.events import events

websocket_urlpatterns = [path("ws/d/<slug:slug>/", WallConsumer.as_asgi())]
# Below /events/.
event_urlpatterns = [
    path("d/<slug:slug>/", events)  # type: ignore[arg-type]  # ASGI, for Channels' router
]
