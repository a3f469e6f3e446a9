"""Many processes of one wall, on a Redis and a PostgreSQL of their own, to be used and broken."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Self

from e2e.servers import Postgres, Redis
from e2e.wall import Managed, Program, Web


class Worker(Program):
    """A Huey consumer or a listener; its cluster knows when it is at work."""

    def __init__(self, cluster: Cluster, log: Path, command: str) -> None:
        super().__init__([sys.executable, "manage.py", command], cluster.environment, log)
        self._cluster = cluster

    def is_ready(self) -> bool:
        return bool(self._cluster.query(f"SELECT 1 FROM widgets_process WHERE pid = {self.pid}"))


class Cluster(Managed):
    """So many web processes, Huey consumers and listeners. Each may be killed and started again.

    All share `data`, which holds the logs: `web0.txt`, `huey0.txt` and so on. `close` ends
    everything, in whatever state it is.
    """

    def __init__(
        self,
        data: Path,
        webs: int = 2,
        hueys: int = 2,
        listeners: int = 0,
        server: str = "daphne",
        **environment: str,
    ) -> None:
        self.redis, self.postgres = Redis(), Postgres()
        super().__init__(
            data,
            DATABASE_URL=self.postgres.url,
            REDIS_URL=self.redis.url,
            WATCHWALL_SECRET_KEY="for tests, and longer than fifty characters " + "-" * 20,
            **environment,
        )
        serve = ("serve", "--server", server)
        self.webs = [Web(self.environment, data / f"web{i}.txt", *serve) for i in range(webs)]
        self.hueys = [Worker(self, data / f"huey{i}.txt", "run_huey") for i in range(hueys)]
        self.listeners = [
            Worker(self, data / f"listener{i}.txt", "listen") for i in range(listeners)
        ]

    @property
    def programs(self) -> list[Program]:
        return [*self.webs, *self.hueys, *self.listeners]

    def start(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def _start(self) -> None:
        self.redis.start()
        self.postgres.start()
        self.manage("migrate", "--verbosity", "0")
        # All at once: each needs a second or two of the processor before it answers.
        for program in self.programs:
            program.spawn()
        for program in self.programs:
            program.wait_until_ready()

    def query(self, sql: str) -> list[tuple[object, ...]]:
        return self.postgres.query(sql)

    def close(self) -> None:
        for program in self.programs:
            program.close()
        self.redis.close()
        self.postgres.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
