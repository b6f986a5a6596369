"""What a centre decides for itself: its numbers, its levels of care, who is told of what, and which parts run.

A policy is a file of the centre (`centre.policies` reads it). A journey pins the version it was opened under, and
keeps it until a recorded decision moves it to another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.clock import TimeKind
from domain.due_times import Counted
from domain.obligation_terms import Terms
from domain.refusal import Refused, UnknownHere
from domain.values import CLINICAL, Instant, Key, LevelOfCare, Role, Value


@dataclass(frozen=True, slots=True)
class Unit:
    """What a number of the policy counts."""

    name: str


ElapsedHours = Annotated[int, Field(ge=1, le=8760), Unit("elapsed hours")]
CalendarDays = Annotated[int, Field(ge=1, le=3660), Unit("calendar days")]
BusinessDays = Annotated[int, Field(ge=1, le=366), Unit("business days")]
CalendarYears = Annotated[int, Field(ge=1, le=100), Unit("calendar years")]
Times = Annotated[int, Field(ge=1, le=100), Unit("times")]
_KINDS = {
    "elapsed hours": TimeKind.ELAPSED,
    "calendar days": TimeKind.CALENDAR_DAYS,
    "business days": TimeKind.BUSINESS_DAYS,
}
Dollars = Annotated[Decimal, Field(gt=0, le=1_000_000, decimal_places=2)]


class Numbers(Value):
    """The numbers of a policy, each with its unit. The file says where each comes from."""

    benefits_business_days: BusinessDays = Field(description="Benefit check, automatic or by hand.")
    urgent_screening_business_days: BusinessDays = Field(
        description="Reaching and screening a client whose need is urgent, or not known yet."
    )
    routine_screening_business_days: BusinessDays = Field(
        description="Reaching and screening a client whose need is routine."
    )
    crisis_screening_hours: ElapsedHours = Field(
        description="Screening a client of whom a crisis is heard, and assessing their safety."
    )
    safety_assessment_hours: ElapsedHours = Field(
        description="Assessing a client whose risk is not known to be low, by a clinician."
    )
    consent_business_days: BusinessDays = Field(
        description="Settling how care goes on once consent to treatment is withdrawn."
    )
    funding_business_days: BusinessDays = Field(description="Another way to pay, once the plan does not.")
    placement_business_days: BusinessDays = Field(description="A clinician's decision on the level of care.")
    cost_business_days: BusinessDays = Field(description="The client's answer to the estimate.")
    authorisation_business_days: BusinessDays = Field(description="The payer's authorisation.")
    access_business_days: BusinessDays = Field(description="From referral to enrolment.")
    case_manager_business_days: BusinessDays = Field(
        description="Naming a client's case manager, at a level at which each client has one."
    )
    waitlist_check_in_days: CalendarDays = Field(
        description="Asking a waiting client how they are, again and again until there is room."
    )
    waitlist_screening_days: CalendarDays = Field(description="Screening a waiting client again.")
    interim_offer_business_days: BusinessDays = Field(
        description="Offering a waiting client a gentler level meanwhile."
    )
    first_session_days: CalendarDays = Field(
        description="From enrolment to the first session that the client comes to, where none is booked."
    )
    care_start_business_days: BusinessDays = Field(
        description="Finding out when care began, where the first session was corrected afterwards."
    )
    return_decision_business_days: BusinessDays = Field(
        description="Finding out whether a client returns to care, of whom an admission came after discharge."
    )
    return_cost_business_days: BusinessDays = Field(
        description="Checking benefits, authorisation and cost for a client who came back after discharge."
    )
    outreach_after_missed: Times = Field(description="How many sessions missed in a row make staff reach out.")
    outreach_hours: ElapsedHours = Field(description="Reaching a client who missed that many sessions.")
    disengaged_after_missed: Times = Field(
        description="How many sessions missed in a row make a clinician decide how to go on."
    )
    disengaged_business_days: BusinessDays = Field(description="That decision.")
    progress_note_business_days: BusinessDays = Field(description="The progress note of a session.")
    against_advice_hours: ElapsedHours = Field(
        description="Talking to a client in care who wants to leave against advice."
    )
    stayed_review_hours: ElapsedHours = Field(description="Review of a client who wanted to leave and stays.")
    relapse_plan_days: CalendarDays = Field(
        description="Looking at the relapse-prevention plan again, as long as the client is in maintenance."
    )
    treatment_plan_days: CalendarDays = Field(description="First treatment plan after care began.")
    goals_review_business_days: BusinessDays = Field(
        description="Going through the goals with the client after a review of the level of care that did not."
    )
    plan_draft_hours: ElapsedHours = Field(description="First discharge plan after care began.")
    step_up_hours: ElapsedHours = Field(description="Completing a step-up.")
    place_search_hours: ElapsedHours = Field(
        description="Pause between two searches for a place, and before it is asked whether a held one is still there."
    )
    first_contact_hours: ElapsedHours = Field(
        description="First contact with the client once no place is found, or the one held falls through."
    )
    interim_contact_hours: ElapsedHours = Field(description="Each further contact until the client arrives.")
    late_place_hours: ElapsedHours = Field(
        description="How long after the step-up is due a place may start without an earlier one being looked for."
    )
    declined_review_hours: ElapsedHours = Field(description="Review after a client declined a move.")
    step_down_days: CalendarDays = Field(description="First visit at the gentler level.")
    step_up_handoff_hours: ElapsedHours = Field(description="The handoff at a step-up, with read-back.")
    step_down_handoff_days: CalendarDays = Field(description="The handoff at a step-down, with read-back.")
    first_visit_booking_business_days: BusinessDays = Field(
        description="Booking the first visit at the gentler level, from the start of a step-down."
    )
    first_visit_days: CalendarDays = Field(
        description="From an arrival to a first visit that is known to be kept, where none was booked."
    )
    taper_days: CalendarDays = Field(description="How long a taper after a step-down may last.")
    external_contact_days: CalendarDays = Field(description="Contact with a client in another facility's care.")
    discharge_business_days: BusinessDays = Field(description="Completing a discharge once decided or reported.")
    early_follow_up_days: CalendarDays = Field(
        description="The first contact after discharge; the day of discharge is not counted."
    )
    follow_up_days: Annotated[tuple[CalendarDays, ...], Field(min_length=1), Unit("calendar days")] = Field(
        description="Contacts after discharge; the day of discharge is not counted."
    )
    withdrawal_check_hours: ElapsedHours = Field(
        description="Checking on a client who withdrew and whose risk is not known to be low."
    )
    crisis_return_hours: ElapsedHours = Field(
        description="Contact with the emergency department that has a client, again and again until the return."
    )
    inpatient_contact_days: CalendarDays = Field(
        description="Contact with the hospital that has a client after a crisis, again and again until the return."
    )
    hospital_visit_hours: ElapsedHours = Field(
        description="Finding out about a client of whom a hospital reports a visit."
    )
    hospital_return_days: CalendarDays = Field(
        description="Seeing a client who left a hospital; the day on which they left does not count."
    )
    crisis_review_hours: ElapsedHours = Field(description="Review after a client came back from a crisis.")
    end_correction_days: CalendarDays = Field(
        description="How long the end of a journey can be taken back as a mistake before it is final."
    )
    reopening_business_days: BusinessDays = Field(
        description="A decision how a journey goes on that was closed by mistake."
    )
    return_business_days: BusinessDays = Field(
        description="A decision whether a client who withdrew is back: an admission came."
    )
    mortality_review_business_days: BusinessDays = Field(description="Review of a client's death.")
    death_check_hours: ElapsedHours = Field(
        description="Finding out who an admission is about that came for a client recorded as deceased."
    )
    plan_stale_days: CalendarDays = Field(
        description="How long a discharge plan may go untouched before somebody looks at it again."
    )
    plan_delivery_business_days: BusinessDays = Field(
        description="Giving the client their discharge plan, once they are discharged."
    )
    recertification_after_return_days: CalendarDays = Field(
        description="Certifying again that a level is needed, once a client came back to it from a higher one."
    )
    leave_days_in_all: CalendarDays = Field(description="How many days of leave a client may take in one episode.")
    leave_contact_days: CalendarDays = Field(
        description="Asking a client on leave how they are, again and again until they are back."
    )
    leave_days: CalendarDays = Field(description="How long a client may be on leave and keep their place.")
    interruption_days: CalendarDays = Field(
        description="After so long at another of our levels, or out of care, the weeks at a level begin anew; shorter "
        "interruptions join them, and time in another facility's care does not count as one."
    )
    cancellation_business_days: BusinessDays = Field(
        description="A decision on an admission that was cancelled after care began."
    )
    refused_call_hours: ElapsedHours = Field(description="Doing by hand what a clinic system would not do.")
    admission_check_business_days: BusinessDays = Field(
        description="Finding out when the client was admitted, where the sender's time cannot be true."
    )
    admitted_past_days: CalendarDays = Field(
        description="How long before its receipt an admission may have been; an earlier time counts as the receipt."
    )
    admitted_ahead_days: CalendarDays = Field(
        description="How long after its receipt an admission may be; a later time counts as the receipt."
    )
    waiver_days: CalendarDays = Field(description="How long a waiver with an end may last.")
    acknowledged_hours: ElapsedHours = Field(
        description="How long an acknowledgement keeps the escalation quiet, where the kind of obligation says nothing."
    )
    acknowledged_times: Times = Field(
        description="How often an obligation may be acknowledged, where its kind says nothing."
    )
    undelivered_page_hours: ElapsedHours = Field(
        description="Telephoning those whom a page did not reach, and the pause before the last page is tried again."
    )
    retention_years: CalendarYears = Field(
        description="How long what is written about a client is kept after their last event or their coming of age, "
        "whichever is later."
    )
    majority_years: Annotated[int, Field(ge=18, le=21), Unit("calendar years")] = Field(
        description="The age at which a minor comes of age."
    )

    @model_validator(mode="after")
    def _leaves_fit(self) -> Self:
        if self.leave_days > self.leave_days_in_all:
            raise ValueError("leave_days is longer than leave_days_in_all")
        return self

    @model_validator(mode="after")
    def _handoffs_before_moves(self) -> Self:
        if self.step_up_handoff_hours >= self.step_up_hours or self.step_down_handoff_days >= self.step_down_days:
            raise ValueError(
                "a handoff is due before its move: give step_up_handoff_hours and step_down_handoff_days less"
            )
        return self

    @model_validator(mode="after")
    def _follow_ups_in_order(self) -> Self:
        if list(self.follow_up_days) != sorted(set(self.follow_up_days)):
            raise ValueError("follow_up_days must rise: give each day once, the earliest first")
        if self.early_follow_up_days >= self.follow_up_days[0]:
            raise ValueError("early_follow_up_days must come before the first of follow_up_days")
        return self


def unit_of(name: str) -> str | None:
    """What a number of the policy counts, or None where there is no such number."""
    field = Numbers.model_fields.get(name)
    return next((each.name for each in field.metadata if isinstance(each, Unit)), None) if field else None


class ReviewRule(Value):
    """When the level is reviewed: every so many days, or in certain weeks of service.

    Attributes:
        every_days: Calendar days from one review to the next.
        first_week: The week of service that the first review completes; from then on there is one each week.
        last_week: Beyond its end only `beyond` may decide that care at this level goes on. Weeks of service.
        beyond: The roles that may.
        team_weekly: Whether the team talks about the client in each week of service, from the first on.
        recertify_days: Calendar days from one certification by a physician that this level is needed to the next.
    """

    every_days: CalendarDays | None = None
    first_week: Annotated[int, Field(ge=1, le=520)] | None = None
    last_week: Annotated[int, Field(ge=1, le=520)] | None = None
    beyond: tuple[Role, ...] = ()
    team_weekly: bool = False
    recertify_days: CalendarDays | None = None

    @model_validator(mode="after")
    def _one_way_or_the_other(self) -> Self:
        if (self.every_days is None) == (self.first_week is None):
            raise ValueError("give either every_days or first_week")
        if self.last_week is not None and not self.beyond:
            raise ValueError("say in beyond which roles may continue care after last_week")
        if self.beyond and self.last_week is None:
            raise ValueError("say in last_week from when on only those in beyond may continue care")
        if others := [role for role in self.beyond if role not in CLINICAL]:
            raise ValueError(f"{', '.join(others)} may not review the level of care; name {', '.join(CLINICAL)}")
        if self.first_week is not None and self.last_week is not None and self.last_week < self.first_week:
            raise ValueError("last_week comes before first_week")
        return self


class Price(Value):
    """What a treatment day costs, US dollars, and for how many an estimate is made.

    Attributes:
        allowed_dollars: The amount a plan allows for a day.
        self_pay_dollars: The centre's own price for a day.
        treatment_days: Days in an estimate.
    """

    allowed_dollars: Dollars
    self_pay_dollars: Dollars
    treatment_days: Annotated[int, Field(ge=1, le=3660)]


class Level(Value):
    """A level of care, ours or another facility's.

    Attributes:
        given_by: The centre itself, or another facility.
        hours_a_week: Clinical hours a week, the least and the most, where the level is defined by them.
        sessions_a_week: Clinical sessions a week, the least and the most, where it is defined by those.
        unseen_days: How long after the week of their last session a client at this level may not have come before
            somebody sees to it; None at another facility.
        plan_asked: Whether the automatic benefit check asks the payer about this level. Where it does not, the payer
            must authorise it, and a price under a plan is unknown until a person has asked.
        case_managed: Whether each client at this level has a case manager of their own.
        tell_at_once: Roles that are paged as soon as a step-up to this level is requested, beside the escalation of
            every step-up.
        maintenance: Whether care at this level may go on without an end date, as maintenance.
        review: None at another facility, which reviews its own care.
        price: None at another facility.
    """

    id: LevelOfCare
    title: str
    given_by: Literal["us", "another"]
    hours_a_week: tuple[int, int] | None = None
    sessions_a_week: tuple[int, int] | None = None
    unseen_days: CalendarDays | None = None
    plan_asked: bool = False
    case_managed: bool = False
    tell_at_once: tuple[Role, ...] = ()
    maintenance: bool = False
    review: ReviewRule | None = None
    price: Price | None = None

    @property
    def is_ours(self) -> bool:
        """Whether the centre itself gives this level."""
        return self.given_by == "us"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ours = self.review, self.price, self.unseen_days
        if self.is_ours and None in ours:
            raise ValueError(f"{self.id} is given by us: give its review, its price and its unseen_days")
        if not self.is_ours and (any(ours) or self.plan_asked):
            raise ValueError(
                f"{self.id} is given by another facility: leave out review, price, unseen_days and plan_asked"
            )
        if self.maintenance and (self.review is None or self.review.every_days is None):
            raise ValueError(f"{self.id} has maintenance: it is given by us and reviewed every so many days")
        if self.hours_a_week and not 0 < self.hours_a_week[0] <= self.hours_a_week[1] <= 168:
            raise ValueError("hours_a_week is the least and the most, from 1 to 168")
        if self.sessions_a_week and not 0 < self.sessions_a_week[0] <= self.sessions_a_week[1] <= 50:
            raise ValueError("sessions_a_week is the least and the most, from 1 to 50")
        return self


class Policy(Numbers):
    """One version of a centre's policy.

    Attributes:
        version: Name under which journeys pin it.
        digest: SHA-256 of what the file says, in hexadecimal.
        parts: Names of the parts of the pathway that run.
        levels: From the gentlest to the most intensive.
        obligations: Owner and escalation steps of each kind of obligation, by the kind's name.
    """

    version: Key
    title: str = ""
    digest: str = ""
    parts: frozenset[str]
    levels: tuple[Level, ...]
    obligations: dict[str, Terms]

    @model_validator(mode="after")
    def _authorisations_run_on(self) -> Self:
        if any(terms.pauses_on_leave for kind, terms in self.obligations.items() if "authoris" in kind):
            raise ValueError("what the payer authorised runs on during a leave: leave out pauses_on_leave there")
        return self

    def counted(self, number: str, since: Instant) -> Counted:
        """What the number of that name gives from `since` on. Its unit says how it is counted."""
        return Counted(kind=_KINDS[unit_of(number) or ""], amount=getattr(self, number), since=since, rule=number)

    def level(self, name: LevelOfCare) -> Level:
        """The level of that name.

        Raises:
            Refused: The policy has no such level.
        """
        for each in self.levels:
            if each.id == name:
                return each
        known = ", ".join(each.id for each in self.levels)
        raise Refused("level-unknown", f"This centre's policy has no such level of care. Choose one of {known}.")

    def is_above(self, one: LevelOfCare, other: LevelOfCare) -> bool:
        """Whether moving from `other` to `one` is a step up.

        Raises:
            Refused: The policy does not have both.
        """
        return self.levels.index(self.level(one)) > self.levels.index(self.level(other))

    def ours(self) -> str:
        """The levels the centre gives, for a sentence."""
        return " or ".join(each.id for each in self.levels if each.is_ours)


_POLICIES: dict[str, Policy] = {}


def use_policies(policies: Iterable[Policy]) -> None:
    """Makes these policies known to this process.

    Raises:
        ValueError: One of them is known already and says something else.
    """
    for each in policies:
        known = _POLICIES.get(each.version)
        if known is not None and known.digest != each.digest:
            raise ValueError(f"there are two policies {each.version!r} that differ; give one of them another version")
        _POLICIES[each.version] = each


def policy_named(version: str) -> Policy:
    """The policy a journey pinned.

    Raises:
        UnknownHere: This process has no such policy.
    """
    try:
        return _POLICIES[version]
    except KeyError:
        raise UnknownHere(f"policy {version!r} is unknown here: add its file to the centre's policies") from None
