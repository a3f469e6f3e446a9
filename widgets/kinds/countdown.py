"""How long it is until a moment; the page's script makes it go down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError

from widgets.clock import SECOND
from widgets.kinds import Data, Frame, Kind
from widgets.kinds.clock import ZoneField
from widgets.kinds.message import size
from widgets.numbers import format_age
from widgets.options import Options


class CountdownOptions(Options):
    to = forms.CharField(
        required=False,
        initial="",
        max_length=40,
        help_text="The moment, on the clock of the zone: 2030-12-24 18:00.",
    )
    zone = ZoneField(
        required=False,
        initial="",
        max_length=60,
        help_text="The time zone, such as Europe/Berlin; empty: the dashboard's.",
    )
    done = forms.CharField(
        required=False, initial="", max_length=100, help_text="What to say when it has come."
    )

    def clean_to(self) -> datetime | None:
        text = str(self.cleaned_data["to"]).strip()
        try:
            return datetime.fromisoformat(text) if text else None
        except ValueError:
            raise ValidationError(f"{text!r} is no moment; write 2030-12-24 18:00") from None


class Countdown(Kind):
    slug = "countdown"
    label = "Countdown"
    Options = CountdownOptions
    accepts = frozenset({"nothing"})
    size = (2, 2)

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        zone = ZoneInfo(options["zone"]) if options["zone"] else frame.zone
        if (at := options["to"]) is None:
            said = "No moment is set"
            return {"said": said, "size": size(said, frame), "until": "", "footer": ""}
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at.astimezone(zone)
        moment = round(at.timestamp() * SECOND)
        left = moment - frame.now
        over = left <= 0
        said = (options["done"] or "It has come") if over else format_age(left)
        return {
            "said": said,
            "size": size(said, frame),
            "until": "" if over else moment // 1000,
            "footer": f"{at:%A} {at.day} {at:%B %Y, %H:%M}",
        }
