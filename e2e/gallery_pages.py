"""The gallery's pages as files that stand alone, for a browser without a server."""

from __future__ import annotations

from pathlib import Path

from dashboard.gallery import gallery

CSS = Path(__file__).resolve().parent.parent / "static" / "css"


def page(kind: str, face: str, theme: str) -> str:
    links = "".join(
        f'<link rel="stylesheet" href="{(CSS / name).as_uri()}">'
        for name in ("tokens.css", "grid.css", "wall.css", "gallery.css")
    )
    walls = "".join(
        f'<section class="wall" aria-label="{title}">'
        + "".join(
            f'<div class="tile c-{t.x} r-{t.y} w-{t.width} h-{t.height}">{t.html}</div>'
            for t in tiles
        )
        + "</section>"
        for title, tiles in gallery(kind, face)
    )
    return (
        f'<!doctype html><html lang="en" class="on-wall gallery" data-theme="{theme}"><head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{kind}, {face}</title>{links}</head><body><main><h1>{kind}, {face}</h1>{walls}"
        "</main></body></html>"
    )
