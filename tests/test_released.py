"""From every released version to this one, by restoring a backup of a small wall of that version.

Before a release: `manage.py backup wall.sqlite3` of one with feeds, history and a board, under
50 kB when packed by `gzip -9n`, as `tests/fixtures/released/<version>.sqlite3.gz`.
"""

from __future__ import annotations

import gzip
import io
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client

from dashboard.models import Dashboard
from tests.test_settings import ROOT

RELEASED = sorted((ROOT / "tests/fixtures/released").glob("*.sqlite3.gz"))
# What history is: not one row more or less, and none that differs.
HISTORY = {
    "widgets_sample": "series_id, ts, value",
    "widgets_minute": "series_id, ts, n, sum, min, max, last, last_ts",
    "widgets_hour": "series_id, ts, n, sum, min, max, last, last_ts",
    "widgets_event": 'feed_id, series_id, axis, what, start, "end", value, text',
    "widgets_series": "id, feed_id, name, unit, value, at, state",
    "auth_user": "id, username, password",
}
Rows = dict[str, list[tuple[object, ...]]]


def history(execute: Callable[[str], list[tuple[object, ...]]]) -> Rows:
    found = {}
    for table, columns in HISTORY.items():
        found[table] = sorted(execute(f"SELECT {columns} FROM {table}"), key=repr)
    return found


def now_there(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


@pytest.mark.parametrize("packed", RELEASED, ids=lambda path: path.name.removesuffix(".sqlite3.gz"))
@pytest.mark.django_db(transaction=True)
def test_a_wall_of_a_released_version_goes_on_with_its_history(
    packed: Path, tmp_path: Path
) -> None:
    path = tmp_path / "wall.sqlite3"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    with closing(sqlite3.connect(path)) as old:
        was = history(lambda sql: old.execute(sql).fetchall())
    assert min(map(len, was.values())) > 0, "a wall with some of everything"

    call_command("restore", str(path), stdout=io.StringIO())

    assert history(now_there) == was
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    # And the code of today can work with it.
    board = Dashboard.objects.filter(public=True)[0]
    page = Client().get(f"/d/{board.slug}/")
    assert page.status_code == 200
    assert page.content.count(b"<article") == board.tiles.count()
    assert b"could not be drawn" not in page.content


def test_every_released_version_is_kept_small() -> None:
    released = re.findall(r"^## (\S+?)(?:,.*)?$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert {path.name.removesuffix(".sqlite3.gz") for path in RELEASED} == set(released)
    assert all(path.stat().st_size < 50_000 for path in RELEASED)
