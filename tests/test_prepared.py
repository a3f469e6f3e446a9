"""Templates with what they extend put in."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.template import Context, Engine
from django.template.loader import get_template

from dashboard.gallery import ZONE
from dashboard.gallery.data import NOW
from dashboard.gallery.examples import examples
from widgets.face import TileFrame
from widgets.kinds import Frame, kinds
from widgets.options import read
from widgets.prepared import prepared

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "widgets"


@pytest.mark.parametrize("face", ["good", "waiting", "failed"])
@pytest.mark.parametrize("slug", kinds.slugs())
def test_a_flat_template_writes_what_the_whole_one_does(slug: str, face: str) -> None:
    tile = TileFrame("w1", slug, "Title", NOW, read_at=NOW, face=face)  # type: ignore[arg-type]
    for example in examples()[slug]:
        for size in ((2, 1), (6, 3)):
            frame = Frame(NOW, *size, ZONE)
            options = read(kinds[slug].Options, example.options)
            picture = kinds[slug].picture(options, example.data, frame)
            context = {"more": 3, "footer": "<foot>", **picture, "tile": tile.written()}

            whole = get_template(f"widgets/{slug}.html").template  # type: ignore[attr-defined]

            assert prepared(slug).render(Context(context)) == whole.render(Context(context))


def test_a_template_that_extends_nothing_is_as_it_was() -> None:
    context = Context({"tile": TileFrame("w1", "x", "Title", 1, face="waiting").written()})

    assert "Waiting for the first reading" in prepared("base").render(context)


def test_a_template_is_prepared_once() -> None:
    assert prepared("stat") is prepared("stat")


def test_no_template_asks_for_what_cannot_be_prepared() -> None:
    for path in TEMPLATES.glob("*.html"):
        text = path.read_text()
        assert "block.super" not in text, path
        assert '{% extends "' in text or "{% extends" not in text, path


def test_the_engine_is_not_copied_with_the_nodes() -> None:
    flat = prepared.__wrapped__("text")

    # Its cache may be filled by another thread meanwhile.
    found = {id(node.origin.loader.engine) for node in flat.nodelist if node.origin.loader}
    assert found == {id(Engine.get_default())}
