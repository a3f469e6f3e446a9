"""A wall of many processes, and a process that records what its board shows."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.child import Child
from e2e.cluster import Cluster


def python(module: str, *args: str) -> list[str]:
    return [sys.executable, "-m", module, *args]


class Recorder(Child):
    """`bench.recorder` beside a cluster: it records readings of the feeds `bench.<n>`."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(python("bench.recorder"), cluster.environment)
        self.hear(30)

    def record(self, feed: int, text: str) -> None:
        """One reading; waits for nothing."""
        self.tell(json.dumps({"feed": feed, "text": text}))

    def pace(
        self, rates: Sequence[tuple[int, float]], seconds: float, numbers: bool = False
    ) -> None:
        """Begin to record so many readings a second of each feed, texts or numbers."""
        self.tell(json.dumps({"pace": rates, "seconds": seconds, "numbers": numbers}))

    def sent(self, within: float) -> int:
        """Wait for the end of it; how many readings there were."""
        return int(self.hear(within)["sent"])


@contextmanager
def serving(server: str, board: str) -> Iterator[tuple[Cluster, Recorder]]:
    """One web process of `server` with that board, on a Redis and a PostgreSQL of their own."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster(Path(folder), webs=1, hueys=0, server=server) as cluster,
    ):
        cluster.apply(board)
        with Recorder(cluster) as recorder:
            yield cluster, recorder
