"""Draws the verdict from a member's answer: covered, excluded, inactive, or for a person to read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from activities.x12 import rejections
from activities.x12.coverage import Finding, codes, coverage_on
from activities.x12.dates import Standing, standing
from activities.x12.evidence import bounded, codes_as_evidence, dates_as_evidence, evidence_of, says_too_much
from activities.x12.money import CostShareReader
from activities.x12.response import Benefit, Member
from activities.x12.rules import Rules, is_of, relevant
from domain.benefits import Benefits, Evidence, Topic, Verdict

_MAX_PARTS = 4_000
"""The most benefits, dates and names in one answer that we read. The longest real answers have a few hundred."""


def judge(member: Member, rules: Rules, day: date) -> Benefits:
    """What may be concluded for care from `day` on (calendar day at the site).

    Anything contradictory, pending, missing or ambiguous is `NEEDS_REVIEW`, and so is text from the payer about an
    authorisation, a limit or another payer; the text is kept as evidence. Amounts that are not stated stay None.
    """
    evidence = evidence_of(member, rules, day)
    if member.rejections:
        return _rejected(member, evidence)
    if _is_too_long(member):
        return Benefits(verdict=Verdict.NEEDS_REVIEW, reasons=("ANSWER-TOO-LONG",), evidence=evidence)
    benefits = relevant([b for b in member.benefits if is_of(b, member)], rules)
    verdict, reasons = _in_force(member, benefits, rules, day)
    said = _reasons(evidence)
    if any(code.startswith("DTP-") for code in reasons):
        evidence += dates_as_evidence(member)
    if not verdict.is_covered:
        if any(topic.needs_a_person and topic is not Topic.NOT_COVERED for each in evidence for topic in each.topics):
            verdict = Verdict.NEEDS_REVIEW  # the payer's text may withdraw the coded "no"
        if verdict is Verdict.NEEDS_REVIEW:
            evidence += codes_as_evidence(member, reasons, evidence)
        evidence = bounded(evidence)
        return Benefits(verdict=verdict, reasons=(*reasons, *said), evidence=evidence)
    now = [b for b in benefits if _holds_on(b, day)]
    whole_answer = [b for b in member.benefits if _holds_on(b, day)]
    reader = CostShareReader(now, rules, whole_answer, member.messages)
    share = reader.cost_share()
    if reader.doubts:
        evidence = bounded(
            (*evidence, *codes_as_evidence(member, codes(b for b in now if b.info in "ABCFG"), evidence))
        )
    verdict, reasons = _for_a_person(reader.doubts, evidence, now) or _authorisation(now)
    reasons = (*reasons, *(code for code in said if code not in reasons), *reader.flags)
    return Benefits(verdict=verdict, reasons=reasons, cost_share=share, evidence=evidence)


def _is_too_long(member: Member) -> bool:
    parts = len(member.benefits) + len(member.periods) + sum(len(b.periods) + len(b.entities) for b in member.benefits)
    return parts > _MAX_PARTS or says_too_much(member)


def _rejected(member: Member, evidence: tuple[Evidence, ...]) -> Benefits:
    reasons = rejections.reasons_of(member.rejections)
    if member.benefits:
        reasons = ("PARTIAL-ANSWER", *reasons)
        return Benefits(verdict=Verdict.NEEDS_REVIEW, reasons=reasons, evidence=evidence)
    return Benefits(verdict=rejections.verdict_of(member.rejections), reasons=reasons, evidence=evidence)


def _in_force(member: Member, benefits: Sequence[Benefit], rules: Rules, day: date) -> Finding:
    verdict, reasons = coverage_on(member, benefits, day)
    if verdict.is_covered:
        last = day + timedelta(days=rules.course_days)
        changes = sorted(each for each in _days_of_change(member) if day < each <= last)
        if any(not coverage_on(member, benefits, each)[0].is_covered for each in changes):
            return Verdict.NEEDS_REVIEW, ("COVERAGE-ENDS-DURING-COURSE",)
    return verdict, reasons


def _days_of_change(member: Member) -> set[date]:
    """The days on which coverage may begin or end. Nothing changes between them."""
    periods = [*member.periods, *member.periods_above, *(p for b in member.benefits for p in b.periods)]
    ends = {p.ends + timedelta(days=1) for p in periods if p.ends is not None and p.ends < date.max}
    return ends | {p.begins for p in periods if p.begins is not None}


def _holds_on(benefit: Benefit, day: date) -> bool:
    """Whether its own dates allow `day`: next year's copay is not this year's."""
    return standing(benefit.periods, (), day) in (Standing.IN_FORCE, Standing.UNCLEAR)


def _reasons(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"SAID-{t.name.replace('_', '-')}" for each in evidence for t in each.topics))


def _for_a_person(doubts: list[str], evidence: Sequence[Evidence], benefits: Sequence[Benefit]) -> Finding | None:
    topics = {topic for each in evidence for topic in each.topics}
    coded = any(b.authorisation == "Y" for b in benefits)
    if coded and Topic.NO_AUTHORISATION in topics:
        return Verdict.NEEDS_REVIEW, (*doubts, "CONTRADICTORY", "AUTH-REQUIRED")
    asked = {topic for topic in topics if topic.needs_a_person}
    if coded:  # the coded answer says so too, and the authorisation is then asked for in any case
        asked -= {Topic.AUTHORISATION}
    return (Verdict.NEEDS_REVIEW, tuple(doubts)) if doubts or asked else None


def _authorisation(benefits: Sequence[Benefit]) -> Finding:
    said = {b.authorisation for b in benefits}
    if "Y" in said:
        return Verdict.CLEAR_AUTH_REQUIRED, ("AUTH-REQUIRED",)
    if "U" in said or "N" not in said:
        return Verdict.CLEAR_AUTH_REQUIRED, ("AUTH-NOT-STATED",)
    return Verdict.CLEAR, ()
