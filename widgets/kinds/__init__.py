"""Kinds: how data looks. One module and one template is one kind; the registry scans for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from widgets.options import Options
from widgets.reading import Freshness, State
from widgets.registry import Registry

Accepts = Literal["numbers", "rows", "text", "nothing"]
Points = Literal["reduced", "buckets", "samples"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of one series, as the judge used them; None where there is none."""

    warning_above: float | None = None
    warning_below: float | None = None
    critical_above: float | None = None
    critical_below: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of numbers as a picture gets it, already reduced over time and over series.

    `value`: None when there is none yet. `at`: the moment of the value, µs.
    `points`: (moment in µs, value), by time, at most 600, peaks kept; empty without a window.
    `then`: the value at each offset (µs ago) that `Needs.offsets` asked for; None if unknown.
    `message`: what the source said of it ("connection refused"), "" if nothing.
    """

    key: str
    name: str
    unit: str = ""
    value: float | None = None
    at: int | None = None
    state: State = "ok"
    since: int | None = None
    freshness: Freshness = "fresh"
    message: str = ""
    points: Sequence[tuple[int, float]] = ()
    then: Mapping[int, float | None] = field(default_factory=dict)
    limits: Limits = Limits()
    # The usual distance between two points, µs: a larger one (3 times) is a gap. 0: unknown.
    step: int = 0


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as a picture gets it: a state or a freshness that was left for another, or a note.

    `key`: of the line it befell, "" where it befell the whole feed. `end`: None while it goes on.
    """

    key: str
    feed: str
    series: str
    axis: Literal["state", "freshness", "note"]
    what: str
    start: int
    end: int | None
    value: float | None = None
    unit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture's data as a table, for who cannot see it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Data:
    """What a widget shows. `hidden`: how many series were left out by a cap.

    `events`: those that `Needs.events` asked for, the newest first.
    """

    lines: Sequence[Line] = ()
    rows: Sequence[Mapping[str, Any]] = ()
    text: str = ""
    notes: Sequence[str] = ()
    hidden: int = 0
    events: Sequence[Happening] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a picture depends on besides data.

    `now` in µs, an argument and never the clock, so that any moment can be drawn again.
    `width` and `height` in columns and rows of the board; `window` in µs.
    """

    now: int
    width: int
    height: int
    zone: ZoneInfo
    window: int = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """What a kind wants besides the last values: a window of points (µs; 0 none), and the values
    at offsets (µs ago) to compare with.

    `points`: reduced to what can be seen, with their peaks; each bucket of the table that suits
    the window; or every raw sample, for what counts them. `events`: how far back (µs) it wants
    events; 0 none.
    """

    window: int = 0
    offsets: tuple[int, ...] = ()
    points: Points = "reduced"
    events: int = 0


class Kind:
    """One way data looks.

    `picture` is pure: no clock, no query, no request. It returns the context of the template
    `widgets/<slug>.html`, which extends `widgets/base.html` and fills the body only. It takes
    whatever data there is (nothing, one line, thousands) and raises nothing.
    """

    slug: ClassVar[str] = ""
    label: ClassVar[str] = ""
    Options: ClassVar[type[Options]] = Options
    accepts: ClassVar[frozenset[Accepts]] = frozenset({"numbers"})
    # The smallest and the usual size in columns × rows, for the editor and for YAML's default.
    size: ClassVar[tuple[int, int]] = (3, 2)

    def needs(self, options: Mapping[str, Any]) -> Needs:
        return Needs()

    def picture(self, options: Mapping[str, Any], data: Data, frame: Frame) -> dict[str, Any]:
        raise NotImplementedError

    def sheet(self, options: Mapping[str, Any], data: Data, frame: Frame) -> Sheet | None:
        """The data as a table, for who cannot see the picture; None: its series, or its rows."""
        return None


kinds: Registry[Kind] = Registry("widget kind", "widgets.kinds", Kind)


def kind_choices() -> list[tuple[str, str]]:
    """For the model field: asked each time, so that a new kind makes no migration."""
    return kinds.choices()
