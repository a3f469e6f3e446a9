"""What somebody types of a feed: checked as a whole, saved by the fields that were changed.

A page that was opened an hour ago knows what it showed then: what others have changed since is
said before anything is written, and nobody wins by being the last.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import QueryDict

from dashboard.feeds import limits, masks, options, seen
from widgets.models import Feed
from widgets.options import check_secrets
from widgets.sources import Source, sources

ALWAYS = ("name", "private", "keep_raw", "keep_minutes", "keep_hours")
# When its readings come, by its source's mode.
WHEN: dict[str, tuple[str, ...]] = {
    "polled": ("interval", "unwatched", "cron", "time_zone", "timeout", "node"),
    "streamed": ("expect_every", "grace", "node"),
    "pushed": ("expect_every", "grace"),
}
TAKEN = "There is a feed of that name already."


class Changed(Exception):
    """Somebody else has changed it meanwhile; the draft says what, and takes it over."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One field on the page: its input, what is wrong with it, and what else is to be said."""

    bound: forms.BoundField
    errors: Sequence[str]
    note: str

    @property
    def tick(self) -> bool:
        return isinstance(self.bound.field.widget, forms.CheckboxInput)

    @property
    def wide(self) -> bool:
        return isinstance(self.bound.field.widget, forms.Textarea)


class Draft:
    """The page's view of one feed: `data` is what was sent; None: nothing yet."""

    def __init__(self, feed: Feed, data: QueryDict | None = None) -> None:
        self.feed = feed
        self.source: Source = sources[feed.source]
        self.names = (*ALWAYS, *WHEN[self.source.mode])
        self.notes: dict[str, str] = {}
        self.problems: list[str] = []
        self._form = forms.fields_for_model(Feed, fields=self.names)
        # What somebody typed; empty where nothing was sent.
        self.typed_columns: dict[str, Any] = {}
        self.typed_options: dict[str, Any] = {}
        self.typed_limits: list[dict[str, Any]] = []
        self.sent = data is not None
        if data is None:
            self.seen = seen.marks(self._values(feed))
            self._show()
            return
        self.seen = seen.read(data.get("seen", ""))
        self.typed_columns = {
            name: field.widget.value_from_datadict(data, {}, name)
            for name, field in self._form.items()
        }
        given = options.typed(self.source.Options, data)
        self.typed_options = masks.unmasked(given, feed.options)
        self.typed_limits = limits.typed(data)
        self._bind()

    # -- what is shown -----------------------------------------------------------------------

    def _show(self) -> None:
        values = {name: getattr(self.feed, name) for name in self.names}
        self.columns = _columns(self._form)(initial=values)
        self.options = options.shown(self.source.Options, self.feed.options)
        self.limits = limits.rows(self.feed.thresholds, checked=False)

    def _bind(self) -> None:
        self.columns = _columns(self._form)(data=self.typed_columns)
        self.options = options.bound(self.source.Options, self.typed_options)
        self.limits = limits.rows(self.typed_limits, checked=True)

    def hide_secrets(self) -> None:
        """From here on the options are only shown."""
        if not self.sent:
            return
        again = options.echo(self.typed_options, self.feed.options)
        _ = self.options.errors
        self.options.data = {f"{options.PREFIX}-{name}": v for name, v in again.items()}
        for name, value in again.items():
            if options.is_again(value):
                self.notes.setdefault(f"options.{name}", options.TYPE_AGAIN)
        options.dressed(self.options)

    @property
    def secrets(self) -> list[str]:
        """The secrets in what was typed and in what is kept: to be struck out of what is shown."""
        typed = masks.written_out(self.typed_options)
        return sorted({*typed, *masks.written_out(self.feed.options)}, key=len, reverse=True)

    def fields(self, *names: str) -> Iterator[Shown]:
        """The columns of these names, as far as this feed has them."""
        for name in names:
            if name in self.columns.fields:
                yield self._shown(self.columns[name], name)

    def option_fields(self) -> list[Shown]:
        return [self._shown(self.options[name], f"options.{name}") for name in self.options.fields]

    def _shown(self, bound: forms.BoundField, key: str) -> Shown:
        errors = [masks.struck(str(error), self.secrets) for error in bound.errors]
        return Shown(bound, errors, self.notes.get(key, ""))

    @property
    def wrong(self) -> list[str]:
        """What is wrong and belongs to no field."""
        found = [*self.columns.non_field_errors(), *self.options.non_field_errors()]
        return [masks.struck(str(error), self.secrets) for error in [*found, *self.problems]]

    @property
    def seen_json(self) -> str:
        return json.dumps(self.seen)

    # -- checking ----------------------------------------------------------------------------

    def is_valid(self) -> bool:
        """Whether it can be saved as it is; otherwise each field says what is wrong with it."""
        parts = [self.columns, self.options, *self.limits]
        good = all([part.is_valid() for part in parts])
        good &= self._secrets_are_right()
        return good and self._feed_is_right()

    def is_askable(self) -> bool:
        """Whether its source can be asked: a trial needs neither a name nor thresholds."""
        wanted = self.columns.errors.keys() & {"timeout"}
        return self.options.is_valid() and not wanted and self._secrets_are_right()

    def _secrets_are_right(self) -> bool:
        for name, value in self.typed_options.items():
            if options.is_again(value) or masks.still_masked(value):
                self.options.add_error(name, options.TYPE_AGAIN)
        for problem in check_secrets(self.typed_options):
            name = problem.path.split(".")[1].split("[")[0]
            self.options.add_error(name, problem.message)
        return not self.options.errors

    def _feed_is_right(self) -> bool:
        try:
            self.merged().full_clean()
        except ValidationError as error:
            for name, errors in error.error_dict.items():
                for one in errors:
                    text = TAKEN if one.code == "unique" else "; ".join(one.messages)
                    self.blame(name, text)
            return False
        return True

    def blame(self, key: str, sentence: str) -> None:
        """Say what is wrong beside the field that it concerns, such as `options.url` or `name`."""
        name = key.partition(".")[2]
        if name in self.options.fields:
            self.options.add_error(name, sentence)
        elif key in self.columns.fields:
            self.columns.add_error(key, sentence)
        else:
            self.problems.append(sentence)

    def merged(self) -> Feed:
        """The feed as it would be; nothing is written."""
        feed = copy.copy(self.feed)
        for name, value in self._typed_columns().items():
            setattr(feed, name, value)
        feed.options = self.merged_options()
        return feed

    def as_trial(self) -> None:
        """Say nothing of what a trial does not need."""
        for form in (self.columns, *self.limits):
            for name in form.errors.keys() - {"timeout"}:
                del form.errors[name]

    # -- saving ------------------------------------------------------------------------------

    def make(self) -> Feed | None:
        """Save a new feed that is valid; None if somebody took its name just then."""
        feed = self.merged()
        try:
            with transaction.atomic():
                feed.save()
        except IntegrityError:
            self.blame("name", TAKEN)
            return None
        return feed

    def save(self) -> list[str]:
        """Write what was changed here, by name; Changed if others have changed something since."""
        with transaction.atomic():
            current = Feed.objects.select_for_update().get(pk=self.feed.pk)
            now = self._values(current)
            theirs = seen.changed(now, self.seen)
            mine = seen.changed(self._mine(), self.seen)
            if theirs:
                self._take_over(current, now, theirs, mine)
                raise Changed
            columns = sorted({key.partition(".")[0] for key in mine})
            values = {**self._typed_columns(), "options": self.merged_options()}
            for name in columns:
                setattr(current, name, values[name])
            if columns:
                current.save(update_fields=columns)
        return columns

    def _typed_columns(self) -> dict[str, Any]:
        found = {name: self.columns.cleaned_data[name] for name in self.names}
        rows = [row.threshold() for row in self.limits]
        return found | {"thresholds": [row for row in rows if row is not None]}

    def merged_options(self) -> dict[str, Any]:
        """The options as they would be stored."""
        return options.tidy(self.source.Options, self.typed_options)

    def _mine(self) -> dict[str, Any]:
        """What was typed, by column (and each option as `options.<name>`), as it is stored."""
        return self._typed_columns() | self._by_option(self.merged_options())

    def _values(self, feed: Feed) -> dict[str, Any]:
        """What is stored, in the same shape."""
        found = {name: getattr(feed, name) for name in (*self.names, "thresholds")}
        return found | self._by_option(options.tidy(self.source.Options, feed.options))

    def _by_option(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        return {f"options.{n}": stored.get(n) for n in self.source.Options.base_fields}

    def _take_over(
        self, current: Feed, now: Mapping[str, Any], theirs: list[str], mine: list[str]
    ) -> None:
        """What others changed: said beside each field, and taken where nothing else was typed."""
        hidden = masks.masked(current.options)
        for key in theirs:
            name = key.partition(".")[2]
            if name:
                value = hidden.get(name)
            else:
                value = now[key] if key == "thresholds" else seen.as_typed(current, key)
            kept = " What you typed is kept: save again to have it." if key in mine else ""
            self.notes[key] = f"Meanwhile changed to {seen.said(value)}.{kept}"
            if key in mine:
                continue
            if name:
                default = self.source.Options.base_fields[name].initial
                self.typed_options[name] = current.options.get(name, default)
            elif key == "thresholds":
                self.typed_limits = [dict(row) for row in current.thresholds]
            else:
                self.typed_columns[key] = seen.as_typed(current, key)
        self.feed, self.seen = current, seen.marks(now)
        self._bind()


def _columns(fields: Mapping[str, forms.Field]) -> type[forms.Form]:
    return type("Columns", (forms.Form,), dict(fields))
