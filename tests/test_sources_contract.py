"""What holds for every source; a new one is tested by existing."""

from __future__ import annotations

import inspect

import pytest

from widgets.clock import HOUR, SECOND
from widgets.options import BadOptions, Options, read
from widgets.sources import Source, Streamed, sources

every = pytest.mark.parametrize("source", list(sources), ids=lambda source: source.slug)


@every
def test_a_source_is_called_as_its_module_is(source: Source) -> None:
    assert type(source).__module__ == f"widgets.sources.{source.slug.replace('-', '_')}"
    assert source.label


@every
def test_every_option_is_explained(source: Source) -> None:
    assert issubclass(source.Options, Options)
    for name, field in source.Options.base_fields.items():
        assert field.help_text, name
        assert str(field.help_text).endswith("."), name


@every
def test_options_that_say_nothing_are_complete_or_say_what_is_missing(source: Source) -> None:
    try:
        options = read(source.Options, {})
    except BadOptions as error:
        missing = {problem.path.removeprefix("options").lstrip(".") for problem in error.problems}
        assert missing - {""} <= {
            name for name, field in source.Options.base_fields.items() if field.required
        }
    else:
        assert set(options) == set(source.Options.base_fields)


@every
def test_an_unknown_option_is_refused(source: Source) -> None:
    with pytest.raises(BadOptions, match="unknown option"):
        read(source.Options, {"no such option": 1})


@every
def test_its_mode_says_what_it_has(source: Source) -> None:
    assert source.mode in {"polled", "streamed", "pushed"}
    fetches = type(source).fetch is not Source.fetch
    assert fetches == (source.mode == "polled")
    assert isinstance(source, Streamed) == (source.mode == "streamed")
    assert not isinstance(source, Streamed) or type(source).listen is not Streamed.listen
    assert SECOND <= source.interval <= HOUR
    assert SECOND // 10 <= source.timeout <= HOUR


@every
def test_it_holds_nothing_of_its_own_and_says_what_it_is(source: Source) -> None:
    assert not vars(source)
    assert inspect.getdoc(type(source)) != inspect.getdoc(Source)
