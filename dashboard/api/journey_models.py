"""What the API says of one journey. Only the fields named here get out, nothing else of its state."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Self

from pydantic import BaseModel, Field

from dashboard.board.journey import JourneyView, Owed
from dashboard.missed import MissedDuty
from dashboard.reading import row
from domain.benefit_words import price, summary
from domain.goals import Participation, Progress
from domain.move_words import move_words
from domain.obligation_terms import Priority
from domain.obligations import ObligationStatus
from domain.pathway.leave import Leave, LeaveCategory, days_left
from domain.pathway.maintenance import Maintenance
from domain.pathway.treatment_plan import TreatmentPlan
from domain.plans import Actor, Direction, DischargePlan, Estimate, Transition
from domain.reference import reference
from domain.state import JourneyState
from domain.values import LevelOfCare, Role, Stage

PERSON = "Opaque staff id; null where the person on call for the role answers."
MAY_NOT_READ = "null for who may not read what people wrote"


class Person(BaseModel):
    """A member of staff in a role."""

    person: str = Field(description="Opaque staff id.")
    role: Role = Field(description="The role in which they act.")

    @classmethod
    def of(cls, by: Actor) -> Self:
        """From who decided."""
        return cls(person=by.id, role=by.role)


class Move(BaseModel):
    """A move between levels of care that has begun and not ended."""

    origin: LevelOfCare = Field(description="The level of care before.")
    target: LevelOfCare = Field(description="The level of care to move to.")
    direction: Direction = Field(description="Up or down.")
    due_at: datetime = Field(description="When the client must have arrived.")
    place: str | None = Field(description="The facility of the place that is held.")
    starts_at: datetime | None = Field(description="When the held place starts.")

    @classmethod
    def of(cls, move: Transition) -> Self:
        """From the state."""
        return cls(**move.model_dump(include=set(cls.model_fields)))


class OwedDuty(BaseModel):
    """Something that is owed, with the reason for its due time."""

    id: str = Field(description="Unique in the journey: review-2.")
    kind: str = Field(description="What kind of duty it is: review.")
    title: str = Field(description="What to do.")
    owner: Role = Field(description="The role that owes it.")
    assignee: str | None = Field(description=PERSON)
    raised_at: datetime = Field(description="Since when it is owed.")
    due_at: datetime = Field(description="Its due time; exactly then it is on time.")
    falls_due: datetime = Field(description="When it falls due; while it is waived, when it is owed again.")
    why: str = Field(description="Why it is due then, in a sentence.")
    rule: str | None = Field(description="The number of the policy that says so; null where a person named the day.")
    policy: str | None = Field(description="The policy that gave that number.")
    status: ObligationStatus = Field(description="Open, or acknowledged by somebody.")
    overdue: bool = Field(description="Whether its due time has passed.")
    urgent: bool = Field(description="Whether it is urgent by its kind.")
    priority: Priority = Field(description="Its clinical priority.")
    waived_until: date | None = Field(description="While it is waived: the day at the site on which it is owed again.")
    flags: list[str] = Field(description="What people must see at a glance.")

    @classmethod
    def of(cls, owed: Owed, now: datetime) -> Self:
        """From the duty and its reason."""
        duty, derived = owed.duty, {"why", "rule", "overdue", "waived_until", "falls_due", "flags"}
        return cls(
            why=owed.why,
            rule=duty.counted.rule,
            overdue=duty.is_overdue(now),
            waived_until=duty.waiver.until if duty.waiver else None,
            falls_due=duty.falls_due,
            flags=list(duty.flags(now)),
            **duty.model_dump(include=cls.model_fields.keys() - derived),
        )


class Missed(BaseModel):
    """A duty that was overdue at some time."""

    obligation_id: str = Field(description="Unique in the journey: review-2.")
    kind: str = Field(description="What kind of duty it is: review.")
    owner: Role = Field(description="The role that owed it.")
    due_at: datetime = Field(description="The first due time that it missed.")
    outcome: str = Field(description="open, met-late, waived, or cancelled, which is never done.")
    ended_at: datetime | None = Field(description="When it ended; null while it is open.")

    @classmethod
    def of(cls, duty: MissedDuty) -> Self:
        """From the duty."""
        return cls(**duty.model_dump(include=set(cls.model_fields)))


class Cost(BaseModel):
    """What care is expected to cost the client, US dollars."""

    id: str = Field(description="What accept-cost gives as `estimate`.")
    level: LevelOfCare = Field(description="The level of care that it is for.")
    days: int = Field(description="Days of treatment that it is for.")
    low: Decimal | None = Field(description="With the best known values; null if it cannot be known.")
    high: Decimal | None = Field(description="With the worst; null if it cannot be known.")
    in_words: str = Field(description="The range, as people say it.")
    assumptions: list[str] = Field(description="Said aloud to the client.")
    accepted: bool = Field(description="Whether the client accepted it, and nothing changed since.")

    @classmethod
    def of(cls, estimate: Estimate, *, accepted: bool) -> Self:
        """From the state."""
        derived = {"in_words", "accepted"}
        return cls(
            in_words=price(estimate),
            accepted=accepted,
            **estimate.model_dump(include=cls.model_fields.keys() - derived),
        )


class Plan(BaseModel):
    """The discharge plan."""

    is_begun: bool = Field(description="Whether anything is written yet.")
    missing: list[str] = Field(description="The parts that are still empty.")
    follow_ups: list[str] | None = Field(description=f"Appointments after discharge; {MAY_NOT_READ}.")
    crisis_contacts: list[str] | None = Field(description=f"Whom to call in a crisis; {MAY_NOT_READ}.")
    resources: list[str] | None = Field(description=f"Community resources; {MAY_NOT_READ}.")
    medication: list[str] | None = Field(description=f"Medication on leaving; {MAY_NOT_READ}.")
    summary: list[str] | None = Field(description=f"What care was given and what helped; {MAY_NOT_READ}.")

    @classmethod
    def of(cls, plan: DischargePlan, *, reads_words: bool) -> Self:
        """From the state, without the lines if the person may not read them."""
        lines = {
            name: list(getattr(plan, name)) if reads_words else None
            for name in ("follow_ups", "crisis_contacts", "resources", "medication", "summary")
        }
        return cls(is_begun=plan.is_begun(), missing=list(plan.missing()), **lines)


class PastLeave(BaseModel):
    """A leave of absence that is over."""

    since: date = Field(description="The day on which it began.")
    until: date = Field(description="The day of the return, or the one that was planned where it ended otherwise.")
    days: int = Field(description="Days of leave that it used up.")
    category: LeaveCategory | None = Field(description="What it was for.")
    reason: str | None = Field(description=f"Why; {MAY_NOT_READ}.")


class LeaveLedger(BaseModel):
    """Leave of absence in this episode of care. All days are calendar days at the site."""

    until: date | None = Field(description="When the client is expected back; null while they are not on leave.")
    since: date | None = Field(description="When the present leave began.")
    category: LeaveCategory | None = Field(description="What the present leave is for.")
    reason: str | None = Field(description=f"Why the client is on leave; {MAY_NOT_READ}.")
    days_before: int = Field(description="Days used before the present leave.")
    remaining: int | None = Field(description="Days left after it; null while the journey's policy cannot be read.")
    taken: list[PastLeave] = Field(description="The leaves before it, in their order.")

    @classmethod
    def of(cls, state: JourneyState, *, reads_words: bool) -> Self:
        """From the state, without the reasons if the person may not read them."""
        held = state.leave if reads_words else state.leave.without_words()
        taken = [{**each.model_dump(), "until": each.until, "reason": each.reason or None} for each in held.taken]
        now = held if held.until else Leave()
        return cls(
            until=held.until,
            since=now.since,
            category=now.category,
            reason=now.reason or None,
            days_before=held.days_before,
            remaining=days_left(state),
            taken=[PastLeave(**each) for each in taken],
        )


class TreatmentGoal(BaseModel):
    """One goal of the client."""

    id: str = Field(description="Given by the journey: goal-1.")
    progress: Progress = Field(description="How far the client has come towards it.")
    target: date | None = Field(description="The day by which to reach it.")
    words: str | None = Field(description=f"What the client wants to reach; {MAY_NOT_READ}.")
    measure: str | None = Field(description=f"How to tell whether it is reached; {MAY_NOT_READ}.")


class Treatment(BaseModel):
    """The treatment plan."""

    goals: list[TreatmentGoal] = Field(description="In the order in which they were set.")
    missing: list[str] = Field(description="What the plan still lacks.")
    gone_through_at: datetime | None = Field(description="When the goals were last gone through with the client.")
    participation: Participation | None = Field(description="The client's part in the plan.")
    step_down_criteria: list[str] | None = Field(description=f"What must be so before a step-down; {MAY_NOT_READ}.")
    discharge_criteria: list[str] | None = Field(description=f"What must be so before discharge; {MAY_NOT_READ}.")

    @classmethod
    def of(cls, plan: TreatmentPlan, *, reads_words: bool) -> Self:
        """From the state, without what was written if the person may not read it."""
        bare = plan if reads_words else plan.without_words()
        goals = [TreatmentGoal(**{**goal.model_dump(), "words": goal.words or None}) for goal in bare.goals]
        return cls(
            goals=goals,
            missing=list(plan.missing()),
            gone_through_at=plan.gone_through_at,
            participation=plan.participation,
            step_down_criteria=list(plan.step_down_criteria) if reads_words else None,
            discharge_criteria=list(plan.discharge_criteria) if reads_words else None,
        )


class RelapsePrevention(BaseModel):
    """The relapse-prevention plan of a client in maintenance."""

    visit_days: int = Field(description="Calendar days from one visit to the next.")
    warning_signs: list[str] | None = Field(description=f"Signs that it is getting worse; {MAY_NOT_READ}.")
    coping_steps: list[str] | None = Field(description=f"What the client does then; {MAY_NOT_READ}.")
    support_people: list[str] | None = Field(description=f"Who supports the client; {MAY_NOT_READ}.")
    whom_to_call: list[str] | None = Field(description=f"Whom to call, day and night; {MAY_NOT_READ}.")

    @classmethod
    def of(cls, held: Maintenance, *, reads_words: bool) -> Self:
        """From the state, without the lines if the person may not read them."""
        lines = {name: list(lines) if reads_words else None for name, lines in held.plan}
        return cls(visit_days=held.visit_days or 0, **lines)


class Journey(BaseModel):
    """One journey, from the record itself: it is never behind."""

    journey_id: str = Field(description="Opaque.")
    reference: str = Field(description="What people call it: J-004K-K.")
    position: int = Field(description="The position in the record of the journey's last event.")
    version: int = Field(description="How many events it has.")
    now: datetime = Field(description="The time by which it is judged what is overdue.")
    site: str = Field(description="Where the client is in care.")
    stage: Stage = Field(description="Where the journey stands.")
    level: LevelOfCare | None = Field(description="The level of care given now.")
    mode: str | None = Field(description="maintenance where care at the level goes on without an end date.")
    level_since: datetime | None = Field(description="When care at that level began.")
    week: int | None = Field(description="The week of care at this level, from 1.")
    last_week: int | None = Field(description="The last week at this level, but for those whom the policy names.")
    opened_at: datetime | None = Field(description="When the admission was taken in.")
    ended_at: datetime | None = Field(description="When the journey ended.")
    priority: Priority | None = Field(description="That of what is due first; safety while anything urgent is open.")
    flags: list[str] = Field(description="What people must see at a glance, of all that is owed.")
    waiting_for: Role | None = Field(description="The role that owes what is due first.")
    waiting_for_person: str | None = Field(description=PERSON)
    care_team: list[Person] = Field(description="Who has which role for this client.")
    move: Move | None = Field(description="The move between levels that is under way.")
    prepared: dict[str, str] = Field(
        description="Of a move, in words: how far its handoff has come, its first visit, and a taper after it."
    )
    duties: list[OwedDuty] = Field(description="What is owed, the most pressing first.")
    missed: list[Missed] = Field(description="What was overdue at some time, done since or not.")
    screening: str = Field(description="How far it has come, in words.")
    consents: str = Field(description="Each kind and its answer, in words.")
    benefits: str | None = Field(description="What the payer will do and why, in words; null until it has answered.")
    estimate: Cost | None = Field(description="The latest estimate; null if there is none.")
    relapse_prevention_plan: RelapsePrevention | None = Field(description="Null outside maintenance.")
    leave: LeaveLedger = Field(description="Leave of absence.")
    treatment_plan: Treatment = Field(description="The treatment plan.")
    discharge_plan: Plan = Field(description="The discharge plan.")
    policy: str = Field(description="The version of the policy under which the journey lives.")
    calendar: int = Field(description="The version of the site's calendar by which its days are counted.")
    reads_words: bool = Field(description="Whether you may read what people wrote about this client.")

    @classmethod
    def of(cls, shown: JourneyView, now: datetime, *, reads_words: bool) -> Self:
        """From the journey as the board shows it."""
        state, listed = shown.state, row(shown.state, now)
        same = {"stage", "level", "week", "last_week", "opened_at", "priority", "waiting_for", "waiting_for_person"}
        estimate, move, benefits = state.cost.estimate, state.moves.current, state.coverage.benefits
        return cls(
            journey_id=state.journey_id,
            reference=reference(shown.number),
            position=shown.position,
            version=shown.version,
            now=now,
            site=state.admission.site,
            level_since=state.level_since,
            ended_at=state.ended_at,
            flags=list(listed.flags),
            care_team=[Person(person=person, role=role) for role, person in state.care_team.members.items()],
            move=Move.of(move) if move else None,
            prepared=move_words(state),
            duties=[OwedDuty.of(each, now) for each in shown.owed],
            missed=[Missed.of(each) for each in shown.missed],
            screening=state.screening.in_words(),
            consents=state.consents.in_words(),
            benefits=summary(benefits) if benefits else None,
            estimate=Cost.of(estimate, accepted=state.cost.accepted) if estimate else None,
            mode=state.mode,
            relapse_prevention_plan=(
                RelapsePrevention.of(state.maintenance, reads_words=reads_words) if state.mode else None
            ),
            leave=LeaveLedger.of(state, reads_words=reads_words),
            treatment_plan=Treatment.of(state.treatment_plan, reads_words=reads_words),
            discharge_plan=Plan.of(state.discharge.plan, reads_words=reads_words),
            policy=state.admission.policy_version,
            calendar=state.admission.calendar,
            reads_words=reads_words,
            **listed.model_dump(include=same),
        )
