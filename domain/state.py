"""Where a journey stands: everything that decides what may happen next, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.clock import days_of_service, week_number
from domain.effects import Effect
from domain.obligation_terms import Priority
from domain.obligations import Obligation
from domain.part import Slice
from domain.pathway.admission import Admission
from domain.pathway.against_advice import AgainstAdvice
from domain.pathway.attendance import KnownAttendance
from domain.pathway.authorisation import Authorisation
from domain.pathway.calls import Calls
from domain.pathway.care import Care
from domain.pathway.care_team import CareTeam
from domain.pathway.closing import Closing
from domain.pathway.consents import KnownConsents
from domain.pathway.cost import Cost
from domain.pathway.coverage import Coverage
from domain.pathway.crisis import Crisis
from domain.pathway.death import Death
from domain.pathway.discharge import Discharging
from domain.pathway.ehr import Ehr
from domain.pathway.enrolment import Enrolment
from domain.pathway.first_visit import FirstVisit
from domain.pathway.follow_up import FollowUp
from domain.pathway.funding import Funding, Payment
from domain.pathway.handoff import Handoff
from domain.pathway.hospital import Hospital
from domain.pathway.leave import Leave
from domain.pathway.maintenance import Maintenance
from domain.pathway.moves import Moves
from domain.pathway.obligations import Obligations
from domain.pathway.placement import Placement
from domain.pathway.screening import Screening
from domain.pathway.suspension import Suspension
from domain.pathway.taper import Taper
from domain.pathway.treatment_plan import TreatmentPlan
from domain.pathway.waitlist import Waitlist
from domain.pathway.withdrawal import Withdrawal
from domain.plans import Direction
from domain.policy import Policy, policy_named
from domain.sites import Calendar, calendar_of, site_named
from domain.values import Instant, LevelOfCare, Role, Stage, Value

STATE_SCHEMA = 8
"""Number of the state's shape. Raise it whenever a field of any slice is added, removed or means something else, then
run `python -m tests.domain.state_schema`. Two states are only compared if both were folded under one number.
"""
REMEMBERED_COMMANDS = 200
"""How many answered command ids travel with the state; older ones are caught by the record itself."""


class JourneyState(Value):
    """A journey after `version` events: a slice for each part of the pathway.

    Attributes:
        answered: Ids of the latest commands that led to events.
        news: Version of the last event that the EHR must hear of.
        news_at: When that was true.
    """

    version: int = 0
    answered: tuple[str, ...] = ()
    news: int = 0
    news_at: Instant | None = None
    admission: Admission = Admission()
    care_team: CareTeam = CareTeam()
    obligations: Obligations = Obligations()
    coverage: Coverage = Coverage()
    screening: Screening = Screening()
    consents: KnownConsents = KnownConsents()
    funding: Funding = Funding()
    placement: Placement = Placement()
    cost: Cost = Cost()
    authorisation: Authorisation = Authorisation()
    waitlist: Waitlist = Waitlist()
    enrolment: Enrolment = Enrolment()
    care: Care = Care()
    attendance: KnownAttendance = KnownAttendance()
    leave: Leave = Leave()
    moves: Moves = Moves()
    handoff: Handoff = Handoff()
    first_visit: FirstVisit = FirstVisit()
    taper: Taper = Taper()
    crisis: Crisis = Crisis()
    hospital: Hospital = Hospital()
    withdrawal: Withdrawal = Withdrawal()
    death: Death = Death()
    suspension: Suspension = Suspension()
    discharge: Discharging = Discharging()
    treatment_plan: TreatmentPlan = TreatmentPlan()
    maintenance: Maintenance = Maintenance()
    against_advice: AgainstAdvice = AgainstAdvice()
    follow_up: FollowUp = FollowUp()
    closing: Closing = Closing()
    calls: Calls = Calls()
    ehr: Ehr = Ehr()

    @property
    def journey_id(self) -> str:
        """The journey's id; empty before it is opened."""
        return self.admission.journey_id

    @property
    def client_ref(self) -> str:
        """The client's reference; empty before the journey is opened."""
        return self.admission.client_ref

    @property
    def policy(self) -> Policy:
        """The numbers this journey was opened under."""
        return policy_named(self.admission.policy_version)

    @property
    def calendar(self) -> Calendar:
        """The calendar of its site by which its days are counted now."""
        return calendar_of(self.admission.site, self.admission.calendar)

    def why_due(self, owed: Obligation) -> str:
        """Why `owed` is due then, in a sentence, by the calendar by which it was counted.

        Raises:
            UnknownHere: This process does not know the site or that version of its calendar.
        """
        site = site_named(self.admission.site)
        return owed.counted.explained(site, site.calendar_version(owed.calendar))

    def kept_due_times(self) -> tuple[Obligation, ...]:
        """The open obligations whose due time stayed when the calendar changed, though the calendar says another.

        Raises:
            UnknownHere: This process does not know the calendar.
        """
        calendar, owed = self.calendar, self.obligations.open.values()
        return tuple(each for each in owed if each.counted.due_at(calendar) != each.due_at)

    @property
    def stage(self) -> Stage:
        """Where the journey stands, from what its parts hold."""
        if self.version == 0:
            return Stage.REFERRED
        if self.death.is_recorded:
            return Stage.DECEASED
        if self.closing.closed_at is not None:
            return Stage.CLOSED
        if self.admission.cancelled_at is not None:
            return Stage.CANCELLED
        if self.withdrawal.ended_at is not None:
            return Stage.WITHDRAWN
        if self.discharge.discharged:
            return Stage.FOLLOW_UP if self.follow_up.reached else Stage.DISCHARGED
        return self._stage_in_care() if self.care.began else self._stage_before_care()

    def _stage_in_care(self) -> Stage:
        if self.moves.current is not None or self.level is None:
            return Stage.TRANSITION
        if self.discharge.decided:
            return Stage.DISCHARGING
        return Stage.ACTIVE if self.care.is_ours and self.crisis.current is None else Stage.EXTERNAL

    def _stage_before_care(self) -> Stage:
        if self.withdrawal.is_pending:
            return Stage.DISENGAGED
        if self.crisis.current is not None:
            return Stage.EXTERNAL
        if self.funding.payment is Payment.SOUGHT:
            return Stage.FUNDING_EXCEPTION
        if self.funding.payment is Payment.UNKNOWN:
            return Stage.BENEFITS_CHECK if self.coverage.checks else Stage.REFERRED
        if self.placement.level is None:
            return Stage.PLACEMENT
        if self.enrolment.level is not None:
            return Stage.ENROLLED
        if not self.cost.accepted:
            return Stage.COST_REVIEW
        return Stage.WAITLISTED if self.waitlist.level == self.placement.level else Stage.ENROLLING

    @property
    def ended_at(self) -> Instant | None:
        """When the journey ended."""
        ends = self.closing.closed_at, self.admission.cancelled_at, self.withdrawal.ended_at, self.death.recorded_at
        return next((at for at in ends if at is not None), None)

    @property
    def level(self) -> LevelOfCare | None:
        """The level of care given now, or None before care and after it."""
        return self.care.level

    @property
    def mode(self) -> str | None:
        """How care is given at the present level where that is not as usual: `maintenance`."""
        return "maintenance" if self.level and self.maintenance.since is not None else None

    @property
    def level_since(self) -> Instant | None:
        """When care at the present level began."""
        return self.care.since

    @property
    def track(self) -> str | None:
        """The track in which the client has a place now, also during a leave or a crisis."""
        return None if self.stage.is_end or self.discharge.discharged else self.enrolment.track

    @property
    def waits_for(self) -> LevelOfCare | None:
        """The level of care for which the client is on the waitlist, in care or not."""
        return None if self.stage.is_end else self.waitlist.level

    def week_of_service(self, now: Instant) -> int | None:
        """The week of care at the present level, from 1, counted on over short interruptions; None without care.

        Raises:
            UnknownHere: This process does not know the calendar.
        """
        if self.level_since is None:
            return None
        return week_number(days_of_service(self.level_since, now, self.calendar, self.care.earlier_days))

    @property
    def is_finished(self) -> bool:
        """Whether the journey has ended for good and nothing is left to tell or to resolve."""
        return self.is_over and not self.obligations.open and not self.pending()

    @property
    def is_over(self) -> bool:
        """Whether the journey has ended and that can no longer be taken back: an admission begins another."""
        correctable = self.closing.correctable_until is not None or self.death.may_be_a_mistake
        return self.stage.is_end and not correctable

    def timed_slices(self) -> Iterator[Slice]:
        """The slices that time alone may change, in their order."""
        return (getattr(self, name) for name in _TIMED)

    def open_of(self, *kinds: str) -> list[Obligation]:
        """Open obligations of these kinds, the earliest due first."""
        return self.obligations.of(*kinds)

    def waiting_for(self) -> Role | None:
        """The owner of what is due first."""
        first = self.next_due()
        return first.owner if first else None

    def waiting_for_person(self) -> str | None:
        """The person who owns what is due first, by staff id; None where it is the role's."""
        first = self.next_due()
        return first.assignee if first else None

    def next_due(self) -> Obligation | None:
        """The obligation that falls due first, overdue ones included."""
        return self.obligations.first()

    def next_deadline(self) -> Instant | None:
        """The next moment at which time alone changes something; None once the journey is finished."""
        return min((moment for held in self.timed_slices() for moment in held.moments()), default=None)

    def is_urgent(self, now: Instant) -> bool:
        """Whether anything urgent is open or anything is overdue."""
        return any(owed.presses(now) for owed in self.obligations.open.values())

    def owes_urgently(self) -> bool:
        """Whether anything urgent is open, however far its due time."""
        return any(owed.urgent and owed.waiver is None for owed in self.obligations.open.values())

    def priority(self) -> Priority | None:
        """That of what is due next; `SAFETY` as soon as anything urgent is open."""
        first = self.next_due()
        return Priority.SAFETY if self.owes_urgently() else first.priority if first else None

    def window_closes(self) -> Instant | None:
        """When the first window ends that is open now or still to come: of what is owed, or of a step-up."""
        owed = (each for each in self.obligations.open.values() if each.waiver is None)
        ends = [each.due_at for each in owed if each.counted.window_days is not None]
        move = self.moves.current
        return min([*ends, *([move.due_at] if move and move.direction is Direction.UP else [])], default=None)

    def waived_until(self) -> date | None:
        """The first day on which something waived is owed again."""
        waivers = (owed.waiver for owed in self.obligations.open.values())
        return min((each.until for each in waivers if each and each.until), default=None)

    def in_order(self, now: Instant) -> list[Obligation]:
        """What is owed, in the order of every list: see `Obligation.order`."""
        return sorted(self.obligations.open.values(), key=lambda owed: owed.order(now))

    def pending(self) -> dict[str, Effect]:
        """Every call still to be made or answered, by its key."""
        wish = self.ehr.wish(self.news)
        return {**self.calls.open, wish.key: wish} if wish else dict(self.calls.open)


_TIMED = tuple(
    name
    for name, field in JourneyState.model_fields.items()
    if isinstance(field.default, Slice) and type(field.default).moments is not Slice.moments
)
