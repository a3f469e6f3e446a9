"""The options of a source as a page shows them and as they are stored. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict

from dashboard.feeds.masks import MASK, masked, names_secret
from widgets.clock import format_duration
from widgets.options import DurationField, MappingField, Options, initial

PREFIX = "options"
LABELS = {"url": "URL", "ca": "CA", "cpu": "CPU", "io": "Disk traffic"}
# What stands in the place of a secret that was typed and not saved: it must be typed again.
AGAIN = "(type it again)"
TYPE_AGAIN = "A secret is not shown again: type it again before you save."


def typed(form: type[Options], data: QueryDict) -> dict[str, Any]:
    """What somebody typed, by option; mappings as such where they can be read as one."""
    found = {}
    for name, field in form.base_fields.items():
        value = field.widget.value_from_datadict(data, {}, f"{PREFIX}-{name}")
        found[name] = _clean(field, value) if isinstance(field, MappingField) else value
    return found


def bound(form: type[Options], given: Mapping[str, Any]) -> Options:
    """The form with these values in it."""
    data = {f"{PREFIX}-{name}": value for name, value in given.items()}
    return _labelled(form(data=data, prefix=PREFIX))


def shown(form: type[Options], stored: Mapping[str, Any]) -> Options:
    """The form with what is stored, its secrets masked."""
    values = {**initial(form), **masked(stored)}
    return dressed(_labelled(form(initial=values, prefix=PREFIX)))


def _labelled(form: Options) -> Options:
    for name, field in form.fields.items():
        field.label = field.label or LABELS.get(name)
    return form


def dressed(form: Options) -> Options:
    """The form with inputs that suit what goes into them."""
    for name, field in form.fields.items():
        attrs = field.widget.attrs
        if isinstance(field.widget, forms.Textarea):
            attrs.update(rows=3, spellcheck="false")
        elif names_secret(name) and isinstance(field, forms.CharField):
            value = str(form[name].value() or "")
            if "${env:" not in value:
                # Django's own would show nothing, not even that there is one.
                field.widget.input_type = "password"
            attrs.update(autocomplete="new-password")
        elif isinstance(field.widget, forms.TextInput):
            attrs.update(autocomplete="off", spellcheck="false")
    return form


def tidy(form: type[Options], given: Mapping[str, Any]) -> dict[str, Any]:
    """What to store: what is not as it would be anyway, each in the one way it is written."""
    found = {}
    defaults = initial(form)
    for name, field in form.base_fields.items():
        if name not in given:
            continue
        value = _clean(field, given[name])
        if value != _clean(field, defaults[name]):
            found[name] = value
    return found


def echo(given: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed as it may be shown again: of a new secret, that it must be typed again."""
    hidden, before = masked(given), masked(kept)

    def again(value: Any, mask: Any, old: Any, old_mask: Any) -> Any:
        if isinstance(value, Mapping) and isinstance(mask, Mapping):
            old = old if isinstance(old, Mapping) else {}
            old_mask = old_mask if isinstance(old_mask, Mapping) else {}
            return {k: again(v, mask[k], old.get(k), old_mask.get(k)) for k, v in value.items()}
        if value == mask or (value == old and mask == old_mask):
            return mask
        return str(mask).replace(MASK, AGAIN)

    return {k: again(v, hidden[k], kept.get(k), before.get(k)) for k, v in given.items()}


def is_again(given: Any) -> bool:
    """Whether a secret that was to be typed again was not."""
    if isinstance(given, Mapping):
        return any(is_again(value) for value in given.values())
    return isinstance(given, str) and AGAIN in given


def _clean(field: forms.Field, value: Any) -> Any:
    try:
        cleaned = field.clean(value)
    except ValidationError:
        return value
    if isinstance(field, DurationField):
        return "" if cleaned is None else format_duration(cleaned)
    return cleaned
