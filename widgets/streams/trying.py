"""What a stream brings, to be looked at: nothing is stored, and nothing acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from widgets import clock
from widgets.clock import SECOND, format_duration
from widgets.options import BadOptions, read, with_secrets
from widgets.reading import Reading
from widgets.sources import Heard, Listened, SourceError, Streamed
from widgets.streams.addressing import said
from widgets.streams.merging import Part, merged

# For a source to end, s.
PATIENCE = 10.0


class _Trial:
    """`widgets.sources.Out` that keeps what came first."""

    def __init__(self) -> None:
        self.heard: list[Part] = []
        self.notes: list[str] = []
        self.reached = False
        self.error = ""
        self.over = threading.Event()

    def put(self, batch: Sequence[Heard], ack: Callable[[], None] | None = None) -> bool:
        heard = [one for one in batch if one.reading is not None]
        if not self.over.is_set() and heard:
            now = clock.now()
            # Each has a moment of its own, as when they are stored.
            self.heard = [
                Part(one.reading, now + i) for i, one in enumerate(heard) if one.reading is not None
            ]
            names = sorted({one.name for one in heard if one.name})
            self.notes += [f'for the feed "{name}"' for name in names]
            self.over.set()
        return True

    def room(self, within: float) -> bool:
        return True

    def drain(self) -> None:
        """Nothing waits to be stored."""

    def connected(self) -> None:
        self.reached = True

    def failed(self, feed: int, message: str) -> None:
        self.notes.append(message)

    def listen(self, source: Streamed, feed: Listened, stop: threading.Event) -> None:
        try:
            source.listen([feed], self, stop)
        except SourceError as error:
            self.error = str(error)
        finally:
            self.over.set()


def listened(source: Streamed, options: Mapping[str, Any] | None, within: int) -> Reading:
    """What comes first, within so many µs. Raises SourceError, without the value of any secret."""
    try:
        feed = Listened(0, "trial", with_secrets(read(source.Options, options)), trial=True)
    except BadOptions as error:
        raise SourceError(said(f"the options are wrong: {error}")) from None
    trial, stop = _Trial(), threading.Event()
    thread = threading.Thread(target=trial.listen, args=(source, feed, stop), daemon=True)
    thread.start()
    trial.over.wait(within / SECOND)
    stop.set()
    thread.join(PATIENCE)
    if trial.heard:
        return replace(merged(trial.heard), notes=[said(note) for note in trial.notes])
    nothing = f"nothing came within {format_duration(within)}"
    nothing = f"connected, and {nothing}" if trial.reached else nothing
    raise SourceError(said(trial.error or "; ".join([nothing, *trial.notes])))
