"""Options as the admin, YAML and the editor hand them in, and the secrets in them."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError

from widgets.clock import MINUTE, SECOND
from widgets.options import (
    BadOptions,
    BoolField,
    DurationField,
    JSONValueField,
    ListField,
    MappingField,
    Options,
    check_secrets,
    initial,
    read,
    with_secrets,
    without_secrets,
)


class Probe(Options):
    url = forms.CharField(initial="http://localhost/")
    every = DurationField(initial="30s", required=False, least=SECOND, most=5 * MINUTE)
    follow = BoolField(initial=True)
    codes = ListField(initial=["200"], required=False)
    headers = MappingField(initial=dict, required=False)
    body = JSONValueField(initial=None, required=False)
    retries = forms.IntegerField(initial=3, max_value=5)


class Pair(Options):
    low = forms.IntegerField(initial=0)
    high = forms.IntegerField(initial=1)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("low", 0) > cleaned.get("high", 0):
            raise ValidationError("low is above high")
        return cleaned


DEFAULTS = {
    "url": "http://localhost/",
    "every": 30 * SECOND,
    "follow": True,
    "codes": ["200"],
    "headers": {},
    "body": None,
    "retries": 3,
}


def problems(form: type[Options], given: object, path: str = "options") -> dict[str, str]:
    with pytest.raises(BadOptions) as caught:
        read(form, given, path)
    found = {problem.path: problem.message for problem in caught.value.problems}
    # Each is named once.
    assert len(found) == len(caught.value.problems)
    return found


@pytest.mark.parametrize("given", [None, {}])
def test_nothing_given_means_every_initial(given: object) -> None:
    assert read(Probe, given) == DEFAULTS


def test_what_is_given_replaces_the_initial_and_leaves_the_rest() -> None:
    assert read(Probe, {"follow": False, "retries": "5"}) == DEFAULTS | {
        "follow": False,
        "retries": 5,
    }


def test_an_initial_that_is_mutable_is_made_anew_each_time() -> None:
    initial(Probe)["headers"]["a"] = "b"

    assert initial(Probe)["headers"] == {}


def test_options_that_are_no_mapping_are_refused_as_a_whole() -> None:
    assert problems(Probe, ["url"]) == {"options": "names to values are expected"}


def test_an_unknown_key_is_refused_naming_the_nearest() -> None:
    assert problems(Probe, {"folow": True}) == {
        "options.folow": 'unknown option; did you mean "follow"?'
    }
    assert problems(Pair, {"xyz": 1}) == {"options.xyz": "unknown option; there is high, low"}


@pytest.mark.parametrize(
    ("given", "shown"),
    [(True, "true"), (False, "false"), ([], "[]"), (["a"], '["a"]'), ({"a": 1}, '{"a": 1}')],
)
def test_what_is_no_text_is_not_taken_for_text(given: object, shown: str) -> None:
    assert problems(Probe, {"url": given}) == {"options.url": f"text is expected, not {shown}"}


@pytest.mark.parametrize(
    ("given", "span"),
    [("30s", 30 * SECOND), ("1 min 30 s", 90 * SECOND), (10, 10 * SECOND), ("", None)],
)
def test_spans_are_read_as_people_write_them(given: object, span: int | None) -> None:
    assert read(Probe, {"every": given})["every"] == span


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("soon", "'soon' is no duration; write 10s, 5 min, 1h30m or 7d"),
        (float("inf"), "'inf' is no duration; write 10s, 5 min, 1h30m or 7d"),
        ("500ms", "1 s is the least"),
        ("1h", "5 min is the most"),
    ],
)
def test_a_span_that_cannot_be_is_refused(given: object, sentence: str) -> None:
    assert problems(Probe, {"every": given}) == {"options.every": sentence}


def test_the_same_span_written_otherwise_is_no_change() -> None:
    field = DurationField()

    assert not field.has_changed(90 * SECOND, "90 s")
    assert field.has_changed(90 * SECOND, "91 s")
    assert field.has_changed(90 * SECOND, "soon")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (True, True),
        ("yes", True),
        ("On", True),
        (1, True),
        ("off", False),
        ("0", False),
        ("", False),
    ],
)
def test_true_and_false_are_read_as_people_write_them(given: object, found: bool) -> None:
    assert read(Probe, {"follow": given})["follow"] is found


def test_what_is_neither_true_nor_false_is_refused() -> None:
    assert problems(Probe, {"follow": "perhaps"}) == {
        "options.follow": "'perhaps' is neither true nor false"
    }


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (["a", " b ", 3], ["a", "b", "3"]),
        ("a\n\n b \n", ["a", "b"]),
        ([], []),
        (None, []),
    ],
)
def test_a_list_comes_from_yaml_or_one_a_line(given: object, found: list[str]) -> None:
    assert read(Probe, {"codes": given})["codes"] == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"Accept": "text/html", "X-Count": 3}, {"Accept": "text/html", "X-Count": "3"}),
        ("Accept: text/html\n\nHost: a:80\n", {"Accept": "text/html", "Host": "a:80"}),
        (None, {}),
    ],
)
def test_a_mapping_comes_from_yaml_or_one_a_line(given: object, found: dict[str, str]) -> None:
    assert read(Probe, {"headers": given})["headers"] == found


@pytest.mark.parametrize("field", [ListField(required=False), MappingField(required=False)])
def test_what_a_form_shows_of_lists_and_mappings_it_reads_back(field: forms.Field) -> None:
    value: Any = ["a", "b"] if isinstance(field, ListField) else {"a": "b", "c": "d:e"}

    shown = field.prepare_value(value)

    assert isinstance(shown, str)
    assert field.clean(shown) == value


@pytest.mark.parametrize(
    ("given", "found"),
    [({"a": 1}, {"a": 1}), ([1], [1]), (5, 5), (True, True), ('{"a": 1}', {"a": 1}), ("", None)],
)
def test_json_is_taken_as_it_is_or_as_text(given: object, found: object) -> None:
    assert read(Probe, {"body": given})["body"] == found


def test_every_problem_is_named_at_once_with_its_path() -> None:
    given = {
        "url": True,
        "every": "soon",
        "follow": "perhaps",
        "codes": [["a"]],
        "headers": "no colon",
        "body": "{",
        "retries": 9,
        "colour": "red",
    }

    found = problems(Probe, given, "feeds[2].options")

    assert found == {
        "feeds[2].options.url": "text is expected, not true",
        "feeds[2].options.every": "'soon' is no duration; write 10s, 5 min, 1h30m or 7d",
        "feeds[2].options.follow": "'perhaps' is neither true nor false",
        "feeds[2].options.codes": "a list of texts is expected",
        "feeds[2].options.headers": "`name: text` is expected on each line",
        "feeds[2].options.body": "Enter a valid JSON.",
        "feeds[2].options.retries": "Ensure this value is less than or equal to 5.",
        "feeds[2].options.colour": found["feeds[2].options.colour"],
    }
    assert found["feeds[2].options.colour"].startswith("unknown option")


def test_a_problem_of_no_single_option_is_that_of_all() -> None:
    assert problems(Pair, {"low": 2}) == {"options": "low is above high"}


def test_the_error_itself_says_every_problem() -> None:
    with pytest.raises(BadOptions, match=r"^options\.low: .+; options\.high: .+$"):
        read(Pair, {"low": [], "high": "x"})


HIDDEN = "hunter/2 & co"


@pytest.fixture
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHWALL_SECRET_WORD", HIDDEN)
    monkeypatch.setenv("WATCHWALL_SECRET_LONG", f"{HIDDEN} and more")
    monkeypatch.setenv("WATCHWALL_SECRET_PIN", "123")
    monkeypatch.setenv("WATCHWALL_SECRET_KEY", "the-key-of-django")
    monkeypatch.setenv("OTHER_WORD", "other-word")


def test_only_variables_meant_for_it_may_be_named() -> None:
    given = {
        "url": "http://${env:WATCHWALL_SECRET_WORD}@host/${env:HOME}",
        "headers": {"a": ["${env:DJANGO_SECRET_KEY}", 5]},
        "token": "${env:WATCHWALL_SECRET_KEY}",
    }

    found = {problem.path: problem.message for problem in check_secrets(given)}

    assert found == {
        "options.url": "${env:HOME} cannot be read; only names that begin with WATCHWALL_SECRET_",
        "options.headers.a[0]": "${env:DJANGO_SECRET_KEY} cannot be read; "
        "only names that begin with WATCHWALL_SECRET_",
        "options.token": "${env:WATCHWALL_SECRET_KEY} cannot be read; "
        "it is the key of Watchwall itself",
    }


@pytest.mark.usefixtures("_secrets")
def test_secrets_are_put_in_at_any_depth_and_only_in_the_copy() -> None:
    given = {"a": ["x ${env:WATCHWALL_SECRET_WORD} y", 5], "b": {"c": "plain"}}

    ready = with_secrets(given)

    assert ready == {"a": [f"x {HIDDEN} y", 5], "b": {"c": "plain"}}
    assert given["a"] == ["x ${env:WATCHWALL_SECRET_WORD} y", 5]


@pytest.mark.usefixtures("_secrets")
@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("${env:OTHER_WORD}", "only names that begin with WATCHWALL_SECRET_"),
        ("${env:WATCHWALL_SECRET_PIN}", "WATCHWALL_SECRET_PIN is too short"),
        ("${env:WATCHWALL_SECRET_KEY}", "it is the key of Watchwall itself"),
        ("${env:WATCHWALL_SECRET_NONE}", "WATCHWALL_SECRET_NONE is not set in the environment"),
    ],
)
def test_no_other_variable_is_ever_read(written: str, sentence: str) -> None:
    with pytest.raises(BadOptions, match=sentence) as caught:
        with_secrets({"a": written})

    assert "other-word" not in str(caught.value)
    assert "the-key-of-django" not in str(caught.value)


@pytest.mark.usefixtures("_secrets")
@pytest.mark.parametrize(
    ("given", "struck"),
    [
        (f"GET {HIDDEN}!", "GET ${env:WATCHWALL_SECRET_WORD}!"),
        ("?q=hunter/2%20%26%20co", "?q=${env:WATCHWALL_SECRET_WORD}"),
        ("?q=hunter%2F2%20%26%20co", "?q=${env:WATCHWALL_SECRET_WORD}"),
        (f"{HIDDEN} and more", "${env:WATCHWALL_SECRET_LONG}"),
        ({HIDDEN: [5]}, {"${env:WATCHWALL_SECRET_WORD}": [5]}),
        ("key=the-key-of-django", "key=${env:WATCHWALL_SECRET_KEY}"),
        ([5, HIDDEN], [5, "${env:WATCHWALL_SECRET_WORD}"]),
        ("123 other-word", "123 other-word"),
        (None, None),
    ],
)  # fmt: skip
def test_the_value_of_every_secret_is_struck_out(given: object, struck: object) -> None:
    assert without_secrets(given) == struck
