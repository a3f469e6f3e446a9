from __future__ import annotations

import re
from pathlib import Path

from dashboard.models import COLUMNS, ROWS

STATIC = Path(__file__).resolve().parent.parent / "static"


def block(css: str, start: str) -> list[str]:
    """The declarations of the rule that begins with `start`."""
    body = css[css.index(start) + len(start) :].partition("}")[0]
    return [line.strip() for line in body.splitlines() if line.strip()]


def test_the_theme_of_the_system_is_light_as_light_is() -> None:
    css = (STATIC / "css/tokens.css").read_text()

    assert block(css, '[data-theme="auto"] {') == block(css, '[data-theme="light"] {')


def test_light_replaces_every_colour_that_dark_has() -> None:
    css = (STATIC / "css/tokens.css").read_text()

    dark, light = (
        {line.partition(":")[0] for line in block(css, start) if "#" in line}
        for start in (":root {", '[data-theme="light"] {')
    )

    # What is white on red is so on both; the fills are of the same two colours.
    assert dark - light <= {"--warn-cell"}


def test_there_is_a_class_for_every_place_a_tile_can_have() -> None:
    css = (STATIC / "css/grid.css").read_text()

    wanted = {f".c-{n}" for n in range(COLUMNS)} | {f".w-{n}" for n in range(1, COLUMNS + 1)}
    wanted |= {f".r-{n}" for n in range(ROWS)} | {f".h-{n}" for n in range(1, ROWS + 1)}

    assert set(re.findall(r"\.[cwrh]-\d+", css)) == wanted


def test_every_file_a_stylesheet_names_is_there() -> None:
    for sheet in (STATIC / "css").glob("*.css"):
        for name in re.findall(r'url\("([^"]+)"\)', sheet.read_text()):
            assert (sheet.parent / name).resolve().is_file(), f"{sheet.name}: {name}"
