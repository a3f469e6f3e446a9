"""Strict YAML: what things mean, what is refused, and on which line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.code.emit import emit
from dashboard.code.parse import DEEPEST, MOST_CHARACTERS, line_of, parse, plain


def value(text: str) -> Any:
    root, problems = parse(text, "f")
    assert not problems, problems
    assert root is not None
    return plain(root)


def said(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "f")[1]]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("12:30", "12:30"),
        ("1:2:3", "1:2:3"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("2026-06-01", "2026-06-01"),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0o17", 15),
        ("0x1F", 31),
        ("017", 17),
        ("-3", -3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ('"true"', "true"),
        ("'12'", "12"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("[1, [a, b], {c: 2}]", [1, ["a", "b"], {"c": 2}]),
    ],
)
def test_scalars_are_those_of_the_core_schema(written: str, meant: object) -> None:
    found = value(f"a: {written}")["a"]

    assert found == meant
    assert type(found) is type(meant)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", 'f:3: the key "a" stands here already, on line 1'),
        ("a: {b: 1, b: 2}", 'f:1: the key "b" stands here already, on line 1'),
        ("a: &x 1", "f:1: the anchor &x is not understood; leave it out"),
        ("a: 1\nb: *x", "f:2: the alias *x is not understood; write it out"),
        ("a:\n  - !!python/name:os.system x", "f:2: the tag tag:yaml.org,2002:python/name:os."),
        ("a: !!str 1", "f:1: the tag tag:yaml.org,2002:str is not understood; leave it out"),
        ("a: 1\n---\nb: 2", "f:2: a second document begins here; one is expected"),
        ("a: 1\n\tb: 2", "f:2: this is no YAML: "),
        ("a:\n\tb: 2", "f:2: this is no YAML: a tab stands where only spaces may"),
        ("a: [1", "f:1: this is no YAML: "),
        ("a: 1\nb: \x07", "f:2: this is no YAML: the character U+0007 cannot stand in a file"),
        ("a: 1\nb: \ud800", "f:2: this is no YAML: the character U+D800 cannot stand in a file"),
        ('a: "\\UFFFFFFFF"', "f:1: this is no YAML: an escape names no character"),
        ('a: "x\\0"', "f:1: the text has a character that no database keeps"),
        ('a: "\\ud800"', "f:1: the text has a character that no database keeps"),
        ("a: " + "9" * 5000, "f:1: the number is too large; put it in quotes if it is text"),
        ("a: 0x" + "F" * 17, "f:1: the number is too large; put it in quotes if it is text"),
        ("a: .nan", "f:1: a finite number is expected; put it in quotes if it is text"),
        ("a: 1e999", "f:1: a finite number is expected; put it in quotes if it is text"),
        ("? [a, b]\n: 1", "f:1: a key is expected, such as `title:`"),
        ("a: " + "[" * 5000, f"f:1: this is no YAML: nested deeper than {DEEPEST}"),
    ],
)
def test_what_is_refused_is_said_with_its_line(text: str, problem: str) -> None:
    found = said(text)

    assert len(found) == 1
    assert found[0].startswith(problem)


def test_a_file_of_a_book_s_length_is_refused() -> None:
    assert said("#" * (MOST_CHARACTERS + 1)) == ["f:1: more than 1,000,000 characters"]


def test_an_empty_text_has_no_root_and_no_problem() -> None:
    assert parse("# nothing but a comment", "f") == (None, [])


def test_every_problem_of_form_is_found_at_once() -> None:
    assert len(said("a: &x 1\nb: *x\na: !t 2\n")) == 4


def test_a_value_stands_on_the_line_of_its_key() -> None:
    root, _ = parse("a:\n  b.c:\n    - x: 1\n    - y:\n        2\n", "f")
    assert root is not None

    lines = {path: line_of(root, path) for path in ("a", "a.b.c", "a.b.c[1].y", "a.b.c[7]", "z")}

    assert lines == {"a": 1, "a.b.c": 2, "a.b.c[1].y": 4, "a.b.c[7]": 2, "z": 1}


@given(st.text(alphabet=st.characters(codec=None), max_size=60))
def test_no_text_raises(text: str) -> None:
    parse(text, "f")


SIGNS = st.sampled_from(
    [*"abn019-?:[]{},&*!|>'\"%@`#~.\n\t \\xuU/", "- ", ": ", "\n  ", "<<", "---"]
)


@given(st.lists(SIGNS, max_size=40).map("".join))
def test_no_text_that_looks_like_yaml_raises(text: str) -> None:
    _, problems = parse(text, "f")

    assert all(1 <= problem.line <= text.count("\n") + 1 for problem in problems)


TEXT = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=30
) | st.sampled_from(["yes", "0o7", "1e3", "12:30", "null", "~", "- a", "a: b", "# a", "a\nb\n"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(TEXT, below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=5))
def test_what_is_written_reads_back_the_same(given: dict[str, Any]) -> None:
    text = emit(given)

    assert value(text) == given
