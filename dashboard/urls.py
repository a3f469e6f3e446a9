"""The addresses of pages."""

from __future__ import annotations

from django.urls import path

from dashboard.views import api
from dashboard.views.connections import connections
from dashboard.views.detail import detail
from dashboard.views.gallery import page as gallery
from dashboard.views.tokens import page as tokens
from dashboard.views.wall import home, wall
from dashboard.views.walls import walls

urlpatterns = [
    path("", home, name="home"),
    path("walls/", walls, name="walls"),
    path("connections/", connections, name="connections"),
    path("tokens/", tokens, name="tokens"),
    path("gallery/", gallery, name="gallery"),
    path("api/feeds/", api.feeds),
    # A name may hold a slash, as the topics of MQTT do.
    path("api/feeds/<path:name>/samples", api.samples),
    path("api/feeds/<path:name>", api.feed),
    path("d/<slug:slug>/", wall, name="wall"),
    path("d/<slug:slug>/w/<int:tile>/", detail, name="tile"),
]
