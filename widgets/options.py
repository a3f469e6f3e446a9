"""Options forms: one Django form is schema, editor and check of a source's or a kind's options.

`read` is the one function that reads options, for YAML, the admin and the editor alike. A bare
form would turn what is left out into False, '' or None, let unknown keys pass and refuse "30s".
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django import forms
from django.core.exceptions import ValidationError

from widgets.clock import format_duration, parse_duration
from widgets.registry import nearest


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (`options.interval`) and what was expected."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class BadOptions(ValueError):
    """Options that cannot be taken, with every problem at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class Options(forms.Form):
    """The base of every options form. Fields carry `initial` and `help_text`."""


class DurationField(forms.Field):
    """`30s`, `5 min`, `1h30m`; a span in µs once cleaned. Its `initial` is written the same way."""

    def __init__(self, *, least: int | None = None, most: int | None = None, **kwargs: Any) -> None:
        self.least, self.most = least, most
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return format_duration(value) if isinstance(value, int) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """`90 s` for what was `1 min 30 s` is no change."""
        try:
            return self.clean(self.prepare_value(initial)) != self.clean(data)
        except ValidationError:
            return True

    def clean(self, value: Any) -> int | None:
        if value in self.empty_values:
            if self.required:
                raise ValidationError("a duration is expected, such as 30s or 5 min")
            return None
        try:
            span = parse_duration(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None
        if self.least is not None and span < self.least:
            raise ValidationError(f"{format_duration(self.least)} is the least")
        if self.most is not None and span > self.most:
            raise ValidationError(f"{format_duration(self.most)} is the most")
        return span


class ListField(forms.Field):
    """A list of texts; in a form one a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        if isinstance(value, str):
            value = value.splitlines()
        value = [] if value is None else value
        if not isinstance(value, list | tuple) or any(isinstance(v, dict | list) for v in value):
            raise ValidationError("a list of texts is expected")
        found = [str(item).strip() for item in value if str(item).strip()]
        if self.required and not found:
            raise ValidationError("at least one is expected")
        return found


class MappingField(forms.Field):
    """Names to texts (headers, columns); in a form `name: text`, one a line."""

    widget = forms.Textarea

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{key}: {text}" for key, text in value.items())
        return value

    def clean(self, value: Any) -> dict[str, str]:
        if isinstance(value, str):
            pairs = [line.partition(":") for line in value.splitlines() if line.strip()]
            if any(not sep for _, sep, _ in pairs):
                raise ValidationError("`name: text` is expected on each line")
            value = {key.strip(): text.strip() for key, _, text in pairs}
        value = {} if value is None else value
        if not isinstance(value, Mapping) or any(
            isinstance(v, dict | list) for v in value.values()
        ):
            raise ValidationError("names to texts are expected")
        if self.required and not value:
            raise ValidationError("at least one is expected")
        return {str(key): str(text) for key, text in value.items()}


class JSONValueField(forms.JSONField):
    """Any JSON value. From YAML it is one already, from a form it is text."""

    def to_python(self, value: Any) -> Any:
        return value if isinstance(value, dict | list) else super().to_python(value)


class Checkbox(forms.CheckboxInput):
    """Hands on what was given: Django's own takes every text but "false" for a tick."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return data.get(name, False)


class BoolField(forms.BooleanField):
    """True or false, also as YAML and people write them."""

    widget = Checkbox

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_python(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        given = str(value).strip().lower()
        if given in {"true", "yes", "on", "1"}:
            return True
        if given in {"", "false", "no", "off", "0", "none"}:
            return False
        raise ValidationError(f"{value!r} is neither true nor false")


def initial(form: type[Options]) -> dict[str, Any]:
    """What an empty set of options means."""
    fields: dict[str, forms.Field] = form.base_fields
    return {
        name: field.initial() if callable(field.initial) else field.initial
        for name, field in fields.items()
    }


def read(form: type[Options], given: object, path: str = "options") -> dict[str, Any]:
    """The options, complete and of the fields' types; BadOptions names every wrong one."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        raise BadOptions([Problem(path, "names to values are expected")])
    defaults = initial(form)
    problems = [
        Problem(f"{path}.{key}", f"unknown option{nearest(str(key), list(defaults))}")
        for key in given
        if key not in defaults
    ]
    merged = {**defaults, **{key: value for key, value in given.items() if key in defaults}}
    bound = form(data=merged)
    for name, field in bound.fields.items():
        value = merged[name]
        text = isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField)
        if text and isinstance(value, bool | dict | list):
            # str(True) would be "True", which nobody wrote.
            shown = json.dumps(value)
            problems.append(Problem(f"{path}.{name}", f"text is expected, not {shown[:40]}"))
    wrong = {problem.path for problem in problems}
    for name, errors in bound.errors.get_json_data().items():
        where = path if name == "__all__" else f"{path}.{name}"
        if where not in wrong:
            problems += [Problem(where, str(error["message"])) for error in errors]
    if problems:
        raise BadOptions(problems)
    return dict(bound.cleaned_data)


# What is shorter stands in too many texts to be struck out of them.
LEAST_SECRET = 4
_SECRET = re.compile(r"\$\{env:([A-Za-z0-9_]*)\}")
SECRET_PREFIX = "WATCHWALL_SECRET_"  # noqa: S105
# Begins as the names for feeds do, and is Django's: who has it can sign in as anybody.
RESERVED = "WATCHWALL_SECRET_KEY"


def check_secrets(given: Any, path: str = "options") -> list[Problem]:
    """Every `${env:NAME}` that names a variable outside the ones meant for it."""
    return [
        Problem(where, f"${{env:{name}}} cannot be read; {_refused(name)}")
        for where, text in _texts(given, path)
        for name in _SECRET.findall(text)
        if _refused(name)
    ]


def with_secrets(given: Any) -> Any:
    """A copy with every `${env:NAME}` replaced, at the last moment before use.

    What comes back must reach no page, log, error or export: see `without_secrets`.
    """
    if isinstance(given, str):
        return _SECRET.sub(lambda found: _secret(found[1]), given)
    if isinstance(given, Mapping):
        return {key: with_secrets(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [with_secrets(value) for value in given]
    return given


def without_secrets(given: Any) -> Any:
    """A copy with the value of every secret of this process struck out of every text in it."""
    shown = [
        (written, f"${{env:{name}}}")
        for name, value in os.environ.items()
        if name.startswith(SECRET_PREFIX) and len(value) >= LEAST_SECRET
        # As it stands in an address, too.
        for written in dict.fromkeys((value, quote(value), quote(value, safe="")))
    ]
    # A secret that another begins with would leave the rest of it standing.
    shown.sort(key=lambda pair: -len(pair[0]))
    return _struck(given, shown) if shown else given


def excerpt(given: str, most: int) -> str:
    """The beginning of a text, to be shown: of a secret that is cut, half would stay unnoticed."""
    return str(without_secrets(given))[:most]


def _struck(given: Any, shown: list[tuple[str, str]]) -> Any:
    if isinstance(given, str):
        for written, name in shown:
            given = given.replace(written, name)
        return given
    if isinstance(given, Mapping):
        return {_struck(key, shown): _struck(value, shown) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_struck(value, shown) for value in given]
    return given


def _refused(name: str) -> str:
    """Why no feed may read this variable; "" if it may."""
    if name == RESERVED:
        return "it is the key of Watchwall itself"
    if not name.startswith(SECRET_PREFIX):
        return f"only names that begin with {SECRET_PREFIX}"
    return ""


def _secret(name: str) -> str:
    if refused := _refused(name):
        raise BadOptions([Problem("", f"${{env:{name}}} cannot be read; {refused}")])
    try:
        value = os.environ[name]
    except KeyError:
        raise BadOptions([Problem("", f"{name} is not set in the environment")]) from None
    if len(value) < LEAST_SECRET:
        raise BadOptions(
            [
                Problem(
                    "",
                    f"{name} is too short to be kept out of what is shown; "
                    f"a secret has {LEAST_SECRET} characters at least",
                )
            ]
        )
    return value


def _texts(given: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(given, str):
        return [(path, given)]
    if isinstance(given, Mapping):
        return [found for key, value in given.items() for found in _texts(value, f"{path}.{key}")]
    if isinstance(given, list | tuple):
        return [f for i, value in enumerate(given) for f in _texts(value, f"{path}[{i}]")]
    return []
