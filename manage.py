#!/usr/bin/env python3
"""The one entry to every Watchwall command."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> None:
    # The database holds sessions, password hashes and what feeds learnt, and SQLite makes its files
    # as the umask says: for everybody to read.
    os.umask(0o077)
    # `site` is also the module that starts Python, so ours is a folder without
    # __init__.py that holds one package; it has to be on the path to be found.
    sys.path.insert(0, str(Path(__file__).resolve().parent / "site"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "watchwall.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        # Read here, where a wrong setting can still be one line and not a traceback.
        settings.INSTALLED_APPS  # noqa: B018
    except ImproperlyConfigured as error:
        sys.exit(f"watchwall: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
