"""Django's admin for feeds and widgets, and to look at what machines write of them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from widgets.editing import MachineWritten, NamedFields, age, json_field, moment, span
from widgets.models import Event, Feed, FeedState, Process, Series, Widget

admin.site.site_header = "Watchwall"
admin.site.site_title = "Watchwall"
admin.site.index_title = "Everything there is"


class JSONMixin:
    """JSON columns as text that people can read."""

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest | None, **kwargs: Any
    ) -> Any:
        if isinstance(db_field, models.JSONField):
            return json_field(db_field)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


WHEN = (
    *("interval", "unwatched", "cron", "time_zone", "timeout"),
    *("expect_every", "grace", "node", "paused"),
)


@admin.register(Feed)
class FeedAdmin(JSONMixin, NamedFields):
    list_display = [
        "name",
        "source",
        "asked",
        "paused",
        "private",
        "state",
        "freshness",
        age("now__at"),
        "error",
    ]
    list_filter = ["source", "now__state", "now__freshness", "paused", "private", "node"]
    list_select_related = ["now"]
    search_fields = ["name", "node"]
    fieldsets = [
        (None, {"fields": ["name", "source", "options", "thresholds"]}),
        ("When", {"fields": WHEN}),
        ("Who and how long", {"fields": ["private", "keep_raw", "keep_minutes", "keep_hours"]}),
    ]

    @admin.display(ordering="interval")
    def asked(self, feed: Feed) -> str:
        return str(feed.cadence) or "–"

    @admin.display(ordering="now__state")
    def state(self, feed: Feed) -> str:
        return feed.now.state

    @admin.display(ordering="now__freshness")
    def freshness(self, feed: Feed) -> str:
        return feed.now.freshness

    @admin.display(ordering="now__error")
    def error(self, feed: Feed) -> str:
        text = feed.now.error
        return text if len(text) <= 100 else text[:99] + "…"

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What machines wrote of a feed goes with it, though nobody may delete it alone."""
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)
        own = {str(model._meta.verbose_name) for model in (FeedState, Series, Event)}
        return shown, counts, needed - own, protected


@admin.register(Widget)
class WidgetAdmin(JSONMixin, NamedFields):
    list_display = ["key", "title", "kind", "over_time", "over_series", span("window"), "places"]
    list_filter = ["kind"]
    search_fields = ["key", "title"]
    fields = [
        "key",
        "title",
        "kind",
        "options",
        "shows",
        "over_time",
        "window",
        "over_series",
        "top",
    ]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(tile_count=models.Count("tiles"))

    @admin.display(description="tiles", ordering="tile_count")
    def places(self, widget: Any) -> int:
        return int(widget.tile_count)


@admin.register(FeedState)
class FeedStateAdmin(MachineWritten):
    list_display = [
        "feed",
        "state",
        "freshness",
        moment("at"),
        "failures",
        span("duration"),
        span("lateness"),
        moment("next_due"),
    ]
    list_filter = ["state", "freshness"]
    list_select_related = ["feed"]
    search_fields = ["feed__name", "error"]
    readonly_fields = [
        moment("at"),
        moment("arrived"),
        moment("failing_since"),
        moment("last_error_at"),
        span("duration"),
        span("lateness"),
        moment("next_due"),
        moment("lease_until"),
        moment("judge_at"),
        moment("since"),
    ]
    fields = [
        "feed",
        "version",
        "state",
        "freshness",
        "error",
        "last_error",
        "failures",
        *readonly_fields,
        "claim",
        "text",
        "rows",
        "notes",
    ]


@admin.register(Series)
class SeriesAdmin(MachineWritten):
    list_display = [
        "name",
        "feed",
        "value",
        "unit",
        "state",
        "freshness",
        age("at"),
        "message",
        "ended",
    ]
    list_filter = ["state", "freshness", "ended", "feed"]
    list_select_related = ["feed"]
    search_fields = ["name", "feed__name"]
    readonly_fields = [moment("at"), moment("arrived"), moment("since")]
    fields = [
        "feed",
        "name",
        "value",
        "unit",
        "state",
        "freshness",
        "verdict",
        "message",
        "ended",
        *readonly_fields,
    ]


@admin.register(Event)
class EventAdmin(MachineWritten):
    list_display = [moment("start"), moment("end"), "feed", "series", "axis", "what", "text"]
    list_filter = ["axis", "what", "feed"]
    list_select_related = ["feed", "series"]
    search_fields = ["text", "feed__name", "series__name"]
    readonly_fields = [moment("start"), moment("end")]
    fields = ["feed", "series", "axis", "what", *readonly_fields, "value", "text"]


@admin.register(Process)
class ProcessAdmin(MachineWritten):
    list_display = ["key", "role", "node", "pid", "build", moment("started"), age("seen")]
    list_filter = ["role", "node", "build"]
    search_fields = ["key", "node"]
    readonly_fields = [moment("started"), moment("seen")]
    fields = ["key", "role", "node", "pid", "build", *readonly_fields, "counters"]
