"""How a feed is doing, in the words of a list: the one rule for its chips, order and counts. Pure.

Freshness is judged here and now, so that the list stays right when nobody judges any more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from widgets.cadence import Cadence, is_watched
from widgets.clock import format_duration
from widgets.judge import Promise, freshness_at, promise_of
from widgets.numbers import format_age
from widgets.reading import State
from widgets.snapshot import FAILED_AFTER
from widgets.sources import sources

Word = Literal[
    "critical", "failed", "warning", "stale", "late", "failing", "unknown", "waiting", "ok",
    "paused",
]  # fmt: skip
# The worst first; what is paused was meant to be.
WORDS: tuple[Word, ...] = (
    "critical", "failed", "warning", "stale", "late", "failing", "unknown", "waiting", "ok",
    "paused",
)  # fmt: skip
RANKS: dict[str, int] = {word: rank for rank, word in enumerate(WORDS)}
# What somebody should look at.
WRONG = frozenset(WORDS[: WORDS.index("waiting")])
MARKS: dict[str, str] = {
    "critical": "▲", "warning": "◆", "unknown": "?", "failed": "✕", "failing": "✕", "stale": "◌",
    "late": "◔", "waiting": "…", "ok": "", "paused": "‖",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Brief:
    """One feed as far as a list of thousands needs it. Moments and spans in µs.

    `series`: how many it has; `old`: how many of them are late or stale by themselves.
    """

    id: int
    name: str
    source: str
    paused: bool
    private: bool
    interval: int | None
    unwatched: int | None
    cron: str
    time_zone: str
    timeout: int
    expect_every: int | None
    grace: int | None
    token: str | None
    at: int | None
    arrived: int | None
    state: State
    since: int
    failures: int
    failing_since: int | None
    watched_since: int
    watched_until: int
    series: int = 0
    old: int = 0

    @property
    def age_from(self) -> int | None:
        return min(self.at, self.arrived) if self.at and self.arrived else self.at or self.arrived

    @property
    def obtained(self) -> str:
        """How its readings come: polled, streamed, pushed, or ping where a job reports."""
        mode = sources[self.source].mode if self.source in sources else "polled"
        return "ping" if mode == "pushed" and self.grace is not None else mode

    @property
    def cadence(self) -> Cadence:
        zone = self.time_zone or settings.TIME_ZONE
        return Cadence(self.id, self.interval, self.unwatched, self.cron, zone)

    def is_watched(self, now: int) -> bool:
        """Whether somebody watches; only known where it is asked more often for that."""
        return self.unwatched is not None and is_watched(self.watched_until, now)

    def promise(self, now: int) -> Promise:
        found = promise_of(self.cadence, self.timeout, self.expect_every, self.grace)
        return found.watched(self.watched_since if self.is_watched(now) else None)

    def every(self, now: int) -> str:
        """How often, as far as that was said."""
        if self.cron:
            return self.cron
        span = self.cadence.every(self.is_watched(now)) or self.expect_every
        return format_duration(span) if span else ""


@dataclass(frozen=True, slots=True)
class Chip:
    """One thing to say of it; `detail` is how long, or how many."""

    word: Word
    detail: str = ""

    @property
    def mark(self) -> str:
        return MARKS[self.word]


def chips(brief: Brief, now: int) -> list[Chip]:
    """What there is to say, the worst first; never nothing."""
    if brief.paused:
        return [Chip("paused")]
    found = [*_state(brief, now), *_freshness(brief, now)]
    return sorted(found, key=lambda chip: RANKS[chip.word]) or [Chip("ok")]


def _state(brief: Brief, now: int) -> list[Chip]:
    if brief.state == "ok" or brief.at is None:
        return []
    return [Chip(brief.state, format_age(now - brief.since) if brief.since else "")]


def _freshness(brief: Brief, now: int) -> list[Chip]:
    failed = brief.failures >= FAILED_AFTER
    promised = brief.promise(now)
    word = freshness_at(promised.since(brief.at, brief.arrived), promised, failed, now)
    if word == "failed":
        return [Chip("failed", _lasting(brief.failing_since, now))]
    if word in {"late", "stale"}:
        return [Chip(word, _lasting(brief.age_from, now))]
    if brief.failures:
        return [Chip("failing", _lasting(brief.failing_since, now))]
    if brief.age_from is None:
        return [Chip("waiting")]
    of = f"{brief.old:,} of {brief.series:,}" if brief.series > 1 else ""
    return [Chip("stale", of)] if brief.old else []


def _lasting(since: int | None, now: int) -> str:
    return format_age(now - since) if since else ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A feed and what there is to say of it."""

    brief: Brief
    chips: list[Chip]

    @property
    def word(self) -> Word:
        return self.chips[0].word


def judged(briefs: list[Brief], now: int) -> list[Judged]:
    """All of them, what is wrong first; then by name."""
    found = [Judged(brief, chips(brief, now)) for brief in briefs]
    found.sort(key=lambda one: (RANKS[one.word], one.brief.name.casefold(), one.brief.id))
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody looks for: words in the name, the source or the token, a source, a word."""

    text: str = ""
    source: str = ""
    word: str = ""

    def wants(self) -> Callable[[Judged], bool]:
        parts = self.text.casefold().split()

        def wanted(one: Judged) -> bool:
            brief = one.brief
            if self.source and brief.source != self.source:
                return False
            if self.word == "wrong" and one.word not in WRONG:
                return False
            if self.word not in {"", "wrong"} and all(c.word != self.word for c in one.chips):
                return False
            told = f"{brief.name}\n{brief.source}\n{brief.obtained}\n{brief.token or ''}".casefold()
            return all(part in told for part in parts)

        return wanted


def tally(found: list[Judged]) -> list[tuple[Word, int]]:
    """How many of each word that is wrong; a feed that is critical and stale counts in both."""
    counts: dict[Word, int] = {}
    for one in found:
        for chip in one.chips:
            counts[chip.word] = counts.get(chip.word, 0) + 1
    return [(word, counts[word]) for word in WORDS if word in WRONG and word in counts]
