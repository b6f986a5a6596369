"""The payer's own words in an answer: messages (MSG) and the others named under a benefit (loop 2120)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from activities.x12.dates import Standing, standing
from activities.x12.messages import (
    denies_authorisation,
    has_other_payer,
    is_harmless,
    joined,
    names_mental_health,
    names_our_care,
    topics_for_this_care,
    topics_of,
    topics_of_plan,
)
from activities.x12.response import Benefit, Entity, Member
from activities.x12.rules import Rules, applies, is_about_plan, is_behavioural, is_behavioural_health, is_only_ours
from domain.benefits import Evidence, Topic

WHOLE_ANSWER = "MEMBER"
_NOT_PAYERS = frozenset({"1P", "36", "73", "FA", "IL", "03", "LR", "P3", "P4", "P5", "QC", "74"})
"""NM101 codes of those who give care, own the policy or paid before. Any other may be the one that handles this
care."""
_NETWORKS = frozenset({"1I", "GW", "I3", "VER"})
"""Networks and groups: normal under the whole plan, but under mental health they may be the one that handles it."""
_BY_PERSON_ONLY = _NOT_PAYERS - {"1P"}
"""Under our care these may name a person. An organisation may be the one that handles it; 1P is this centre."""
_CONTACTS = frozenset(
    """
    BENEFIT BENEFITS CALL CENTER CLAIMS CONTACT CUSTOMER CARE DEPARTMENT DEPT DESK ELIGIBILITY HELP INFORMATION INQUIRY
    LINE MEMBER PHONE PROVIDER RELATIONS SERVICE SERVICES SUPPORT
    """.split()  # noqa: SIM905
)
"""Words that make up the name of a payer's own telephone desk (PER02)."""
_MAX_READ = 80_000  # characters of text in one answer; the longest real ones have half of that
_MAX_TEXT, _MAX_EVIDENCE = 10_000, 100  # bytes of UTF-8 in one piece of evidence; pieces
_CUT = " [cut: the whole answer is at the clearinghouse under our trace]"


def says_too_much(member: Member) -> bool:
    """Whether the answer has more text than we read."""
    own = sum(map(len, member.messages))
    return own + sum(len(text) for b in member.benefits for text in (*b.messages, *b.plan_texts)) > _MAX_READ


def evidence_of(member: Member, rules: Rules, day: date) -> tuple[Evidence, ...]:
    """The texts that may affect mental health care on `day`, in the order of the answer.

    Text of a benefit that ended before `day`, or that clearly belongs to another service, is left out. Text beyond
    `_MAX_READ` characters is not read: it counts as not understood. At most `_MAX_EVIDENCE` pieces are kept, and a last
    one that says how many more there are and what they are about.
    """
    length = sum(map(len, member.messages))
    found = [] if length > _MAX_READ else list(_of_whole(member))
    for benefit in member.benefits:
        length += sum(map(len, (*benefit.messages, *benefit.plan_texts)))
        if length > _MAX_READ:
            found.append(_not_read(member))
            break
        if standing(benefit.periods, (), day) is not Standing.ENDED:
            found += _of_benefit(benefit, member, rules)
    return bounded(found)


def _of_whole(member: Member) -> Iterator[Evidence]:
    text, topics = joined(member.messages), topics_for_this_care(member.messages)
    if not topics and names_mental_health(text) and not is_harmless(text):
        topics = () if denies_authorisation(text) else (Topic.NOT_UNDERSTOOD,)
    yield from _of_messages(WHOLE_ANSWER, member.messages, topics)
    yield from _of_plan_texts(WHOLE_ANSWER, member.plan_texts)


def _of_benefit(benefit: Benefit, member: Member, rules: Rules) -> Iterator[Evidence]:
    yield from _of_messages(benefit.code, benefit.messages, _topics(benefit, rules))
    if applies(benefit, rules):
        yield from _of_plan_texts(benefit.code, benefit.plan_texts)
        for number in benefit.authorisations if is_behavioural(benefit) else ():
            yield Evidence(topics=(Topic.AUTHORISATION,), about=benefit.code, text=_storable(number))
    for entity in benefit.entities:
        if topic := _topic_of_entity(benefit, entity, member):
            yield _of_entity(benefit, entity, topic)


def _not_read(member: Member) -> Evidence:
    said = [*member.messages, *(text for benefit in member.benefits for text in benefit.messages)]
    longest = max(said, key=len, default="")
    return Evidence(topics=(Topic.NOT_UNDERSTOOD,), about=WHOLE_ANSWER, text=_storable(longest + " " * _MAX_TEXT))


def bounded(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Limits the evidence to what an event can hold. A last piece gives the topics of what was left out."""
    found = list(dict.fromkeys(evidence))
    kept, rest = found[:_MAX_EVIDENCE], found[_MAX_EVIDENCE:]
    if rest:
        topics = tuple(dict.fromkeys(topic for each in rest for topic in each.topics))
        kept.append(Evidence(topics=topics, about=WHOLE_ANSWER, text=f"{len(rest)} more{_CUT}"))
    return tuple(kept)


def _of_messages(about: str, messages: list[str], topics: tuple[Topic, ...]) -> Iterator[Evidence]:
    if topics:
        yield Evidence(topics=topics, about=about, text=_storable("\n".join(messages)))


def _of_plan_texts(about: str, texts: list[str]) -> Iterator[Evidence]:
    for text in texts:
        if topics := topics_of_plan(text):
            yield Evidence(topics=topics, about=about, text=_storable(text))


def _topics(benefit: Benefit, rules: Rules) -> tuple[Topic, ...]:
    text = joined(benefit.messages)
    if not text:
        return ()
    if applies(benefit, rules):
        found = topics_of(text) if is_only_ours(benefit) else topics_for_this_care(benefit.messages)
        found = tuple(t for t in found if t is not Topic.CONTACT or _is_ours(benefit, text))
        if not found and (is_only_ours(benefit) or names_mental_health(text)) and not is_harmless(text):
            found = (Topic.NOT_UNDERSTOOD,)
        return (*found, Topic.NO_AUTHORISATION) if denies_authorisation(text) else found
    named = names_mental_health(text)
    of_us = names_our_care(text) and benefit.network in (rules.network, "W", "U", "")
    carved_out = named or is_behavioural_health(benefit)
    found = topics_of(text)
    if of_us and not found and not is_harmless(text):
        return (Topic.NOT_UNDERSTOOD,)
    return tuple(t for t in found if of_us or (carved_out and t is Topic.OTHER_PAYER))


def _is_ours(benefit: Benefit, text: str) -> bool:
    return is_behavioural(benefit) or names_mental_health(text)


def _topic_of_entity(benefit: Benefit, entity: Entity, member: Member) -> Topic | None:
    """What it means for our care that `entity` is named under `benefit`. None: nothing that matters."""
    ours = is_behavioural_health(benefit) or any(names_mental_health(text) for text in benefit.messages)
    if not (ours or is_about_plan(benefit)):
        return None
    if not entity.code:
        return _topic_of_contact(entity, member) if ours else None
    if _is_this_payer(entity.name, member) or (bool(entity.id) and entity.id.upper() in member.payers):
        stands_for_another = not all(_is_own_desk(each, member) for each in entity.contacts)
        return Topic.OTHER_PAYER if stands_for_another or _names_administrator(entity) else None
    if ours:
        own = is_behavioural_health(benefit) and entity.code in _BY_PERSON_ONLY and entity.is_organisation
        return Topic.OTHER_PAYER if own or entity.code not in _NOT_PAYERS else None
    return None if entity.code in _NOT_PAYERS | _NETWORKS else Topic.OTHER_PAYER


def _topic_of_contact(contact: Entity, member: Member) -> Topic:
    own = _is_own_desk(contact.name, member) and not _names_administrator(contact)
    return Topic.CONTACT if own else Topic.OTHER_PAYER


def _is_own_desk(name: str, member: Member) -> bool:
    return _is_this_payer(name, member) or all(word in _CONTACTS for word in _words(name))


def _is_this_payer(name: str, member: Member) -> bool:
    return bool(name) and name.upper() in member.payers


def _names_administrator(entity: Entity) -> bool:
    """Whether its address or website belongs to an organisation that handles mental health for payers."""
    return has_other_payer(" ".join(_words(" ".join(entity.said[1:] or entity.said))))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", text.upper())


def _of_entity(benefit: Benefit, entity: Entity, topic: Topic) -> Evidence:
    name = _storable(entity.name)[:200] if entity.is_organisation and entity.name else None
    text = _storable("\n".join(entity.said))
    return Evidence(topics=(topic,), about=benefit.code, text=text, other_payer=name)


def dates_as_evidence(member: Member) -> tuple[Evidence, ...]:
    """The dates that decided whether coverage is in force, as sent, including those of a dependent's policyholder."""
    above = (WHOLE_ANSWER, member.periods_above)
    owners = [above, (WHOLE_ANSWER, member.periods), *((b.code, b.periods) for b in member.benefits)]
    return tuple(
        Evidence(topics=(Topic.DATES,), about=about, text=_storable("\n".join(p.said for p in periods)))
        for about, periods in owners
        if periods
    )


def codes_as_evidence(member: Member, reasons: Sequence[str], evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """The coded benefits that `reasons` name, as sent, if nothing else of them was kept."""
    wanted = set(reasons) - {each.about for each in evidence}
    named = (b for b in member.benefits if b.code in wanted)
    return tuple(Evidence(topics=(Topic.CODES,), about=b.code, text=_storable(b.said)) for b in named)


def _storable(text: str) -> str:
    """`text` without what the record cannot store (NUL, lone surrogates), in at most `_MAX_TEXT` bytes."""
    clean = text[: _MAX_TEXT + 1].replace("\x00", " ").encode("utf-8", "replace")
    if len(clean) <= _MAX_TEXT:
        return clean.decode()
    return clean[: _MAX_TEXT - len(_CUT)].decode(errors="ignore") + _CUT
