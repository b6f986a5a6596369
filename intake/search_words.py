"""By which words a client is found. Pure.

A name is cut into words, and letters are brought to one form, so that one person may write `O'Brien` and another
`obrien`. A word must match exactly: a keyed hash says nothing of the beginning of a word.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import NamedTuple

from intake.person import Person

_APOSTROPHES = "'\u2018\u2019\u02bc\u02bb\u0060\u00b4"
_JOINS = re.compile(f"[{_APOSTROPHES}\\-\u2010\u2011]")


class SearchWord(NamedTuple):
    """One thing by which a client is found: a word of their name, alone or with the birth date, or a number.

    Attributes:
        kind: `name` or `number`, so that a name of digits is no number.
    """

    kind: str
    word: str
    born: str = ""


def words_of(name: str, joint: str = " ") -> frozenset[str]:
    """The words of a name in small letters without marks, split at all that is neither letter nor digit.

    Args:
        joint: What stands for a hyphen or an apostrophe.
    """
    letters = "".join(each if each.isalnum() else " " for each in _JOINS.sub(joint, _plain(name)))
    return frozenset(letters.split())


def by_name(name: str, born: date | None = None, joint: str = " ") -> frozenset[SearchWord]:
    """What to look for: all of these. With a birth date, each word together with it."""
    return frozenset(SearchWord("name", each, born.isoformat() if born else "") for each in words_of(name, joint))


def by_number(number: str) -> SearchWord:
    """What to look for: the record number, of any issuer."""
    return SearchWord("number", "".join(number.split()).casefold())


def search_words(person: Person) -> frozenset[SearchWord]:
    """All by which this person is found. Who hears "O'Brien" may write it as one word, so it is kept as both."""
    births = {None, person.birth_date}
    names = (
        by_name(each, born, joint)
        for each in (person.family_name, person.given_name)
        for born in births
        for joint in (" ", "")
    )
    return frozenset({by_number(person.key.mrn)}.union(*names))


def _plain(text: str) -> str:
    """Casefolded, without accents and other marks."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(each for each in apart if not unicodedata.category(each).startswith("M"))
