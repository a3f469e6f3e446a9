"""Where widgets are shown: dashboards and their tiles."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from widgets.fields import KeptJSONField
from widgets.models import Revisioned, Widget

COLUMNS = 12
ROWS = 24
THEMES = [("auto", "as the system"), ("dark", "dark"), ("light", "light")]


def default_zone() -> str:
    return settings.TIME_ZONE


class Dashboard(Revisioned):
    """A wall: tiles on 12 columns."""

    slug = models.SlugField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    public = models.BooleanField(
        default=False, help_text="Everybody may see it; otherwise only who is signed in."
    )
    time_zone = models.CharField(max_length=60, default=default_zone)
    theme = models.CharField(
        max_length=5,
        choices=THEMES,
        default="dark",
    )
    first = models.BooleanField(default=False, help_text="It is what the bare address shows.")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def zone(self) -> ZoneInfo:
        """Its time zone; UTC where this machine does not know it (any longer)."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            # One board's zone must not keep the hub from all the others.
            return ZoneInfo("UTC")

    def clean(self) -> None:
        if self.time_zone not in available_timezones():
            raise ValidationError({"time_zone": f"{self.time_zone!r} is no time zone"})

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        if self.first:
            Dashboard.objects.exclude(pk=self.pk).filter(first=True).update(first=False)


class Tile(Revisioned):
    """A widget on a dashboard; `x` and `y` count from 0, all four in columns and rows."""

    dashboard = models.ForeignKey(Dashboard, models.CASCADE, related_name="tiles")
    widget = models.ForeignKey(Widget, models.PROTECT, related_name="tiles")
    x = models.PositiveSmallIntegerField(validators=[MaxValueValidator(COLUMNS - 1)])
    y = models.PositiveSmallIntegerField(validators=[MaxValueValidator(ROWS - 1)])
    width = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(COLUMNS)]
    )
    height = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(ROWS)]
    )

    class Meta:
        ordering = ["y", "x", "pk"]

    def __str__(self) -> str:
        return f"{self.widget} on {self.dashboard}"

    def clean(self) -> None:
        if self.x + self.width > COLUMNS:
            raise ValidationError({"width": f"x + width is more than {COLUMNS}"})
        if self.y + self.height > ROWS:
            raise ValidationError({"height": f"y + height is more than {ROWS}"})


class Description(models.Model):
    """What the file of a dashboard said, when it was applied, of a feed or a widget.

    Two files that describe one thing differently would take turns in changing it. `said` is by
    the model's fields, as it is stored there.
    """

    dashboard = models.ForeignKey(Dashboard, models.CASCADE, related_name="descriptions")
    noun = models.CharField(max_length=10, choices=[("feed", "feed"), ("widget", "widget")])
    name = models.CharField(max_length=200)
    said = KeptJSONField()

    class Meta:
        ordering = ["dashboard", "noun", "name"]
        verbose_name = "description in a file"
        verbose_name_plural = "descriptions in files"
        constraints = [
            models.UniqueConstraint(fields=["dashboard", "noun", "name"], name="described_once")
        ]

    def __str__(self) -> str:
        return f"{self.noun} {self.name} by {self.dashboard}"


class Audience(models.Model):
    """Who watches through one web process, which rewrites its row every 5 s while anybody does.

    `rows`: of `count` connections those furthest behind, as `dashboard.live.audience` tells them.
    """

    process = models.CharField(max_length=200, primary_key=True)
    seen = models.BigIntegerField(db_index=True)
    count = models.PositiveIntegerField()
    rows = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.process
