"""One look at the database for everything the hub watches; what was missed shows by comparing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.db.models import (
    BigIntegerField,
    Case,
    Count,
    F,
    QuerySet,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast
from django.utils import timezone

from dashboard.access import Viewer, viewers_of
from dashboard.live import board
from dashboard.live.board import Board, Fingerprint, Key
from dashboard.models import Dashboard, Tile
from widgets.models import Feed

Rows = list[tuple[Any, ...]]
NUMBER, TEXT = Value(0, BigIntegerField()), Value("", TextField())
# The sum of all revisions would not fit into 64 bits.
PRIME = 1_000_003


class Mark(NamedTuple):
    """How far a feed is: what people set, and what machines wrote."""

    revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Survey:
    """`feeds`: those watched that are there. `names`: of all feeds, by id; None if as before.

    `there`: which boards exist; `changed`: those that are not as the hub holds them.
    `viewers`: who the sessions belong to now.
    """

    feeds: Mapping[int, Mark]
    names: Mapping[int, str] | None
    there: Collection[Key]
    changed: Mapping[Key, Board]
    viewers: Mapping[str, Viewer]


# What a session and its user must be for the answer of last time to hold.
Standing = tuple[str, str, bool]


@dataclass(slots=True)
class Surveyor:
    """Compares again and again, in the hub's thread; one query as long as nothing changed."""

    _catalogue: tuple[int, int] | None = None
    _known: dict[str, tuple[Standing, Viewer]] = field(default_factory=dict)

    def survey(
        self,
        held: Mapping[Key, Fingerprint],
        feeds: Collection[int],
        sessions: Collection[str],
    ) -> Survey:
        """Compare the boards as they are held, and say how far the watched feeds are."""
        self._known = {key: self._known[key] for key in sessions if key in self._known}
        users = {viewer.pk for _, viewer in self._known.values() if viewer.pk is not None}
        rows = _look({key.dashboard for key in held}, feeds, sessions, users)
        prints = board.fingerprints(held, rows["board"], rows["tile"])
        changed = [key for key, found in prints.items() if found != held[key]]
        return Survey(
            feeds={row[0]: Mark(row[1], row[2]) for row in rows["feed"]},
            names=self._names(rows["feeds"]),
            there=prints.keys(),
            changed=board.read(changed) if changed else {},
            viewers=self._viewers(sessions, rows["session"], rows["user"]),
        )

    def _names(self, rows: Rows) -> Mapping[int, str] | None:
        """Patterns match by name: a feed that is new, or named anew, may be wanted too."""
        count, total, *_ = rows[0]
        if self._catalogue == (count, total):
            return None
        found = names()
        self._catalogue = (count, total)
        return found

    def _viewers(self, sessions: Collection[str], alive: Rows, users: Rows) -> dict[str, Viewer]:
        data = {row[4]: row[5] for row in alive}
        accounts = {row[0]: (row[4], bool(row[1])) for row in users}
        self._known = {
            key: (standing, viewer)
            for key, (standing, viewer) in self._known.items()
            if (data.get(key), *accounts.get(viewer.pk, ())) == standing
        }
        new = data.keys() - self._known.keys()
        for key, viewer in (viewers_of(new) if new else {}).items():
            if viewer.is_authenticated:
                self._known[key] = ((data[key], viewer.password, viewer.is_active), viewer)
        return {
            key: self._known[key][1] if key in self._known else AnonymousUser() for key in sessions
        }


def look(key: Key) -> tuple[Board | None, Mapping[int, str]]:
    """One board, if it is there, and the names of the feeds it may want."""
    return board.read([key]).get(key), names()


def names() -> dict[int, str]:
    """Of all feeds, by id."""
    return dict(Feed.objects.values_list("pk", "name"))


def _look(
    boards: Collection[int],
    feeds: Collection[int],
    sessions: Collection[str],
    users: Collection[Any],
) -> dict[str, Rows]:
    """Everything in one round trip; the rows by what they are of: four numbers and two texts.

    Of the feeds that nobody watches only how many there are, and the sum of their revisions.
    """
    accounts = get_user_model()._default_manager.filter(pk__in=users)
    alive = Session.objects.filter(session_key__in=sessions, expire_date__gt=timezone.now())
    total = Cast(Sum(F("revision") % PRIME, default=0), BigIntegerField())
    active = Case(When(is_active=True, then=1), default=0, output_field=BigIntegerField())
    parts = [
        _rows("board", Dashboard.objects.filter(pk__in=boards), "pk", "revision"),
        _rows(
            "tile",
            Tile.objects.filter(dashboard__in=boards),
            "dashboard_id", "pk", "revision", "widget__revision",
        ),
        _rows("feed", Feed.objects.filter(pk__in=feeds), "pk", "revision", "now__version"),
        _rows("session", alive, texts=("session_key", "session_data")),
        _rows("user", accounts, "pk", active, texts=("password",)),
    ]  # fmt: skip
    # Grouped by nothing: of all rows one.
    every = Feed.objects.values(of=Value("feeds")).annotate(count=Count("pk"), total=total)
    found: dict[str, Rows] = defaultdict(list)
    for of, *row in _rows(F("of"), every, "count", "total").union(*parts, all=True):
        found[of].append(tuple(row))
    return found


def _rows(of: Any, rows: QuerySet[Any], *numbers: Any, texts: tuple[str, ...] = ()) -> Any:
    columns = [*numbers, *[NUMBER] * (4 - len(numbers)), *texts, *[TEXT] * (2 - len(texts))]
    return rows.order_by().values_list(Value(of) if isinstance(of, str) else of, *columns)
