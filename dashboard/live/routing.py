"""The addresses of sockets."""

from __future__ import annotations

from django.urls import path

from dashboard.live.consumers import WallConsumer

websocket_urlpatterns = [path("ws/d/<slug:slug>/", WallConsumer.as_asgi())]
