"""Whoever signs out or loses a right is told to every hub, after the commit."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from widgets.publish import publish_catalogue


def session_ended(**_: Any) -> None:
    transaction.on_commit(publish_catalogue)


def user_changed(update_fields: frozenset[str] | None, **_: Any) -> None:
    # Each login writes that one field.
    if update_fields != frozenset({"last_login"}):
        transaction.on_commit(publish_catalogue)


def connect() -> None:
    post_delete.connect(session_ended, sender=Session, dispatch_uid="session-ended")
    post_delete.connect(session_ended, sender=get_user_model(), dispatch_uid="user-deleted")
    post_save.connect(user_changed, sender=get_user_model(), dispatch_uid="user-changed")
