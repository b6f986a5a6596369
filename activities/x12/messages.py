"""Finds what a payer says only in free text: authorisation, visit limits, another payer.

Payers write in capitals, in fragments and with many spellings. The rules look for words, not whole sentences, and
prefer to find too much rather than too little, because a person reads the result. Text on mental health in which they
find nothing counts as not understood, unless it has only words that are known to be harmless.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from activities.x12 import vocabulary as words
from domain.benefits import Topic

_NEAR = 40  # characters beside a break between two messages


def topics_of(text: str) -> tuple[Topic, ...]:
    """The topics in `text` that a person must act on.

    A clear denial without a condition ("no authorization required") is removed first. A denial with a condition ("for
    the first 8 visits", "unless") or about another service is not removed, so its topic stays.
    """
    upper = _plain(text)
    without = words.DENIED.sub(" ", upper)
    if without != upper and _is_conditional(without):
        without = upper
    return tuple(topic for topic, pattern in words.WORDS.items() if pattern.search(without))


def is_harmless(text: str) -> bool:
    """Whether `text` has only words about networks and prices, courtesies, and clear denials."""
    rest = re.sub(r"\$\s?[\d.,]+|[\d.]+\s?%", " ", _plain(text))
    rest = words.NO_DEDUCTIBLE.sub(" ", words.DENIED.sub(" ", words.DISCLAIMER.sub(" ", rest)))
    return all(word in words.HARMLESS for word in re.findall(r"[^\W\d_]+", rest)) and not re.search(r"\d", rest)


def denies_authorisation(text: str) -> bool:
    """Whether `text` clearly says that no authorisation is needed."""
    mentioned = words.WORDS[Topic.AUTHORISATION].search(_plain(text)) is not None
    return mentioned and Topic.AUTHORISATION not in topics_of(text)


def topics_for_this_care(messages: Sequence[str]) -> tuple[Topic, ...]:
    """`topics_of` messages about many services, without statements that only name other services.

    "Precertification required for inpatient stays" is dropped; "authorization required" stays.
    """
    text = _plain(joined(messages))
    parts = [text] if len(messages) < 2 else [text, *map(_plain, messages)]  # a sentence may end without a full stop
    clauses = dict.fromkeys(clause for part in parts for clause in words.CLAUSE_END.split(part))
    elsewhere: set[Topic] = set()
    here: set[Topic] = set()
    for clause in clauses:
        (elsewhere if _names_only_others(clause) else here).update(topics_of(clause))
    return tuple(topic for topic in topics_of(text) if topic in here or topic not in elsewhere)


def topics_of_plan(text: str) -> tuple[Topic, ...]:
    """The topics in a text in the field for a plan's name that a person must act on; empty if it may be a name."""
    upper = _plain(text)
    found = topics_of(text)
    odd = words.NOT_A_PLAN_NAME.search(upper) or (names_mental_health(text) and not is_harmless(text))
    return (*found, Topic.NOT_UNDERSTOOD) if odd and not found else found


def names_mental_health(text: str) -> bool:
    """Whether `text` names the care that this centre gives, or what payers often mean by it."""
    return _names_ours(_plain(text))


def names_our_care(text: str) -> bool:
    """Whether `text` names mental health care outside a hospital, even together with other care."""
    return _names_ours(words.INPATIENT_OF_OURS.sub(" ", _plain(text)))


def _names_ours(upper: str) -> bool:
    return words.OUR_CARE.search(upper) is not None or words.DAY_PROGRAM.search(upper) is not None


def has_other_payer(text: str) -> bool:
    """Whether `text` speaks of another payer."""
    return words.WORDS[Topic.OTHER_PAYER].search(_plain(text)) is not None


def names_other_care(text: str) -> bool:
    """Whether `text` names a service that this centre does not give."""
    return words.OTHER_CARE.search(words.EXCEPTED.sub(" ", words.NON.sub(" ", _plain(text)))) is not None


def _names_only_others(text: str) -> bool:
    if not names_other_care(text) or names_mental_health(text) or words.ALL_CARE.search(text):
        return False
    first = words.OTHER_CARE.search(text)
    listed = words.ANOTHER.split(text[first.end() :])[1:] if first else []
    return all(names_other_care(each) or is_harmless(each) for each in listed)


def joined(messages: Sequence[str]) -> str:
    """Joins several MSGs of one EB. Payers split sentences over them, and a full MSG may even split a word."""
    parts: list[str] = []
    for before, message in zip(("", *messages), messages, strict=False):
        parts.append(message if not before or _breaks_a_word(before[-_NEAR:], message[:_NEAR]) else f" {message}")
    return "".join(parts)


def _breaks_a_word(before: str, after: str) -> bool:
    spaced, closed = _mentioned(f"{before} {after}"), _mentioned(before + after)
    return before[-1].isalpha() and after[0].isalpha() and closed > spaced


def _mentioned(text: str) -> set[Topic]:
    return {topic for topic, pattern in words.WORDS.items() if pattern.search(_plain(text))}


def _is_conditional(rest: str) -> bool:
    about = words.FOR.search(rest) is not None and not words.OUR_CARE.search(rest)
    return about or words.CONDITION.search(rest) is not None or words.OTHER_CARE.search(rest) is not None


def _plain(text: str) -> str:
    upper = " ".join(text.upper().replace("’", "'").replace("_", " ").split())
    return words.LETTERS_WITH_DOTS.sub(lambda found: re.sub("[./]", "", found[0]), upper)
