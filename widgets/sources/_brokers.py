"""What sources that listen to a broker share: their options, and who they say that they are."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from widgets.options import BoolField, Options
from widgets.sources import Listened
from widgets.sources._naming import Naming, naming
from widgets.sources._payload import Meaning

PRECISIONS = ("s", "ms", "us", "ns")


class BrokerOptions(Options):
    """Who asks, and what the payload of a message says."""

    user = forms.CharField(required=False, help_text="The user, where the broker wants one.")
    password = forms.CharField(
        required=False, help_text="The password, such as ${env:WATCHWALL_SECRET_BROKER}."
    )
    ca = forms.CharField(
        required=False,
        help_text="A PEM file on the server with the authorities to trust instead of the system's.",
    )
    verify = BoolField(initial=True, help_text="Whether the certificate must be valid.")
    time = forms.CharField(
        initial="time", max_length=100,
        help_text="The field of a JSON object that says when it is true.",
    )  # fmt: skip
    precision = forms.ChoiceField(
        required=False,
        choices=[("", "as usual"), *((unit, unit) for unit in PRECISIONS)],
        help_text="The unit of times that are numbers: s, ms, us or ns. Seconds at first; "
        "ns in line protocol.",
    )

    def clean(self) -> dict[str, Any]:
        given = self.cleaned_data
        if bool(given.get("user")) != bool(given.get("password")):
            raise ValidationError("user and password belong together")
        return given


def check_naming(given: str, known: Callable[[str], bool], example: str) -> str:
    """For `clean_…` of a form: the template as it was given, if it can be read."""
    try:
        naming(given, known, example)
    except ValueError as error:
        raise ValidationError(str(error)) from None
    return given


def names(given: str) -> Naming:
    """A template that was checked."""
    return naming(given, lambda _: True, "")


def meaning(options: Mapping[str, Any]) -> Meaning:
    return Meaning(options["payload"], options["time"], options.get("id", ""), options["precision"])


def known_as(feed: Listened) -> str:
    """What a broker knows the listener of this feed by: always the same, and no other wall's; of
    a trial never the same.

    22 characters, of the 23 that every MQTT broker takes.
    """
    if feed.trial:
        return f"watchwall-{secrets.token_hex(6)}"
    key = f"{settings.SECRET_KEY} {feed.id}".encode()
    return f"watchwall-{blake2b(key, digest_size=6).hexdigest()}"
