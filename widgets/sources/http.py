"""Is it up, how fast, and for how long is its certificate valid?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from django import forms
from django.core.exceptions import ValidationError

from widgets import clock
from widgets.options import excerpt
from widgets.reading import Reading, Verdict
from widgets.sources import Source, SourceError
from widgets.sources._down import down, unheard
from widgets.sources._http import RequestOptions, answer, body_of, said, why
from widgets.sources._patterns import MOST_PATTERN, MOST_SEARCHED, check_pattern
from widgets.sources._phases import Phases, days_left, now, watch


class CheckOptions(RequestOptions):
    """A request, and what is expected of its answer."""

    expect = forms.CharField(
        initial="200-399", help_text="The statuses that are good, such as 200-299, 404."
    )
    contains = forms.CharField(
        required=False, strip=False, help_text="Text that must stand in the body."
    )
    matches = forms.CharField(
        required=False,
        strip=False,
        max_length=MOST_PATTERN,
        help_text="A regular expression that must match somewhere in the body's first 100 kB.",
    )

    def clean_expect(self) -> str:
        given = str(self.cleaned_data["expect"])
        read_statuses(given)
        return given

    def clean_matches(self) -> str:
        given = str(self.cleaned_data["matches"])
        check_pattern(given)
        return given


def read_statuses(given: str) -> list[range]:
    """The statuses of "200-299, 404"; ValidationError says what is expected."""
    found = []
    for part in given.split(","):
        match = re.fullmatch(r"\s*([1-5]\d\d)\s*(?:-\s*([1-5]\d\d)\s*)?", part, re.ASCII)
        if not match or int(match[1]) > int(match[2] or match[1]):
            raise ValidationError(f"{part.strip()[:40]!r} is no status; write 200-299, 404")
        found.append(range(int(match[1]), int(match[2] or match[1]) + 1))
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and how fast (seconds)."""

    status: int
    body: bytes
    whole: bool
    charset: str
    latency: float
    phases: Phases


class Http(Source):
    """A check over a new connection each time.

    Series: `up` (1 or 0), `status`, `latency` and its parts `latency.dns`, `latency.connect`
    (TCP), `latency.tls`, `latency.first-byte` (the request sent and the server thinking) and
    `latency.body`, all in s, and `certificate.days` left (d). A target that is down is a reading
    like any other, with `up` at 0 and the reason in its verdict. It says nothing of the other
    series: they keep their last value and grow old. Where nothing is heard of the target and the
    monitor itself is cut off (WATCHWALL_ANCHORS), the fetch fails and says so.
    """

    slug = "http"
    label = "HTTP check"
    Options = CheckOptions

    async def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading:
        try:
            found = await ask(options)
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, aiohttp.InvalidURL) and not isinstance(
                error, aiohttp.RedirectClientError
            ):
                raise SourceError("the option url is no address that can be asked") from None
            return down(why(error)) if heard(error) else await unheard(why(error))
        return judged(found, options, clock.now())

    async def cut_off(self, options: dict[str, Any], message: str) -> Reading:
        return await unheard(message)


async def ask(options: Mapping[str, Any]) -> Answer:
    """Send the request and take the answer in, timing each part."""
    phases = Phases()
    begun = now()
    watch(phases)
    async with answer(options, fresh=True) as response:
        phases.first_byte += phases.lap()
        body, whole = await body_of(response)
        phases.body = phases.lap()
        latency = now() - begun
        charset = response.charset or "utf-8"
        return Answer(response.status, body, whole, charset, latency, phases)


def heard(error: BaseException) -> bool:
    """Whether the target itself, or something before it, gave an answer that is no good one."""
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(
        error, aiohttp.ClientSSLError
    ):
        return isinstance(error.os_error, ConnectionError)
    return isinstance(error, aiohttp.ClientError | ConnectionError)


def judged(found: Answer, options: Mapping[str, Any], moment: int) -> Reading:
    """The reading of an answer, good or not; `moment` (µs) is when the certificate is looked at."""
    wrong = complaint(found, options)
    phases = found.phases
    numbers = {
        "up": 0.0 if wrong else 1.0,
        "status": float(found.status),
        "latency": found.latency,
        "latency.dns": phases.dns,
        "latency.connect": phases.connect,
        "latency.first-byte": phases.first_byte,
        "latency.body": phases.body,
    }
    if phases.tls is not None:
        numbers["latency.tls"] = phases.tls
    if phases.peer is not None and (days := days_left(phases.peer, moment)) is not None:
        numbers["certificate.days"] = days
    units = {name: "s" for name in numbers if name.startswith("latency")}
    return Reading(
        numbers=numbers,
        units=units | {"certificate.days": "d"},
        verdicts={"up": Verdict("critical", wrong) if wrong else Verdict("ok", said(found.status))},
        notes=() if found.whole else ["only the first 1 MB of the body was read"],
    )


def complaint(found: Answer, options: Mapping[str, Any]) -> str:
    """What is wrong with an answer; "" if nothing is."""
    if not any(found.status in good for good in read_statuses(options["expect"])):
        return f"{said(found.status)}; {options['expect']} was expected"
    if not options["contains"] and not options["matches"]:
        return ""
    try:
        text = found.body.decode(found.charset, "replace")
    except LookupError:
        text = found.body.decode("utf-8", "replace")
    if options["contains"] not in text:
        return f"the body does not contain {excerpt(options['contains'], 100)!r}"
    if options["matches"] and not re.search(options["matches"], text[:MOST_SEARCHED]):
        return f"the body does not match {excerpt(options['matches'], 100)!r}"
    return ""
