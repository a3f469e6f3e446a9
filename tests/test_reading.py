from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from widgets.reading import BadReading, Reading, clean

numbers = st.dictionaries(
    st.text(max_size=12)
    | st.sampled_from([" a", "a ", "a\0", "\ud800", "", "n" * 501, "cpu{a=b}"]),
    st.floats() | st.integers() | st.booleans() | st.sampled_from(["7", 10**400, None]),
    max_size=4,
)


def cleaned(reading: Reading) -> Reading | str:
    try:
        return clean(reading)
    except BadReading as bad:
        return str(bad)


def test_numbers_with_nothing_wrong_in_them_are_taken_as_they_are() -> None:
    reading = Reading({"cpu{core=0}": 0.5, "load": -3.0}, at=7, complete=False)

    assert clean(reading) is reading


@given(numbers)
def test_what_is_taken_as_it_is_would_not_have_been_changed(given: dict[str, float]) -> None:
    reading = Reading(given, complete=False)
    # With a note it goes the long way.
    noted = cleaned(replace(reading, notes=["x"]))

    found = cleaned(reading)

    if isinstance(found, str) or isinstance(noted, str):
        assert found == noted
    else:
        assert found.numbers == noted.numbers
        assert all(type(value) is float for value in found.numbers.values())
