"""The house: arrows run one way, and what must not exist does not."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Who may import whom: site → dashboard → widgets.
FORBIDDEN = {"widgets": {"dashboard", "watchwall"}, "dashboard": {"watchwall"}}
# The commands that put a process together may know how: they are the process.
STARTS_THE_PROCESS = {
    "dashboard/management/commands/serve.py",
    "dashboard/management/commands/up.py",
    # It reads the address of a second database as the settings read the first.
    "dashboard/management/commands/move.py",
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("app", FORBIDDEN)
def test_arrows_run_one_way(app: str) -> None:
    paths = [
        path
        for path in (ROOT / app).rglob("*.py")
        if str(path.relative_to(ROOT)) not in STARTS_THE_PROCESS
    ]
    assert len(paths) > 10

    upward = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in paths
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN[app]
    }

    assert upward == set()


def test_site_is_no_package() -> None:
    assert (ROOT / "site" / "watchwall" / "settings.py").exists()
    assert not (ROOT / "site" / "__init__.py").exists()


def test_git_does_not_ignore_site() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()

    assert not {"site", "/site", "site/", "/site/"} & set(ignored)


def test_no_template_has_an_inline_style_or_script() -> None:
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert " style=" not in text, path
        assert " onclick" not in text, path
        assert "<script>" not in text, path
