"""What people change is told to every hub, after the commit; a feed goes with all it has."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save, pre_delete

from widgets import schedule
from widgets.models import Event, Feed, FeedState, Revisioned, Series
from widgets.publish import publish_catalogue


def changed(sender: type[Model], **_: Any) -> None:
    """A row of the catalogue was saved or deleted."""
    if issubclass(sender, Revisioned):
        transaction.on_commit(publish_catalogue)
    if sender is Feed:
        transaction.on_commit(schedule.poke)


def deleting(sender: type[Model], instance: Feed, **_: Any) -> None:
    """A feed is about to go, inside a transaction. As whoever records does, its state is locked
    first: otherwise the two wait for each other, or a series that is made just then is left over
    and refuses the deletion."""
    list(FeedState.objects.select_for_update().filter(pk=instance.pk))
    Event.objects.filter(feed=instance).delete()
    Series.objects.filter(feed=instance).delete()


def connect() -> None:
    """Listen to every model that has a revision, also those of apps that build on this one."""
    post_save.connect(changed, dispatch_uid="catalogue-save")
    post_delete.connect(changed, dispatch_uid="catalogue-delete")
    pre_delete.connect(deleting, sender=Feed, dispatch_uid="feed-deleting")
