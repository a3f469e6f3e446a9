"""Which build this is: it changes with every change of code, template, style or script."""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDERS = ("site", "widgets", "dashboard", "templates", "static")
SUFFIXES = {".py", ".html", ".css", ".js", ".svg"}


def fingerprint(root: Path) -> str:
    """Eight digits of what the folders of the product hold, names and contents."""
    digest = hashlib.sha256()
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                digest.update(str(path.relative_to(root)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
