"""docs/kinds.md: a section a kind, with all its options, and an example that can be applied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dashboard.code.apply import apply_all
from dashboard.models import Tile
from widgets.kinds import kinds
from widgets.select import Spec

TEXT = (Path(__file__).resolve().parent.parent / "docs" / "kinds.md").read_text()
SECTIONS = {
    section.partition("\n")[0]: section for section in re.split(r"^## ", TEXT, flags=re.M)[1:]
}
# What the examples show is there.
FEEDS = ("host", "shop", "sales", "checkout", "checkout-log", "check.web")
HEAD = f"""dashboard: example
title: Example
feeds: {{{", ".join(f"{name}: {{source: push}}" for name in FEEDS)}}}
tiles:
"""


def test_every_kind_has_a_section_and_no_other_does() -> None:
    assert sorted(SECTIONS) == sorted(kinds.slugs())


@pytest.mark.parametrize("slug", kinds.slugs())
def test_a_section_has_every_option_as_the_form_explains_it(slug: str) -> None:
    told = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| (.*) \|$", SECTIONS[slug], re.M))

    assert told == {name: f.help_text for name, f in kinds[slug].Options.base_fields.items()}


@pytest.mark.django_db
@pytest.mark.parametrize("slug", kinds.slugs())
def test_its_example_can_be_applied(slug: str) -> None:
    [example] = re.findall(r"^```yaml\n(.*?)^```", SECTIONS[slug], re.M | re.S)

    apply_all({"example.yaml": HEAD + re.sub(r"^", "  ", example, flags=re.M).rstrip() + "\n"})

    [tile] = Tile.objects.select_related("widget")
    assert Spec.of(tile.widget).kind == slug
    assert (tile.width, tile.height) == kinds[slug].size
