"""Who may see a dashboard: one rule, asked by page and socket alike.

To see a dashboard is to see what its tiles show; a private feed is the exception (fragments).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from dashboard.models import Dashboard

Viewer = AbstractBaseUser | AnonymousUser


class Shown(Protocol):
    """A dashboard, or what the hub holds of one."""

    @property
    def public(self) -> bool: ...


def may_see(viewer: Viewer, shown: Shown) -> bool:
    """Everybody sees what is public; whoever is signed in sees the rest."""
    return shown.public or (viewer.is_authenticated and viewer.is_active)


def visible(viewer: Viewer) -> QuerySet[Dashboard]:
    """The dashboards that the viewer may see."""
    every = Dashboard.objects.all()
    return every if viewer.is_authenticated and viewer.is_active else every.filter(public=True)


def viewers_of(sessions: Collection[str]) -> dict[str, Viewer]:
    """Who each session (by its key) belongs to now; one that ended belongs to nobody.

    Two queries however many there are. As at login, a changed password ends a session.
    """
    model = SessionStore.get_model_class()
    alive = model.objects.filter(session_key__in=sessions, expire_date__gt=timezone.now())
    data = {row.session_key: row.get_decoded() for row in alive}
    users = get_user_model()._default_manager.in_bulk(
        {held[SESSION_KEY] for held in data.values() if SESSION_KEY in held}
    )
    found: dict[str, Viewer] = {key: AnonymousUser() for key in sessions}
    for key, held in data.items():
        user = users.get(_key_of(held))
        if user is not None and constant_time_compare(
            held.get(HASH_SESSION_KEY, ""), user.get_session_auth_hash()
        ):
            found[key] = user
    return found


def _key_of(held: dict[str, str]) -> object:
    """A session holds the user's key as text."""
    given = held.get(SESSION_KEY)
    return None if given is None else get_user_model()._meta.pk.to_python(given)
