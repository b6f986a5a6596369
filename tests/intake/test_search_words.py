"""The words by which a client is found: one form, however the name is written."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.facts import RecordNumber
from intake.person import Person
from intake.search_words import by_name, by_number, search_words, words_of

BORN = date(1987, 6, 11)
LATIN = st.text(st.characters(max_codepoint=0x17E, exclude_characters="ı", categories=("L", "Zs", "Pd")), max_size=30)


def person(family: str = "", given: str = "", **more: object) -> Person:
    said = {"key": RecordNumber(authority="NORTH", mrn="A 700100"), "family_name": family, "given_name": given, **more}
    return Person.model_validate(said)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Müller-Lüdenscheidt", {"muller", "ludenscheidt"}),
        ("MULLER, Jean  Luc.", {"muller", "jean", "luc"}),
        ("O\u2019Brien", {"o", "brien"}),
        ("Dvořák", {"dvorak"}),
        ("Dvor\u030ca\u0301k", {"dvorak"}),
        ("GROß", {"gross"}),
        ("\ufb01scher", {"fischer"}),
        ("李 小龍", {"李", "小龍"}),
        (" -' ", set()),
    ],
)
def test_a_name_is_cut_into_words_of_one_form(name: str, words: set[str]) -> None:
    assert words_of(name) == words


@given(st.text(max_size=40))
def test_a_word_stays_as_it_is(name: str) -> None:
    words = words_of(name)
    assert {again for each in words for again in words_of(each)} == words


@given(LATIN)
def test_letter_case_does_not_matter(name: str) -> None:
    assert words_of(name) == words_of(name.upper()) == words_of(name.lower())


@given(st.text(max_size=30), st.text(max_size=30), st.none() | st.just(BORN))
def test_a_person_is_found_by_each_name_as_it_is_written_and_by_both(
    family: str, given_name: str, born: date | None
) -> None:
    found_by = search_words(person(family, given_name, birth_date=born))
    assert by_name(family) | by_name(given_name) <= found_by
    if born:
        assert by_name(family, born) | by_name(given_name, born) <= found_by


@pytest.mark.parametrize(
    "written", ["O'Brien", "o brien", "OBRIEN", "Brien", "O\u2019BRIEN Anne", "annemarie", "Marie"]
)
def test_a_name_in_two_parts_is_found_as_one_word_too(written: str) -> None:
    assert by_name(written) <= search_words(person("O'Brien", "Anne-Marie"))


@pytest.mark.parametrize("written", ["Brie", "O'Brian", "O'Brien Mary", "700100"])
def test_nobody_is_found_by_a_part_of_a_word_or_by_a_word_too_many(written: str) -> None:
    assert not by_name(written) <= search_words(person("O'Brien", "Anne-Marie"))


def test_the_birth_date_narrows_and_is_nowhere_without_a_word() -> None:
    found_by = search_words(person("Reed", "Ann", birth_date=BORN))
    assert by_name("reed", BORN) <= found_by
    assert not by_name("reed", date(1987, 6, 12)) <= found_by
    assert all(each.word and each.word not in BORN.isoformat() for each in found_by)


def test_a_record_number_is_found_however_it_is_spaced() -> None:
    assert by_number("a700100") == by_number(" A 700 100 ")
    assert by_number("a700100") in search_words(person())
    assert by_number("700100") not in search_words(person())
