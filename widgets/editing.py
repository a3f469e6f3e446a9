"""Forms of Django's admin that write what somebody changed, and nothing else.

A form carries everything it showed. Saved as a whole an hour later it would put back what others
have changed since, and comparing it with the database of now would not tell the two apart: so it
carries what it showed at first, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from widgets import clock
from widgets.clock import SECOND, as_datetime, format_duration
from widgets.options import JSONValueField


class EditForm(forms.ModelForm):  # type: ignore[type-arg]
    """Knows what was changed by whoever sent it, however old it is."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.shown = list(self.fields) if self.instance.pk else []
        for name in self.shown:
            self.fields[name].show_hidden_initial = True

    def clean(self) -> dict[str, Any]:
        """What was left as it was is checked, and kept, as it is now."""
        cleaned = super().clean() or self.cleaned_data
        for name in set(self.shown) & set(cleaned) - set(self.changed_data):
            cleaned[name] = getattr(self.instance, name)
        return cleaned


class NamedFields(admin.ModelAdmin):  # type: ignore[type-arg]
    """Saves the fields that were changed, by name, so that their revision rises and no other
    column is written."""

    form = EditForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save(obj, form.changed_data if change else None)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        formset.save(commit=False)
        for row in formset.deleted_objects:
            row.delete()
        for row, changed in formset.changed_objects:
            save(row, changed)
        for row in formset.new_objects:
            save(row, None)
        formset.save_m2m()


def save(row: models.Model, changed: Iterable[str] | None) -> None:
    """Write the named fields of a row; None: it is new."""
    if changed is None:
        row.save()
    elif names := [name for name in changed if name != "DELETE"]:
        row.save(update_fields=names)


class MachineWritten(admin.ModelAdmin):  # type: ignore[type-arg]
    """To look at only: what machines write is theirs to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PrettyJSON(JSONValueField):
    """JSON as people can read it, several lines if it takes them; empty is the field's default."""

    def __init__(self, *, empty: Any = None, **kwargs: Any) -> None:
        self.empty = empty
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict | list):
            return json.dumps(value, indent=2, ensure_ascii=False)
        return super().prepare_value(value)

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return self.empty() if found is None else found


def json_field(field: models.JSONField) -> PrettyJSON:
    """The form field of a JSON column."""
    return PrettyJSON(
        required=False,
        empty=field.get_default if field.has_default() else dict,
        label=(field.verbose_name or "").capitalize(),
        help_text=field.help_text,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 80, "class": "vLargeTextField"}),
    )


def moment(name: str) -> Any:
    """A column for a moment in µs, in UTC."""

    @admin.display(description=_label(name), ordering=name)
    def shown(row: Any) -> str:
        value = _deep(row, name)
        return f"{as_datetime(value):%Y-%m-%d %H:%M:%S.%f} UTC" if value else "–"

    return shown


def span(name: str) -> Any:
    """A column for a span in µs, as people write it."""

    @admin.display(description=_label(name), ordering=name)
    def shown(row: Any) -> str:
        value = _deep(row, name)
        return "–" if value is None else format_duration(value)

    return shown


def age(name: str) -> Any:
    """A column for how long ago a moment in µs was, in its two largest units."""

    @admin.display(description="age", ordering=f"-{name}")
    def shown(row: Any) -> str:
        value = _deep(row, name)
        if not value:
            return "never"
        passed = max(clock.now() - value, 0) // SECOND * SECOND
        return " ".join(format_duration(passed).split()[:4])

    return shown


def _deep(row: Any, name: str) -> Any:
    for part in name.split("__"):
        row = getattr(row, part)
    return row


def _label(name: str) -> str:
    return name.rpartition("__")[2].replace("_", " ")
