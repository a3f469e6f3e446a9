"""Trying a feed: its source is asked, or listened to until something comes; nothing is recorded."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from widgets import io
from widgets.fetch import fetch
from widgets.reading import Reading
from widgets.sources import Source, SourceError, Streamed
from widgets.streams.trying import listened


@dataclass(slots=True)
class Trial:
    """A feed as far as trying it needs one; `timeout` in µs."""

    source: Source
    options: Mapping[str, Any]
    timeout: int
    memo: dict[str, Any]

    def ask(self) -> tuple[Reading, int]:
        """The reading, and how long it took, µs; SourceError says why there is none."""
        begun = time.monotonic_ns()
        if isinstance(self.source, Streamed):
            reading = listened(self.source, self.options, self.timeout)
            return reading, (time.monotonic_ns() - begun) // 1000
        if self.source.mode != "polled":
            raise SourceError(
                f'nothing can be asked of the source "{self.source.slug}": '
                "its readings are handed in"
            )
        asked = fetch(self.source, self.options, self.memo, self.timeout)
        return io.submit(asked).result(), (time.monotonic_ns() - begun) // 1000
