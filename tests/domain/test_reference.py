"""Short references: said on the telephone, written by hand, and never taken for another journey's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.reference import _ALPHABET, ReferenceWrong, number_in, reference

NUMBERS = st.integers(min_value=1, max_value=2**40)


@given(NUMBERS)
def test_a_reference_leads_back_to_its_number_however_it_is_written(number: int) -> None:
    said = reference(number)
    heard = said.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert number_in(said) == number_in(heard) == number_in(f" {said.replace('-', '')}") == number


@given(NUMBERS, st.data())
def test_one_wrong_character_is_noticed(number: int, data: st.DataObject) -> None:
    letters = reference(number).replace("-", "")
    at = data.draw(st.integers(1, len(letters) - 1))
    other = data.draw(st.sampled_from([each for each in _ALPHABET if each != letters[at]]))
    with pytest.raises(ReferenceWrong):
        number_in(letters[:at] + other + letters[at + 1 :])


@given(NUMBERS, st.data())
def test_two_neighbours_in_the_wrong_order_are_noticed(number: int, data: st.DataObject) -> None:
    letters = reference(number).replace("-", "")
    at = data.draw(st.integers(1, len(letters) - 2))
    if letters[at] != letters[at + 1]:
        with pytest.raises(ReferenceWrong):
            number_in(letters[:at] + letters[at + 1] + letters[at] + letters[at + 2 :])


@pytest.mark.parametrize("text", ["", "J-", "J-004", "J-004K-K-004K-7-004K-7", "J-00§K-7", "Example^Client", "ÄÖ"])
def test_what_is_no_reference_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ReferenceWrong) as wrong:
        number_in(text)
    assert "reference" in str(wrong.value) and "Client" not in str(wrong.value)


def test_the_references_of_the_first_journeys_are_these() -> None:
    assert [reference(each) for each in (1, 32, 123_456)] == ["J-0001-2", "J-0010-4", "J-3RJ0-9"]
