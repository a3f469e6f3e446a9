"""Who may see what, asked for all who come at the same time: a thousand after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from django.contrib.auth.models import AnonymousUser

from dashboard.access import Viewer, may_see, viewers_of
from dashboard.live.board import Key
from dashboard.live.codes import FORBIDDEN, GONE, SIGN_IN
from dashboard.live.thread import Query
from dashboard.models import Dashboard

# Of one batch, so that it stays a few small queries.
MOST = 500


class Ask(NamedTuple):
    """Who asks, by the key of a session ("" for none), and for what."""

    session: str
    slug: str
    tile: int | None


class Verdict(NamedTuple):
    """Who it is, and what is shown, or the code to close with."""

    viewer: Viewer
    answer: Key | int


class Desk:
    """While a batch is asked for, whoever comes waits for the next. On the server's loop only."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._waiting: list[tuple[Ask, asyncio.Future[Verdict]]] = []
        self._serving: asyncio.Task[None] | None = None

    async def admit(self, ask: Ask) -> Verdict:
        future: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, future))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await future

    async def _serve(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            try:
                found = await self._query(admit, {ask for ask, _ in batch})
            # Broad: it is raised in each who asked.
            except Exception as error:  # noqa: BLE001
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
            else:
                for ask, future in batch:
                    if not future.done():
                        future.set_result(found[ask])
        self._serving = None


def admit(asks: Collection[Ask]) -> dict[Ask, Verdict]:
    """The verdict on each; one query for the boards, and two where anybody has a session."""
    boards = {one.slug: one for one in Dashboard.objects.filter(slug__in={a.slug for a in asks})}
    sessions = {ask.session for ask in asks if ask.session}
    viewers = viewers_of(sessions) if sessions else {}
    found = {}
    for ask in asks:
        viewer = viewers.get(ask.session, AnonymousUser())
        found[ask] = Verdict(viewer, _answer(ask, viewer, boards.get(ask.slug)))
    return found


def _answer(ask: Ask, viewer: Viewer, board: Dashboard | None) -> Key | int:
    if board is None:
        return GONE
    if not may_see(viewer, board):
        return FORBIDDEN if viewer.is_authenticated else SIGN_IN
    return Key(board.pk, ask.tile)
