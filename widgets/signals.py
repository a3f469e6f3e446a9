"""What people change is told to every hub, after the commit."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from widgets.models import Revisioned
from widgets.publish import publish_catalogue


def changed(sender: type[Model], **_: Any) -> None:
    """A row of the catalogue was saved or deleted."""
    if issubclass(sender, Revisioned):
        transaction.on_commit(publish_catalogue)


def connect() -> None:
    """Listen to every model that has a revision, also those of apps that build on this one."""
    post_save.connect(changed, dispatch_uid="catalogue-save")
    post_delete.connect(changed, dispatch_uid="catalogue-delete")
