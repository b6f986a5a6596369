"""Draws the verdict from a member's benefits: covered, excluded, not in force, or for a person to read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from activities.x12 import rejections
from activities.x12.money import Purse
from activities.x12.response import Benefit, Member, Period
from activities.x12.rules import Rules, is_behavioural, relevant
from domain.benefits import Benefits, Verdict

ACTIVE = frozenset("1234")
INACTIVE = frozenset("678")
EXCLUDED = frozenset("IE")
FOR_A_PERSON = frozenset({"5", "V", "R", "MC", "U", "N", "Y"})
_IN_FORCE = frozenset({"291", "307", "346", "347", "356", "357"})
_AUTHORISE = re.compile(r"pre-?\s?cert|pre-?\s?auth|prior auth", re.IGNORECASE)
_NOT_NEEDED = re.compile(r"not (be )?(required|needed)|no (pre|prior)", re.IGNORECASE)

Finding = tuple[Verdict, tuple[str, ...]]


def judge(member: Member, rules: Rules, day: date) -> Benefits:
    """What may be concluded for care from `day` on.

    Anything contradictory, pending, unsaid or ambiguous is `NEEDS_REVIEW`; money not stated stays None.
    """
    if member.rejections:
        return _rejected(member)
    benefits = relevant(member.benefits, rules)
    ended = _outside(member, benefits, rules, day)
    verdict, reasons = ended or _coverage(benefits)
    if not verdict.is_covered:
        return Benefits(verdict=verdict, reasons=reasons)
    purse = Purse(benefits, rules)
    share = purse.cost_share()
    purse.limits()
    if purse.doubts:
        return Benefits(verdict=Verdict.NEEDS_REVIEW, reasons=(*purse.doubts, *purse.flags), cost_share=share)
    verdict, reasons = _authorisation(benefits)
    return Benefits(verdict=verdict, reasons=(*reasons, *purse.flags), cost_share=share)


def _rejected(member: Member) -> Benefits:
    reasons = rejections.reasons_of(member.rejections)
    if member.benefits:
        return Benefits(verdict=Verdict.NEEDS_REVIEW, reasons=("PARTIAL-ANSWER", *reasons))
    return Benefits(verdict=rejections.verdict_of(member.rejections), reasons=reasons)


def _coverage(benefits: Sequence[Benefit]) -> Finding:
    own = [b for b in benefits if is_behavioural(b)]
    plan = [b for b in benefits if not is_behavioural(b)]
    if (for_a_person := _codes(benefits, FOR_A_PERSON)) and not _all_off(own, plan):
        return Verdict.NEEDS_REVIEW, for_a_person
    return _own_coverage(own, plan) or _plan_coverage(plan)


def _own_coverage(own: Sequence[Benefit], plan: Sequence[Benefit]) -> Finding | None:
    active, denied = _codes(own, ACTIVE), _codes(own, INACTIVE | EXCLUDED)
    plan_off = _codes(plan, INACTIVE)
    if active and (denied or plan_off):
        return Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *denied, *plan_off)
    if active:
        return Verdict.CLEAR, ()
    if denied:
        in_force = bool(_codes(plan, ACTIVE)) or bool(_codes(own, EXCLUDED) and not plan_off)
        return (Verdict.NOT_COVERED if in_force else Verdict.INACTIVE), denied
    return None


def _plan_coverage(plan: Sequence[Benefit]) -> Finding:
    active, off, excluded = _codes(plan, ACTIVE), _codes(plan, INACTIVE), _codes(plan, EXCLUDED)
    if active and (off or excluded):
        return Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *off, *excluded)
    if off:
        return Verdict.INACTIVE, off
    if active:
        return Verdict.NEEDS_REVIEW, ("MENTAL-HEALTH-NOT-STATED",)
    return Verdict.NEEDS_REVIEW, ("COVERAGE-NOT-STATED", *excluded)


def _all_off(own: Sequence[Benefit], plan: Sequence[Benefit]) -> bool:
    said = {b.info for b in (*own, *plan)}
    return bool(said & INACTIVE) and not said & (ACTIVE | {"5", "V", "R"})


def _codes(benefits: Sequence[Benefit], wanted: frozenset[str]) -> tuple[str, ...]:
    found = (f"EB-{b.info}-{next(iter(_known(b)), 'PLAN')}" for b in benefits if b.info in wanted)
    return tuple(dict.fromkeys(found))


def _known(benefit: Benefit) -> list[str]:
    return [code for code in benefit.service_types if re.fullmatch(r"[A-Z0-9]{1,2}", code, re.ASCII)]


def _authorisation(benefits: Sequence[Benefit]) -> Finding:
    said = {b.authorisation for b in benefits}
    asks = any(_AUTHORISE.search(m) and not _NOT_NEEDED.search(m) for b in benefits for m in b.messages)
    if "Y" in said or asks:
        return Verdict.CLEAR_AUTH_REQUIRED, ("AUTH-REQUIRED",)
    if "U" in said or "N" not in said:
        return Verdict.CLEAR_AUTH_REQUIRED, ("AUTH-NOT-STATED",)
    return Verdict.CLEAR, ()


def _outside(member: Member, benefits: Sequence[Benefit], rules: Rules, day: date) -> Finding | None:
    periods = [*member.periods, *(p for b in benefits if b.info in ACTIVE for p in b.periods)]
    in_force = [p for p in periods if p.qualifier in _IN_FORCE]
    missed = [p for p in in_force if not _covers(p, day)]
    if missed:
        return Verdict.INACTIVE, tuple(dict.fromkeys(f"DTP-{p.qualifier}" for p in missed))
    last = day + timedelta(days=rules.course_days)
    if any(not _covers(p, last) for p in in_force):
        return Verdict.NEEDS_REVIEW, ("COVERAGE-ENDS-DURING-COURSE",)
    return None


def _covers(period: Period, day: date) -> bool:
    return (period.begins is None or period.begins <= day) and (period.ends is None or day <= period.ends)
