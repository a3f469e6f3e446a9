"""Django's admin for dashboards and where widgets stand on them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest

from dashboard.models import Dashboard, Description, Tile
from widgets.editing import EditForm, MachineWritten, NamedFields


class TileInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Tile
    form = EditForm
    fields = ["widget", "x", "y", "width", "height"]
    extra = 1


@admin.register(Dashboard)
class DashboardAdmin(NamedFields):
    list_display = ["title", "slug", "public", "first", "time_zone", "theme", "tile_count"]
    list_filter = ["public", "theme"]
    search_fields = ["title", "slug"]
    prepopulated_fields = {"slug": ["title"]}
    fields = ["title", "slug", "public", "first", "time_zone", "theme"]
    inlines = [TileInline]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(tile_total=Count("tiles"))

    @admin.display(description="tiles", ordering="tile_total")
    def tile_count(self, dashboard: Any) -> int:
        return int(dashboard.tile_total)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What its file said goes with it, though nobody may delete that alone."""
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)
        return shown, counts, needed - {str(Description._meta.verbose_name)}, protected


@admin.register(Tile)
class TileAdmin(NamedFields):
    list_display = ["widget", "dashboard", "x", "y", "width", "height"]
    list_filter = ["dashboard"]
    list_select_related = ["widget", "dashboard"]
    search_fields = ["widget__key", "widget__title", "dashboard__title"]
    fields = ["dashboard", "widget", "x", "y", "width", "height"]


@admin.register(Description)
class DescriptionAdmin(MachineWritten):
    list_display = ["name", "noun", "dashboard"]
    list_filter = ["noun", "dashboard"]
    list_select_related = ["dashboard"]
    search_fields = ["name"]
    fields = ["dashboard", "noun", "name", "said"]
