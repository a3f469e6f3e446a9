"""All tests have a data folder of their own: none may touch the wall that runs from this one.

With WATCHWALL_TEST_DATABASE=postgresql those that ask the database run on a PostgreSQL that is
started for them.
"""

from __future__ import annotations

import os
import tempfile

import pytest

from e2e.servers import Postgres

# A plugin (-p in pyproject.toml) and no conftest: pytest-django loads the settings before those.
_folder = tempfile.TemporaryDirectory(prefix="watchwall-tests-")
os.environ["WATCHWALL_DATA"] = _folder.name
DATABASE = os.environ.get("WATCHWALL_TEST_DATABASE", "sqlite")
assert DATABASE in {"sqlite", "postgresql"}, "WATCHWALL_TEST_DATABASE takes sqlite or postgresql"
_postgres: Postgres | None = None
if DATABASE == "postgresql":
    # What a crash would lose, no test here needs.
    _postgres = Postgres("-c fsync=off -c synchronous_commit=off").start()
    os.environ["DATABASE_URL"] = _postgres.url


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    from django.conf import settings

    assert settings.DATABASES["default"]
    # The settings have it; a process that a test starts is to have a database of its own.
    os.environ.pop("DATABASE_URL", None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    leave = [item for item in items if not _belongs(item)]
    if leave:
        items[:] = [item for item in items if item not in leave]
        config.hook.pytest_deselected(items=leave)


def _belongs(item: pytest.Item) -> bool:
    """On PostgreSQL what asks the database, and nothing else a second time."""
    if DATABASE == "sqlite":
        return item.get_closest_marker("postgresql") is None
    asks = {"db", "transactional_db"} & set(getattr(item, "fixturenames", ()))
    asks |= {mark.name for mark in item.iter_markers("django_db")}
    return bool(asks) and item.get_closest_marker("sqlite") is None


def pytest_unconfigure() -> None:
    if _postgres:
        _postgres.close()
    _folder.cleanup()
