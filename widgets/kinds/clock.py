"""The time, here or elsewhere; the page's script makes it tick."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError

from widgets.clock import SECOND
from widgets.kinds import Data, Frame, Kind
from widgets.options import Options
from widgets.registry import nearest


class ZoneField(forms.CharField):
    """A name such as Europe/Berlin."""

    def clean(self, value: Any) -> str:
        name = str(super().clean(value))
        known = available_timezones() if name else set()
        if name and name not in known:
            # The whole list of some 600 zones is no help; where nothing is near, neither is this.
            hint = nearest(name, list(known))
            hint = hint if "did you mean" in hint else "; write it such as Europe/Berlin"
            raise ValidationError(f"{name[:60]!r} is no time zone{hint}")
        return name


class ClockOptions(Options):
    zone = ZoneField(
        required=False,
        initial="",
        max_length=60,
        help_text="The time zone, such as Europe/Berlin; empty: the dashboard's.",
    )


class Clock(Kind):
    slug = "clock"
    label = "Clock"
    Options = ClockOptions
    accepts = frozenset({"nothing"})
    size = (2, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        zone = ZoneInfo(options["zone"]) if options["zone"] else frame.zone
        at = datetime.fromtimestamp(frame.now / SECOND, zone)
        return {
            "zone": zone.key,
            "time": f"{at:%H:%M:%S}",
            "date": f"{at:%A} {at.day} {at:%B}",
            "footer": zone.key.replace("_", " "),
        }
