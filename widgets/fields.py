"""Model fields that people edit as they would say them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from widgets import options
from widgets.clock import format_duration


class SpanField(models.BigIntegerField):  # type: ignore[type-arg]
    """A span in µs; `10 s` in a form."""

    def formfield(self, **kwargs: Any) -> forms.Field:
        return options.DurationField(
            required=not self.blank,
            label=kwargs.get("label", self.verbose_name.capitalize()),
            help_text=self.help_text,
            initial=format_duration(self.default) if isinstance(self.default, int) else None,
        )


class PrintableName(models.CharField):  # type: ignore[type-arg]
    """1 to 200 printable characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["max_length"] = 200
        super().__init__(**kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if not str(value).isprintable():
            raise ValidationError("only printable characters are allowed in a name")
