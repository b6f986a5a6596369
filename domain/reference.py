"""A journey's short reference: what people say on the telephone. Its last character checks the others.

It is the number of the journey's first event in the record, in 32 letters and digits that are not mistaken for each
other (Crockford's), so it is unique and never changes. The check character finds every single wrong character and every
two neighbours in the wrong order. Sums and products are those of the field of 32 elements.
"""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HEARD = str.maketrans({"O": "0", "I": "1", "L": "1", "U": "V", " ": "", "-": ""})
"""What people write for a character that is not in the alphabet. U is heard for V."""
_SHORTEST = 4
_LONGEST = 12
_REDUCED_BY = 0b100101
"""x^5 + x^2 + 1, which is irreducible over two elements."""


class ReferenceWrong(ValueError):
    """The text is no reference, or a character of it is wrong. Nothing about a client is in the message."""


def reference(number: int) -> str:
    """The reference of the journey that began with this event: `J-004K-K`."""
    digits: list[int] = []
    while number or len(digits) < _SHORTEST:
        number, last = divmod(number, len(_ALPHABET))
        digits.append(last)
    digits.reverse()
    return f"J-{''.join(_ALPHABET[each] for each in digits)}-{_ALPHABET[_check(digits)]}"


def reference_of(number: int | None) -> str | None:
    """The same; None where it is not known which event began the journey."""
    return None if number is None else reference(number)


def number_in(text: str) -> int:
    """The number behind a reference, however it was written: small letters, without hyphens, O for 0.

    Raises:
        ReferenceWrong: A character is missing or wrong: ask for it again.
    """
    letters = text.strip().upper().translate(_HEARD)
    starts, letters = letters[:1] == "J", letters[1:]
    if not starts or not _SHORTEST < len(letters) <= _LONGEST or any(each not in _ALPHABET for each in letters):
        raise ReferenceWrong("a reference looks like J-004K-K: check that it is complete")
    *digits, given = (_ALPHABET.index(each) for each in letters)
    if _check(digits) != given:
        raise ReferenceWrong("a character of that reference is wrong: ask for it again")
    number = 0
    for each in digits:
        number = number * len(_ALPHABET) + each
    return number


def _check(digits: list[int]) -> int:
    """The sum of the digits, each times another power of x, so that no change of one or of a pair is hidden."""
    total = 0
    for digit in digits:
        total = _times_x(total ^ digit)
    return total


def _times_x(element: int) -> int:
    doubled = element << 1
    return doubled ^ _REDUCED_BY if doubled & 0b100000 else doubled
