"""Whether mental health care is covered on a day, from the coded benefits (EB01) of an answer and their dates.

`CLEAR`, `INACTIVE` and `NOT_COVERED` are only for answers without doubt. All others go to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from activities.x12.dates import Standing, dates_coverage, has_span_over, is_understood, standing
from activities.x12.messages import names_other_care
from activities.x12.response import Benefit, Member, Period
from activities.x12.rules import is_behavioural, is_behavioural_health, is_of
from domain.benefits import Verdict

ACTIVE, INACTIVE, EXCLUDED = frozenset("1234"), frozenset("6"), frozenset("IE")
_CAPITATED = frozenset("234")
"""Active, but the payer pays a fixed sum to another provider for it: on our own care this is for a person."""
_SAYS_NOTHING_AGAINST = frozenset({"A", "B", "C", "CB", "D", "F", "G", "H", "L", "P"})
"""EB01 codes (005010X279A1) of money, coverage basis, description, limits, unlimited, primary care, disclaimer.
Limits and texts are read elsewhere. A code that is neither here nor above is for a person: pending (5), pre-existing
condition (M), restricted to a provider (N), no medical necessity (O), second opinion (Q), other payer (R) and more."""
_RESERVE_DAYS = "K"  # of hospital days; Medicare states them with the plan
_HANDLED_ELSEWHERE = frozenset({"R", "MC", "U", "W"})  # other payer, coordinator, contact, other source of data
_POSSIBLE = (Standing.IN_FORCE, Standing.UNCLEAR)

_QUALIFIER = re.compile(r"[A-Z0-9]{3}", re.ASCII)

Finding = tuple[Verdict, tuple[str, ...]]


@dataclass(frozen=True)
class _Active:
    """A benefit stated as active (EB01 1 to 4), and where the day lies for it."""

    benefit: Benefit
    standing: Standing


@dataclass(frozen=True)
class _Statuses:
    """What is stated about one thing, our care or the plan: active, inactive or excluded."""

    active: tuple[_Active, ...]
    inactive: tuple[Benefit, ...]
    excluded: tuple[Benefit, ...]

    @property
    def in_force(self) -> tuple[_Active, ...]:
        return tuple(each for each in self.active if each.standing is Standing.IN_FORCE)

    @property
    def unclear(self) -> tuple[_Active, ...]:
        return () if self.in_force else tuple(each for each in self.active if each.standing is Standing.UNCLEAR)

    @property
    def denied(self) -> tuple[Benefit, ...]:
        return (*self.inactive, *self.excluded)

    def without(self, benefits: Sequence[Benefit]) -> _Statuses:
        """The same without the denials among `benefits`."""
        left = {id(b) for b in benefits}
        kept = [tuple(b for b in group if id(b) not in left) for group in (self.inactive, self.excluded)]
        return _Statuses(self.active, kept[0], kept[1])


def coverage_on(member: Member, benefits: Sequence[Benefit], day: date) -> Finding:
    """Whether mental health care is covered on `day`. `CLEAR` means covered, nothing more.

    One active span that covers the day is enough for "covered". Only statements about that day and about an active plan
    count against it. "Inactive" and "not covered" need more: nothing in the whole answer may contradict them.

    Args:
        member: The whole answer.
        benefits: The benefits that apply here: our services or the plan, in our network.
        day: Calendar day at the site.
    """
    if doubts := _not_understood(member, benefits, day):
        return Verdict.NEEDS_REVIEW, doubts
    plan = _statuses([b for b in benefits if not is_behavioural(b)], lambda b: _standing(b, member, day))
    own = _statuses(
        [b for b in benefits if is_behavioural(b)],
        lambda b: _standing(b, member, day) if dates_coverage(b.periods) else _as_its_plan(b, plan.active, member, day),
    )
    verdict, reasons = _covered(member, own, plan, day)
    if verdict is Verdict.INACTIVE and _something_may_be_in_force(member, day):
        return Verdict.NEEDS_REVIEW, ("DATES-UNCLEAR", *_all_dates(member), *reasons)
    if verdict is Verdict.NOT_COVERED and (others := _our_care_active_elsewhere(member, day)):
        return Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *reasons, *others)
    return verdict, reasons


def codes(benefits: Iterable[Benefit]) -> tuple[str, ...]:
    """The code of each benefit, without duplicates."""
    return tuple(dict.fromkeys(b.code for b in benefits))


def _not_understood(member: Member, benefits: Sequence[Benefit], day: date) -> tuple[str, ...]:
    """Codes and dates that are not known to be harmless."""
    here = {id(b) for b in benefits}
    coded = [b for b in member.benefits if _is_for_a_person(b, applies=id(b) in here) and not _has_ended(b, day)]
    current = [b for b in benefits if not _has_ended(b, day)]
    dates = [p for p in _periods(member, current) if not is_understood(p, day)]
    above = member.periods_above if standing((), member.periods_above, day) is not Standing.IN_FORCE else []
    unclear = ("DATES-UNCLEAR", *_codes_of([*dates, *above])) if dates or above else ()
    return (*codes(coded), *unclear)


def _is_for_a_person(benefit: Benefit, *, applies: bool) -> bool:
    """Whether its code leaves a doubt, or says that someone else handles part of behavioural health."""
    if benefit.info in _HANDLED_ELSEWHERE and is_behavioural_health(benefit):
        return True
    ours = is_behavioural(benefit)
    understood = benefit.info in ACTIVE | INACTIVE | EXCLUDED | _SAYS_NOTHING_AGAINST
    understood = understood or (benefit.info == _RESERVE_DAYS and not ours)
    return applies and (not understood or (ours and benefit.info in _CAPITATED))


def _statuses(benefits: Sequence[Benefit], standing_of: Callable[[Benefit], Standing]) -> _Statuses:
    return _Statuses(
        tuple(_Active(b, standing_of(b)) for b in benefits if b.info in ACTIVE),
        tuple(b for b in benefits if b.info in INACTIVE),
        tuple(b for b in benefits if b.info in EXCLUDED),
    )


def _standing(benefit: Benefit, member: Member, day: date) -> Standing:
    return standing(benefit.periods, member.periods, day)


def _as_its_plan(benefit: Benefit, plans: Sequence[_Active], member: Member, day: date) -> Standing:
    """Where the day lies for a benefit without dates: as for the plan with its name, or for any plan.

    The dates of dental, vision and similar plans, and of a plan with another name, prove nothing.
    """
    health = [p for p in plans if not names_other_care(p.benefit.plan)]
    named = [p for p in health if p.benefit.plan_name == benefit.plan_name] if benefit.plan_name else []
    its = named or health
    if any(p.standing is Standing.IN_FORCE for p in its):
        return Standing.IN_FORCE
    if named and any(p.standing is Standing.IN_FORCE for p in health):
        return Standing.UNCLEAR
    found = _standing_of_plans(its, member, day)
    other_name = bool(benefit.plan_name and its) and not named and all(p.benefit.plan_name for p in its)
    other_care = not its and any(p.standing is not Standing.IN_FORCE for p in plans)
    return Standing.UNCLEAR if other_name or other_care else found


def _standing_of_plans(plans: Sequence[_Active], member: Member, day: date) -> Standing:
    """Where the day lies by all dates of the plans and the member together. No plan is active by itself."""
    dates = [p for each in plans for p in each.benefit.periods]
    together = standing((), [*member.periods, *dates], day)
    begun_once = together is Standing.IN_FORCE and any(p.standing is Standing.NOT_NOW for p in plans)
    if begun_once and not has_span_over(member.periods, day):
        return Standing.UNCLEAR  # the member's plan began at some time, and the only plan named is not that one
    return together


def _covered(member: Member, own: _Statuses, plan: _Statuses, day: date) -> Finding:
    in_force = [each.benefit for each in (*own.in_force, *plan.in_force)]
    aside = [b for b in own.denied if _is_set_aside(b, own, in_force, day)]
    dated = [each.benefit for each in own.in_force if dates_coverage(each.benefit.periods)]
    if plan.in_force or dated:
        plan = plan.without([b for b in plan.denied if _is_of_another(b, in_force, day)])
    own = own.without(aside)
    verdict, reasons = _own_coverage(member, own, plan) or _plan_coverage(member, plan)
    return verdict, (*reasons, *codes(aside)) if verdict is Verdict.NEEDS_REVIEW else reasons


def _is_set_aside(denial: Benefit, own: _Statuses, in_force: Sequence[Benefit], day: date) -> bool:
    """Whether a denial of our care proves nothing for `day`."""
    not_of_the_day = dates_coverage(denial.periods) and standing(denial.periods, (), day) is not Standing.IN_FORCE
    if denial.info in EXCLUDED or in_force:
        not_of_the_day = not_of_the_day and not own.in_force
        return not_of_the_day or (bool(in_force) and _is_of_another(denial, in_force, day))
    return False


def _is_of_another(denial: Benefit, in_force: Sequence[Benefit], day: date) -> bool:
    """Whether a denial ended before `day`, or names a plan that is not one of the active ones."""
    names = {b.plan_name for b in in_force} - {""}
    other_plan = bool(denial.plan_name and names) and denial.plan_name not in names
    return _has_ended(denial, day) or (other_plan and not dates_coverage(denial.periods))


def _has_ended(benefit: Benefit, day: date) -> bool:
    return dates_coverage(benefit.periods) and standing(benefit.periods, (), day) is Standing.ENDED


def _own_coverage(member: Member, own: _Statuses, plan: _Statuses) -> Finding | None:
    """The finding from statements about our care; None if the plan decides."""
    denied = codes(own.denied)
    if own.in_force:
        against = (*denied, *codes(plan.inactive))
        return (Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *against)) if against else (Verdict.CLEAR, ())
    if own.unclear or (denied and plan.unclear):
        return Verdict.NEEDS_REVIEW, ("DATES-UNCLEAR", *_dates(member, own, plan))
    if denied:
        in_force = bool(plan.in_force) or bool(own.excluded and not plan.inactive and not plan.active)
        return (Verdict.NOT_COVERED if in_force else Verdict.INACTIVE), denied
    if own.active and plan.in_force:
        return Verdict.NEEDS_REVIEW, ("MENTAL-HEALTH-NOT-STATED", *_dates(member, own, plan))
    if own.active and not plan.unclear:
        return Verdict.INACTIVE, (*_dates(member, own, plan), *codes(plan.inactive))
    return None


def _plan_coverage(member: Member, plan: _Statuses) -> Finding:
    inactive, excluded = codes(plan.inactive), codes(plan.excluded)
    if plan.in_force and (inactive or excluded):
        return Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *inactive, *excluded)
    if plan.unclear:
        return Verdict.NEEDS_REVIEW, ("DATES-UNCLEAR", *_dates(member, plan), *inactive)
    if plan.in_force:
        return Verdict.NEEDS_REVIEW, ("MENTAL-HEALTH-NOT-STATED",)
    if inactive or plan.active:
        return Verdict.INACTIVE, (*_dates(member, plan), *inactive)
    return Verdict.NEEDS_REVIEW, ("COVERAGE-NOT-STATED", *excluded)


def _something_may_be_in_force(member: Member, day: date) -> bool:
    """Whether anything active in the whole answer, for any service, network or place, may be in force on `day`.

    If nothing is stated as active, only a member's span that covers the day contradicts "inactive".
    """
    active = [b for b in member.benefits if b.info in ACTIVE and is_of(b, member)]
    dated = [b for b in active if dates_coverage(b.periods)]
    if not active:
        return has_span_over(member.periods, day)
    if any(standing(b.periods, (), day) in _POSSIBLE for b in dated):
        return True
    dates = [*member.periods, *(p for b in dated for p in b.periods)]
    undated_active = len(active) > len(dated) and not dated
    return (dates_coverage(dates) or undated_active) and standing((), dates, day) in _POSSIBLE


def _our_care_active_elsewhere(member: Member, day: date) -> tuple[str, ...]:
    """Codes of our care where it is active for another network, place or procedure."""
    active = [b for b in member.benefits if b.info in ACTIVE and is_of(b, member) and is_behavioural(b)]
    return codes(b for b in active if standing(b.periods, (), day) in _POSSIBLE)


def _periods(member: Member, benefits: Iterable[Benefit]) -> list[Period]:
    return [*member.periods, *(period for benefit in benefits for period in benefit.periods)]


def _dates(member: Member, *groups: _Statuses) -> tuple[str, ...]:
    periods = _periods(member, (each.benefit for group in groups for each in group.active))
    return _codes_of(p for p in periods if dates_coverage([p]))


def _all_dates(member: Member) -> tuple[str, ...]:
    return _codes_of(p for p in _periods(member, member.benefits) if dates_coverage([p]))


def _codes_of(periods: Iterable[Period]) -> tuple[str, ...]:
    """`DTP-<qualifier>` of each, without duplicates and without any free text."""
    known = (p.qualifier if _QUALIFIER.fullmatch(p.qualifier) else "UNREADABLE" for p in periods)
    return tuple(dict.fromkeys(f"DTP-{qualifier}" for qualifier in known))
