"""A query to a database that the operator named."""

from __future__ import annotations

import os
import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from widgets import clock
from widgets.clock import MINUTE, SECOND
from widgets.options import DurationField, MappingField, Options
from widgets.reading import Reading
from widgets.sources import Source, SourceError
from widgets.sources._sql import Asked, SqlError, ask, passwords
from widgets.sources._tables import SHAPES, reading_of

PREFIX = "WATCHWALL_SQL_"
_NAME = re.compile(r"[A-Z0-9_]{1,60}")


class SqlOptions(Options):
    """A query, and what to make of its result."""

    connection = forms.CharField(
        help_text=f"The database, named in the environment: SHOP is what {PREFIX}SHOP says."
    )
    query = forms.CharField(
        max_length=20_000, widget=forms.Textarea, help_text="One statement that reads."
    )
    shape = forms.ChoiceField(
        choices=[(shape, shape) for shape in SHAPES],
        initial="auto",
        help_text="What the result is; auto goes by its columns: times and numbers make a time "
        "series, anything else rows, with numbers where texts tell them apart or there is one.",
    )
    bucket = DurationField(
        required=False,
        least=SECOND,
        help_text="Time series: how long each row counts for from its time on, where rows are "
        "sums over an hour or a week. A column of dates has days.",
    )
    units = MappingField(
        required=False, help_text="Series, or patterns such as sales*, to units: %, B, s."
    )
    limit = forms.IntegerField(
        initial=500,
        min_value=1,
        max_value=50_000,
        help_text="How many rows at most; what is beyond is said and left out.",
    )
    statement_timeout = DurationField(
        initial="4s",
        least=SECOND // 10,
        most=10 * MINUTE,
        help_text="How long the database may take; the feed's timeout should be longer.",
    )

    def clean_connection(self) -> str:
        given = str(self.cleaned_data["connection"]).upper().removeprefix(PREFIX)
        if not _NAME.fullmatch(given):
            raise ValidationError(f"a name as in {PREFIX}SHOP is expected, such as SHOP")
        return given


class Sql(Source):
    """One read-only query, in a transaction that may not write, with a timeout and a limit.

    By the types of the columns: times and numbers give series with history; without times, rows,
    and numbers where texts tell the rows apart or there is a single one. Series are called by the
    text, where there is one beside the number, otherwise `column{text column=text}`. Times
    without a zone are taken as UTC; spans of time become s. What is null is left out.
    """

    slug = "sql"
    label = "SQL query"
    Options = SqlOptions
    interval = MINUTE

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        variable = PREFIX + options["connection"]
        address = os.environ.get(variable, "").strip()
        if not address:
            raise SourceError(f"{variable} is not set in the environment{_known()}")
        asked = Asked(
            options["query"].strip().rstrip(";"), options["statement_timeout"], options["limit"]
        )
        try:
            table = ask(address, asked)
        except SqlError as error:
            raise SourceError(f"{variable}: {_without(str(error), address)}") from None
        return reading_of(table, options, clock.now())


def _known() -> str:
    names = sorted(name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX))
    return f"; there is {', '.join(names)}" if names else ""


def _without(said: str, address: str) -> str:
    """The error in one line, without the password: a driver may quote what it was given."""
    for one in passwords(address):
        said = said.replace(one, "***")
    return " ".join(said.split())
