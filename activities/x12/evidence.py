"""What an answer says beside its codes, with its own words: messages (MSG) and others named under a benefit (2120)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from activities.x12.dates import Standing, standing
from activities.x12.messages import (
    denies_authorisation,
    is_harmless,
    joined,
    names_mental_health,
    names_our_care,
    topics_for_this_care,
    topics_of,
)
from activities.x12.response import Benefit, Entity, Member
from activities.x12.rules import Rules, applies, is_about_plan, is_behavioural, is_behavioural_health, is_only_ours
from domain.benefits import Evidence, Topic

WHOLE_ANSWER = "MEMBER"
_NOT_PAYERS = frozenset({"1P", "36", "73", "FA", "IL", "03", "LR", "P3", "P4", "P5", "QC", "74"})
"""NM101 codes of those who give care, own the policy or paid before. Any other may be who handles this care."""
_NETWORKS = frozenset({"1I", "GW", "I3", "VER"})
"""Networks and groups: usual beside the whole plan; beside mental health they may be who handles it."""
_MAX_TEXT, _MAX_EVIDENCE = 10_000, 100
_CUT = " [cut: the whole answer is at the clearinghouse under our trace]"


def evidence_of(member: Member, rules: Rules, day: date) -> tuple[Evidence, ...]:
    """Everything said in words that bears on mental health care on `day`, in the order of the answer.

    What belongs to a benefit that ended before `day`, or plainly to another service, is left out.
    """
    found = list(_of_messages(WHOLE_ANSWER, member.messages, topics_for_this_care(member.messages)))
    for benefit in member.benefits:
        if standing(benefit.periods, (), day) is not Standing.ENDED:
            found += _of_messages(benefit.code, benefit.messages, _topics(benefit, rules))
            found += [_of_entity(benefit, e) for e in benefit.entities if _handles_it(benefit, e, member)]
    return _bounded(list(dict.fromkeys(found)))


def _bounded(found: list[Evidence]) -> tuple[Evidence, ...]:
    """No more than an event can hold; what is left out is said, with its topics."""
    kept, rest = found[:_MAX_EVIDENCE], found[_MAX_EVIDENCE:]
    if rest:
        topics = tuple(dict.fromkeys(topic for each in rest for topic in each.topics))
        kept.append(Evidence(topics=topics, about=WHOLE_ANSWER, text=f"{len(rest)} more{_CUT}"))
    return tuple(kept)


def _of_messages(about: str, messages: list[str], topics: tuple[Topic, ...]) -> Iterator[Evidence]:
    if topics:
        yield Evidence(topics=topics, about=about, text=_storable("\n".join(messages)))


def _topics(benefit: Benefit, rules: Rules) -> tuple[Topic, ...]:
    text = joined(benefit.messages)
    if not text:
        return ()
    if applies(benefit, rules):
        found = topics_of(text) if is_only_ours(benefit) else topics_for_this_care(benefit.messages)
        found = tuple(t for t in found if t is not Topic.CONTACT or _is_ours(benefit, text))
        if not found and is_only_ours(benefit) and not is_harmless(text):
            found = (Topic.NOT_UNDERSTOOD,)
        return (*found, Topic.NO_AUTHORISATION) if denies_authorisation(text) else found
    named = names_mental_health(text)
    of_us = names_our_care(text) and benefit.network in (rules.network, "W", "U", "")
    carved_out = named or is_behavioural_health(benefit)
    return tuple(t for t in topics_of(text) if of_us or (carved_out and t is Topic.OTHER_PAYER))


def _is_ours(benefit: Benefit, text: str) -> bool:
    return is_behavioural(benefit) or names_mental_health(text)


def _handles_it(benefit: Benefit, entity: Entity, member: Member) -> bool:
    itself = entity.name.upper() in member.payers or (bool(entity.id) and entity.id.upper() in member.payers)
    if itself or entity.code in _NOT_PAYERS:
        return False
    if is_behavioural_health(benefit):
        return True
    named = any(names_mental_health(text) for text in benefit.messages)
    return named or (is_about_plan(benefit) and entity.code not in _NETWORKS)


def _of_entity(benefit: Benefit, entity: Entity) -> Evidence:
    name = _storable(entity.name)[:200] if entity.is_organisation and entity.name else None
    text = _storable("\n".join(entity.said))
    return Evidence(topics=(Topic.OTHER_PAYER,), about=benefit.code, text=text, other_payer=name)


def dates_as_evidence(member: Member, benefits: list[Benefit]) -> tuple[Evidence, ...]:
    """The dates that decided whether coverage is in force, as sent."""
    owners = [(WHOLE_ANSWER, member.periods), *((b.code, b.periods) for b in benefits)]
    return tuple(
        Evidence(topics=(Topic.DATES,), about=about, text=_storable("\n".join(p.said for p in periods)))
        for about, periods in owners
        if periods
    )


def _storable(text: str) -> str:
    """`text` without what the record cannot keep: NUL and halves of surrogate pairs."""
    clean = text.replace("\x00", " ").encode("utf-8", "replace").decode("utf-8")
    return clean if len(clean) <= _MAX_TEXT else clean[:_MAX_TEXT] + _CUT
