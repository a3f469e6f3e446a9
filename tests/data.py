"""All tests have a data folder of their own: none may touch the wall that runs from this one."""

from __future__ import annotations

import os
import tempfile

# A plugin (-p in pyproject.toml) and no conftest: pytest-django loads the settings before those.
_folder = tempfile.TemporaryDirectory(prefix="watchwall-tests-")
os.environ["WATCHWALL_DATA"] = _folder.name


def pytest_unconfigure() -> None:
    _folder.cleanup()
