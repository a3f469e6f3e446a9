"""From what is held to HTML: a tile, the grid, the status line. Plain functions, no I/O.

The first GET of a page and every push are made by these same functions.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from dashboard.live.board import Board, Placed
from dashboard.live.held import Held
from dashboard.live.room import NO_ROOM, without
from widgets.clock import as_datetime
from widgets.face import TileFrame, face_of
from widgets.gather import Condition, condition, gather
from widgets.kinds import Data, Frame, Line
from widgets.reading import Freshness, State
from widgets.render import render
from widgets.select import Picked, Spec, pick
from widgets.snapshot import FeedNow
from widgets.trouble import Trouble

logger = logging.getLogger(__name__)

EMPTY = "This dashboard has no tiles yet."
PRIVATE = "This tile shows a private feed, and everybody may see this dashboard."
BROKEN = "This tile could not be drawn; the server's log has the reason."

# What the status line counts, the loudest first: the word, its plural and its sign.
COUNTS = (
    ("critical", "critical", "▲"),
    ("warning", "warnings", "◆"),
    ("failed", "failed", "✕"),
    ("stale", "stale", "◌"),
    ("late", "late", "◔"),
)


@dataclass(frozen=True, slots=True)
class Painted:
    """One tile as HTML, and what the status line counts of it.

    `since`: when a condition began (µs), by the words of COUNTS. `lacks`: the feeds whose windows
    it would have drawn and were not held. `version`: what the article carries.
    """

    html: str
    state: State
    freshness: Freshness
    version: int = 0
    since: Mapping[str, int] = field(default_factory=dict)
    lacks: Collection[int] = ()


def partial(element: str, html: str) -> str:
    """What htmx morphs into the element with that id."""
    return format_html('<hx-partial id="{}">{}</hx-partial>', element, html)


def paint(board: Board, tile: Placed, held: Held, now: int) -> Painted:
    """One tile. Raises nothing: one that cannot be drawn must not stop the others."""
    try:
        if tile.spec is None:
            return _failed(board, tile, tile.error, now)
        return _paint(board, tile, tile.spec, held, now)
    # Broad, and only here: what is stored may be older than the code that reads it.
    except Exception:
        logger.exception("tile %s of %s could not be drawn", tile.id, board.slug)
        return _failed(board, tile, BROKEN, now)


def _paint(board: Board, tile: Placed, spec: Spec, held: Held, now: int) -> Painted:
    wanted = held.of(spec)
    feeds = [feed for feed in wanted if may_draw(board, feed)]
    if wanted and not feeds:
        return _failed(board, tile, PRIVATE, now)
    picked, fits = without(spec, pick(spec, feeds), held.left_out)
    if fits is None:
        return _failed(board, tile, NO_ROOM, now)
    data = gather(spec, picked, held.windows_of(spec), now, held.events)
    said = condition(spec, picked, data.lines, now)
    error = said.error or _left_out(len(wanted) - len(feeds)) or fits
    version = max(said.version, tile.revision)
    html = render(
        tile.kind,
        spec.options,
        data,
        _frame(board, tile, now),
        TileFrame(
            id=tile.element,
            kind=tile.kind,
            title=tile.title,
            version=version,
            state=said.state,
            freshness=said.freshness,
            face=face_of(
                read=said.read_at is not None,
                failed=any(feed.failed for feed in picked.feeds),
                draws_alone=not spec.shows,
            ),
            read_at=said.read_at,
            late_at=said.late_at,
            stale_at=said.stale_at,
            error=error,
            hint=_hint(spec, picked),
            url=_url(board, tile),
            width=tile.width,
            height=tile.height,
        ),
    )
    since = _since(said, data.lines, picked)
    lacks = held.lacks(spec, picked)
    return Painted(html, said.state, said.freshness, version, since, lacks)


def may_draw(board: Board, feed: FeedNow) -> bool:
    """A private feed is never drawn where everybody may look."""
    return not (board.public and feed.private)


def _failed(board: Board, tile: Placed, error: str, now: int) -> Painted:
    frame = TileFrame(
        id=tile.element,
        kind=tile.kind,
        title=tile.title,
        version=tile.revision,
        freshness="failed",
        face="failed",
        error=error,
        url=_url(board, tile),
        width=tile.width,
        height=tile.height,
    )
    html = render(tile.kind, {}, Data(), _frame(board, tile, now), frame)
    return Painted(html, "ok", "failed", tile.revision)


def _frame(board: Board, tile: Placed, now: int) -> Frame:
    window = tile.spec.window if tile.spec else 0
    return Frame(now, tile.width, tile.height, board.zone, window)


def _url(board: Board, tile: Placed) -> str:
    return "" if board.key.tile else _address(board.slug, tile.id)


@lru_cache(10_000)
def _address(slug: str, tile: int) -> str:
    return reverse("tile", args=[slug, tile])


def _left_out(count: int) -> str:
    if not count:
        return ""
    return f"{count} private feed{' is' if count == 1 else 's are'} left out"


def _hint(spec: Spec, picked: Picked) -> str:
    """Whose first reading a tile waits for."""
    if picked.feeds:
        return "of " + ", ".join(feed.name for feed in picked.feeds)
    return "no feed is named " + " or ".join(show.feed for show in spec.shows)


def _since(said: Condition, lines: Iterable[Line], picked: Picked) -> dict[str, int]:
    """When what the status line counts of a tile began, as far as it is known."""
    moments: dict[str, list[int | None]] = {
        said.state: [
            *(line.since for line in lines if line.state == said.state),
            *(p.series.since for p in picked.cut if p.series.state == said.state),
        ],
        "stale": [said.stale_at],
        "late": [said.late_at],
        "failed": [feed.failing_since for feed in picked.feeds if feed.failed],
    }
    known = {word: [m for m in found if m] for word, found in moments.items()}
    return {word: min(found) for word, found in known.items() if found}


def status(
    board: Board, painted: Iterable[Painted], now: int, trouble: Trouble | None = None
) -> str:
    """The status line: why nothing is recorded, how many tiles are in which condition, since when.

    All counts are there, those of nothing hidden: the page raises them when tiles grow old with
    no word from the server.
    """
    painted = list(painted)
    found = []
    for word, _, _ in COUNTS:
        those = [one for one in painted if word in (one.state, one.freshness)]
        began = [one.since[word] for one in those if word in one.since]
        found.append((len(those), say_moment(board, min(began), now) if began else ""))
    if trouble is None:
        return _status(tuple(found), "", "")
    return _status(tuple(found), trouble.said, say_moment(board, trouble.since, now))


# It mostly says what it said before, and is asked for with every change of every tile.
@lru_cache(1_000)
def _status(found: tuple[tuple[int, str], ...], trouble: str, trouble_since: str) -> str:
    """`found`: how many, and since when, of each of COUNTS."""
    counts = [
        {
            "word": word,
            "plural": plural,
            "said": word if count == 1 else plural,
            "sign": sign,
            "look": word if word in ("critical", "warning") else "old",
            "count": count,
            "since": since,
        }
        for (word, plural, sign), (count, since) in zip(COUNTS, found, strict=True)
    ]
    context = {"counts": counts, "trouble": trouble, "trouble_since": trouble_since}
    return render_to_string("dashboard/_status.html", context)


def say_moment(board: Board, moment: int, now: int) -> str:
    """A moment in the board's time zone: `14:04`, with the date if it is not of today."""
    at, today = (as_datetime(m).astimezone(board.zone) for m in (moment, now))
    return f"{at:%H:%M}" if at.date() == today.date() else f"{at.day} {at:%b %H:%M}"


def title(board: Board) -> str:
    """The dashboard's title, which leads to the list of all."""
    return format_html(
        '<h1 id="title"><a href="{}" title="{}, to all walls">{}</a></h1>',
        reverse("walls"),
        board.title,
        board.title,
    )


def grid(board: Board, painted: Mapping[int, Painted]) -> str:
    """All tiles in their places. The places are classes: the policy allows no inline style."""
    tiles = format_html_join(
        "\n",
        '<section class="tile c-{} r-{} w-{} h-{}">{}</section>',
        ((t.x, t.y, t.width, t.height, painted[t.id].html) for t in board.tiles),
    )
    if board.key.tile:
        return format_html('<div id="wall" class="alone on-wall">{}</div>', tiles)
    empty = "" if board.tiles else format_html('<p class="empty">{}</p>', EMPTY)
    return format_html(
        '<main id="wall" class="wall" data-title="{}" data-theme="{}">{}{}</main>',
        board.title,
        board.theme,
        tiles,
        empty,
    )
