"""Sources: how readings are obtained. One module is one source; the registry scans for them."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, ClassVar, Literal

from widgets.clock import SECOND
from widgets.options import Options
from widgets.reading import Reading
from widgets.registry import Registry


class SourceError(Exception):
    """A fetch that failed. The message is a sentence for a person: what, on what, what to do."""


class Source:
    """One way to obtain readings.

    An instance serves every feed of its kind and every thread, so it holds nothing of its own.
    `fetch` is `async def` (runs on the process's I/O loop and must never block it) or a plain
    `def` (runs in a worker thread). Both are cut off at the feed's timeout. It raises
    SourceError, or returns a Reading. `memo` is a JSON object of this feed that outlives the
    process (raw counters, for rates); change it in place.
    """

    slug: ClassVar[str] = ""
    label: ClassVar[str] = ""
    Options: ClassVar[type[Options]] = Options
    mode: ClassVar[Literal["polled", "streamed", "pushed"]] = "polled"
    # A reading of one machine: the feed names its node, and only that machine's consumers claim it.
    local: ClassVar[bool] = False
    interval: ClassVar[int] = 10 * SECOND
    timeout: ClassVar[int] = 5 * SECOND

    def fetch(self, options: dict[str, Any], memo: dict[str, Any]) -> Reading | Awaitable[Reading]:
        raise NotImplementedError

    def cut_off(self, options: dict[str, Any], message: str) -> Reading | Awaitable[Reading] | None:
        """What it means that the timeout came first; `message` says "no answer within 5 s".

        None: the fetch has failed. A check of something else has found it down instead, and
        that is a reading. An `async def` has a few seconds for it on the I/O loop.
        """
        return None


sources: Registry[Source] = Registry("source", "widgets.sources", Source)


def source_choices() -> list[tuple[str, str]]:
    """For the model field: asked each time, so that a new source makes no migration."""
    return sources.choices()
