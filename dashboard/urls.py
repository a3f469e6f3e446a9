"""The addresses of pages."""

from __future__ import annotations

from django.urls import path

from dashboard.views import api
from dashboard.views.connections import connections
from dashboard.views.detail import detail
from dashboard.views.feed import act, delete, feed
from dashboard.views.feed_form import edit, new
from dashboard.views.feeds import feeds
from dashboard.views.gallery import page as gallery
from dashboard.views.tokens import page as tokens
from dashboard.views.wall import home, wall
from dashboard.views.walls import walls

urlpatterns = [
    path("", home, name="home"),
    path("walls/", walls, name="walls"),
    path("feeds/", feeds, name="feeds"),
    path("feeds/new/", new, name="feed-new"),
    path("feeds/<int:pk>/", feed, name="feed"),
    path("feeds/<int:pk>/edit/", edit, name="feed-edit"),
    path("feeds/<int:pk>/delete/", delete, name="feed-delete"),
    *(
        path(f"feeds/<int:pk>/{what}/", act, {"what": what}, name=f"feed-{what}")
        for what in ("pause", "resume", "refresh")
    ),
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
