"""Thresholds as rows of a form: a pattern of series and its limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from django import forms
from django.http import QueryDict

from widgets.kinds import Limits

NAMES = tuple(field.name for field in fields(Limits))
MOST = 100
SPARE = 2


class LimitsForm(forms.Form):
    """One row; what is left empty is no limit."""

    series = forms.CharField(
        required=False,
        max_length=500,
        widget=forms.TextInput(attrs={"placeholder": "*", "spellcheck": "false"}),
    )

    def threshold(self) -> dict[str, Any] | None:
        """The threshold of a row that is right; None of an empty one."""
        limits = {
            name: _whole(value) for name in NAMES if (value := self.cleaned_data[name]) is not None
        }
        series = self.cleaned_data["series"]
        return {"series": series or "*", **limits} if series or limits else None


for _name in NAMES:
    LimitsForm.base_fields[_name] = forms.FloatField(
        required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
    )


def typed(data: QueryDict) -> list[dict[str, Any]]:
    """The rows that somebody sent."""
    return [
        {name: data.get(f"limits-{i}-{name}", "") for name in ("series", *NAMES)}
        for i in range(MOST)
        if f"limits-{i}-series" in data
    ]


def rows(given: Sequence[Mapping[str, Any]], checked: bool) -> list[LimitsForm]:
    """A form for each, and some to spare; `checked`: what is wrong is said."""
    blank: list[Mapping[str, Any]] = [{}] * SPARE
    filled = [row for row in given if any(value not in {"", None} for value in row.values())]
    found = []
    for i, row in enumerate([*filled, *blank]):
        prefix = f"limits-{i}"
        if checked:
            data = {f"{prefix}-{name}": value for name, value in row.items()}
            found.append(LimitsForm(data=data, prefix=prefix))
        else:
            found.append(LimitsForm(initial=dict(row), prefix=prefix))
    return found


def _whole(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
