"""Model fields that people edit as they would say them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

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


class KeptJSONField(models.JSONField):
    """JSON that comes back as it went in.

    PostgreSQL's jsonb sorts keys, and with them the columns of a table, and makes 1e20 a whole
    number; its json keeps the text. What is in it cannot be asked for in a query.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        return "json" if connection.vendor == "postgresql" else super().db_type(connection)

    def get_db_prep_value(
        self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        if connection.vendor != "postgresql":
            return super().get_db_prep_value(value, connection, prepared)
        # Here and not above: who has no PostgreSQL need not wait for it.
        from psycopg.types.json import Json

        return Json(value)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        if connection.vendor == "postgresql":
            return value  # psycopg has read it already.
        return super().from_db_value(value, expression, connection)


class PrintableName(models.CharField):  # type: ignore[type-arg]
    """1 to 200 printable characters."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs["max_length"] = 200
        super().__init__(**kwargs)

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if not str(value).isprintable():
            raise ValidationError("only printable characters are allowed in a name")
