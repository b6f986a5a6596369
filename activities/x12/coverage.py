"""Whether an answer says that mental health care is covered on a day: its coded benefits (EB01) and their dates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from activities.x12.dates import Standing, dates_coverage, has_span_over, standing
from activities.x12.response import Benefit, Member
from activities.x12.rules import is_behavioural, is_behavioural_health
from domain.benefits import Verdict

ACTIVE = frozenset("1234")
INACTIVE = frozenset("678")
EXCLUDED = frozenset("IE")
FOR_A_PERSON = frozenset({"5", "V", "R", "MC", "U", "N", "Y"})
HANDLED_ELSEWHERE = frozenset({"R", "MC", "U", "W"})  # other payer, coordinator, contact, other source of data

Finding = tuple[Verdict, tuple[str, ...]]


@dataclass(frozen=True)
class _Dated:
    benefit: Benefit
    standing: Standing
    has_own_dates: bool


@dataclass(frozen=True)
class _Group:
    """Benefits of one kind (this centre's services, or the plan) with where the day lies for each."""

    active: tuple[_Dated, ...]
    off: tuple[Benefit, ...]
    excluded: tuple[Benefit, ...]

    def are(self, wanted: Standing) -> tuple[_Dated, ...]:
        return tuple(each for each in self.active if each.standing is wanted)

    @property
    def in_force(self) -> tuple[_Dated, ...]:
        return self.are(Standing.IN_FORCE)

    @property
    def unclear(self) -> tuple[_Dated, ...]:
        return () if self.in_force else self.are(Standing.UNCLEAR)


def coverage_on(member: Member, benefits: Sequence[Benefit], day: date) -> Finding:
    """What `benefits`, those that apply here, say of `day`. `CLEAR` means covered, nothing more.

    One active span that covers the day is enough. What ended before the day, or belongs to another plan by name, says
    nothing against an active plan beside it. Dates that contradict each other are for a person.
    """
    plan = _plan(member, [b for b in benefits if not is_behavioural(b)], day)
    own = _own(member, [b for b in benefits if is_behavioural(b)], plan, day)
    own, plan = _without_other_plans(own, plan, day)
    here = {id(b) for b in benefits}
    for_a_person = codes(b for b in member.benefits if _is_for_a_person(b, day, applies=id(b) in here))
    if for_a_person and not _all_off(own, plan, benefits):
        return Verdict.NEEDS_REVIEW, for_a_person
    return _own_coverage(member, own, plan) or _plan_coverage(member, plan)


def _is_for_a_person(benefit: Benefit, day: date, *, applies: bool) -> bool:
    """Whether it is pending or unknown here, or says that another handles any part of behavioural health."""
    if benefit.info in HANDLED_ELSEWHERE and is_behavioural_health(benefit):
        return not _has_ended(benefit, day)
    return benefit.info in FOR_A_PERSON and applies


def codes(benefits: Iterable[Benefit]) -> tuple[str, ...]:
    """The code of each, once."""
    return tuple(dict.fromkeys(b.code for b in benefits))


def _plan(member: Member, benefits: Sequence[Benefit], day: date) -> _Group:
    return _group(benefits, [_dated(b, member, day) for b in benefits if b.info in ACTIVE])


def _own(member: Member, benefits: Sequence[Benefit], plan: _Group, day: date) -> _Group:
    """A benefit without dates is in force when its plan is."""
    of_the_plan = _standing_of_plan(member, plan, day)
    dated = [_dated(b, member, day) for b in benefits if b.info in ACTIVE]
    if of_the_plan is not None:
        dated = [d if d.has_own_dates else _Dated(d.benefit, of_the_plan, False) for d in dated]
    return _group(benefits, dated)


def _standing_of_plan(member: Member, plan: _Group, day: date) -> Standing | None:
    """By any one of the plans named, or by all their dates and the member's together. None: no plan has dates."""
    if plan.in_force:
        return Standing.IN_FORCE
    dates = [p for each in plan.active for p in each.benefit.periods]
    if not dates_coverage(dates):
        return None
    together = standing((), [*member.periods, *dates], day)
    if together is Standing.IN_FORCE and plan.are(Standing.NOT_NOW) and not has_span_over(member.periods, day):
        return Standing.UNCLEAR  # the member's plan began once, and the only one named is not that one
    return together


def _dated(benefit: Benefit, member: Member, day: date) -> _Dated:
    return _Dated(benefit, standing(benefit.periods, member.periods, day), dates_coverage(benefit.periods))


def _group(benefits: Sequence[Benefit], active: Sequence[_Dated]) -> _Group:
    off = tuple(b for b in benefits if b.info in INACTIVE)
    return _Group(tuple(active), off, tuple(b for b in benefits if b.info in EXCLUDED))


def _without_other_plans(own: _Group, plan: _Group, day: date) -> tuple[_Group, _Group]:
    dated = tuple(each for each in own.in_force if each.has_own_dates)
    kept = (own.in_force, (*plan.in_force, *dated))
    names = {each.benefit.plan for each in (*own.in_force, *plan.in_force)} - {""}
    left = [
        _Group(
            group.active,
            tuple(b for b in group.off if not (current and _is_past(b, names, day))),
            tuple(b for b in group.excluded if not (current and _is_past(b, names, day))),
        )
        for group, current in zip((own, plan), kept, strict=True)
    ]
    return left[0], left[1]


def _is_past(benefit: Benefit, current_plans: set[str], day: date) -> bool:
    """Whether it ended before `day`, or is of a plan that has another name than every plan in force."""
    other = bool(benefit.plan and current_plans) and benefit.plan not in current_plans
    return _has_ended(benefit, day) or (other and not dates_coverage(benefit.periods))


def _has_ended(benefit: Benefit, day: date) -> bool:
    return dates_coverage(benefit.periods) and standing(benefit.periods, (), day) is Standing.ENDED


def _own_coverage(member: Member, own: _Group, plan: _Group) -> Finding | None:
    denied = codes((*own.off, *own.excluded))
    if own.in_force:
        against = (*denied, *codes(plan.off))
        return (Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *against)) if against else (Verdict.CLEAR, ())
    if own.unclear or (denied and plan.unclear):
        return Verdict.NEEDS_REVIEW, ("DATES-UNCLEAR", *_dates(member, own, plan))
    if denied:
        in_force = bool(plan.in_force) or bool(own.excluded and not plan.off and not plan.active)
        return (Verdict.NOT_COVERED if in_force else Verdict.INACTIVE), denied
    if own.active and plan.in_force:
        return Verdict.NEEDS_REVIEW, ("MENTAL-HEALTH-NOT-STATED", *_dates(member, own, plan))
    if own.active and not plan.unclear:
        return Verdict.INACTIVE, (*_dates(member, own, plan), *codes(plan.off))
    return None


def _plan_coverage(member: Member, plan: _Group) -> Finding:
    off, excluded = codes(plan.off), codes(plan.excluded)
    if plan.in_force and (off or excluded):
        return Verdict.NEEDS_REVIEW, ("CONTRADICTORY", *off, *excluded)
    if plan.unclear:
        return Verdict.NEEDS_REVIEW, ("DATES-UNCLEAR", *_dates(member, plan), *off)
    if plan.in_force:
        return Verdict.NEEDS_REVIEW, ("MENTAL-HEALTH-NOT-STATED",)
    if off or plan.active:
        return Verdict.INACTIVE, (*_dates(member, plan), *off)
    return Verdict.NEEDS_REVIEW, ("COVERAGE-NOT-STATED", *excluded)


def _dates(member: Member, *groups: _Group) -> tuple[str, ...]:
    periods = [*member.periods, *(p for g in groups for each in g.active for p in each.benefit.periods)]
    return tuple(dict.fromkeys(f"DTP-{p.qualifier}" for p in periods if dates_coverage([p])))


def _all_off(own: _Group, plan: _Group, benefits: Sequence[Benefit]) -> bool:
    may_be_active = any((group.in_force or group.unclear) for group in (own, plan))
    return bool(own.off or plan.off) and not may_be_active and not {b.info for b in benefits} & {"5", "V", "R"}
