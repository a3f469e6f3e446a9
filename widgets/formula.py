"""One line computed from several: `errors / total * 100`, now and at each moment of the past."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets.expression import MOST_LENGTH, BadExpression, Expression, parse
from widgets.history import thin
from widgets.judge import worst_freshness, worst_state
from widgets.kinds import Limits, Line
from widgets.options import Options
from widgets.scales import Point

# A line holds its value for so many of its steps.
HELD = 3


class FormulaField(forms.CharField):
    """An expression over the names that the widget gives its series; see widgets.expression."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            initial="",
            max_length=MOST_LENGTH,
            help_text="Show one number computed from the series instead of them, by the names "
            "they have on this widget: errors / total * 100.",
        )

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if text:
            try:
                parse(text)
            except BadExpression as error:
                raise ValidationError(f"{text[:60]!r} cannot be computed: {error}") from None
        return text


class UnitOptions(Options):
    """For kinds that compute: what unit the result has."""

    formula = FormulaField()
    unit = forms.CharField(
        required=False,
        initial="",
        max_length=40,
        help_text="The unit of what the formula computes, such as %.",
    )


@lru_cache(maxsize=500)
def _parsed(text: str) -> Expression:
    return parse(text)


def apply(options: Mapping[str, Any], lines: Sequence[Line]) -> Sequence[Line]:
    """The lines as they are, or the one that the options' formula makes of them."""
    if not options["formula"]:
        return lines
    return [computed(_parsed(options["formula"]), options["unit"], lines)]


def computed(expression: Expression, unit: str, lines: Sequence[Line]) -> Line:
    """The line of an expression: as bad and as old as the worst of those it is made of.

    The limits of its parts are not its own. Without a value where a part has none.
    """
    known = {line.name: line for line in lines}
    parts = [known[name] for name in expression.names if name in known]
    missing = [name for name in expression.names if name not in known]
    offsets = parts[0].then if parts else ()
    return Line(
        key=expression.text,
        name=expression.text,
        unit=unit,
        value=expression.value(_values(parts, [line.value for line in parts])),
        at=min((line.at for line in parts if line.at is not None), default=None),
        state=worst_state(line.state for line in parts),
        since=max(
            (line.since for line in parts if line.since and line.state != "ok"), default=None
        ),
        freshness=worst_freshness(line.freshness for line in parts),
        message=f"no series is named {', '.join(missing)}" if missing else "",
        points=_points(expression, parts) if not missing else (),
        then={
            offset: expression.value(_values(parts, [line.then.get(offset) for line in parts]))
            for offset in offsets
        },
        limits=Limits(),
        step=max((line.step for line in parts), default=0),
    )


def _values(parts: Sequence[Line], values: Sequence[float | None]) -> dict[str, float]:
    pairs = zip(parts, values, strict=True)
    return {line.name: value for line, value in pairs if value is not None}


def _points(expression: Expression, parts: Sequence[Line]) -> Sequence[Point]:
    """The past of the result: whenever a part changed, with what the others were then."""
    arriving = sorted((ts, line.name, value) for line in parts for ts, value in line.points)
    reach = {line.name: HELD * line.step or math.inf for line in parts}
    held: dict[str, Point] = {}
    found = []
    for ts, group in groupby(arriving, key=lambda item: item[0]):
        held.update({name: (moment, value) for moment, name, value in group})
        now = {name: value for name, (at, value) in held.items() if ts - at <= reach[name]}
        if (value := expression.value(now)) is not None:
            found.append((ts, value))
    return thin(found)
