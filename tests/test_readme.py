"""What README says is so."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from widgets.formats import formats
from widgets.kinds import Kind, kinds
from widgets.options import read
from widgets.reading import Reading
from widgets.sources import Source, sources

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
READS = re.compile(
    r'\b(?:text|flag|number|items|addresses|networks|choice|zone|redis|address)\(\s*"([A-Z_]+)"'
)


def example(name: str) -> Any:
    """The Python block of README that follows the mention of a file, as a module."""
    code = re.search(rf"`{re.escape(name)}`:\n\n```python\n(.*?)```", README, re.DOTALL)
    assert code
    module = types.ModuleType(f"example_{Path(name).stem}")
    sys.modules[module.__name__] = module
    exec(code[1], module.__dict__)
    return module


def test_every_setting_that_is_read_stands_in_the_table_and_no_other() -> None:
    read_in_code = {
        name
        for path in [*ROOT.glob("site/**/*.py"), *ROOT.glob("widgets/**/*.py")]
        for name in READS.findall(path.read_text())
    }
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))

    assert len(read_in_code) > 8
    assert documented == read_in_code


def test_every_source_and_kind_stands_in_its_table_and_no_other() -> None:
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", README, re.MULTILINE))

    assert listed == {*sources.slugs(), *kinds.slugs()}


def test_the_example_of_a_source_is_a_source() -> None:
    found: type[Source] = example("widgets/sources/dice.py").Dice
    memo: dict[str, Any] = {}

    reading = found().fetch(read(found.Options, {"sides": 2}), memo)

    assert isinstance(reading, Reading)
    assert reading.numbers["eyes"] in {1, 2}
    assert memo == {"throws": 1}


def test_the_example_of_a_kind_is_a_kind() -> None:
    found: type[Kind] = example("widgets/kinds/lamp.py").Lamp

    assert issubclass(found, Kind)
    assert found.slug == "lamp"


@pytest.mark.parametrize("path", ["docs/decisions"])
def test_what_it_links_to_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_format_has_a_section_and_no_other_does() -> None:
    text = (ROOT / "docs" / "push.md").read_text()

    assert sorted(re.findall(r"^## ([a-z]+)$", text, re.MULTILINE)) == formats.slugs()
