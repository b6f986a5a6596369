"""The numbers a centre decides on. A journey pins the version it was opened under.

Where a number comes from a rule rather than from the centre's choice, the rule is named beside it.
"""

from __future__ import annotations

from decimal import Decimal

from domain.values import LevelOfCare, Value


class Policy(Value):
    """One version of a centre's numbers.

    Attributes:
        version: Name under which journeys pin it.
        benefits_business_days: Benefit check, automatic or by hand.
        funding_business_days: Another way to pay, once the plan does not.
        placement_business_days: A clinician's decision on the level of care.
        cost_business_days: The client's answer to the estimate.
        authorisation_business_days: The payer's authorisation.
        access_business_days: Referral to enrolment; CCBHC criteria: routine needs within 10 business days.
        plan_draft_hours: First discharge plan after care began, elapsed ("discharge planning begins on day one").
        iop_first_review_week: "Many clients engage in IOP for 6-12 weeks."
        iop_last_review_week: From here on only the medical director may continue IOP.
        op_review_days: Formal review of outpatient care, calendar days.
        step_up_hours: "Often within 24 hours", elapsed.
        place_search_hours: Pause between two searches for a place, elapsed.
        interim_contact_hours: Contact while no place is found, elapsed.
        declined_review_hours: Review after a client declined a move, elapsed.
        step_down_days: First visit at the gentler level, calendar days.
        external_contact_days: Contact with a client in someone else's care, calendar days.
        discharge_business_days: Completing a discharge once decided or reported.
        follow_up_days: Contacts after discharge, calendar days without the day itself (HEDIS FUH counts 7 and
            30 days so).
        leave_days: Calendar days a client may be on leave and keep their place; the centre's own choice.
        acknowledged_hours: How long an acknowledgement keeps the ladder quiet, elapsed.
        daily_rate: Allowed amount for a treatment day, US dollars.
        self_pay_rate: The centre's own price for a treatment day, US dollars.
        treatment_days: Days in an estimate: IOP three a week for eight weeks, OP six visits a quarter.
        retention_years: How long what is written about a client is kept, calendar years after their last event or
            their coming of age, whichever is later. 42 CFR 422.504(d)(2)(iii), Medicare Advantage: 10; most states ask
            for 5 to 10 (California, psychotherapy: 7, Bus. & Prof. Code 2919 and 4980.49). Check the centre's state.
        majority_years: The age at which a minor comes of age; 19 or 21 in a few states.
    """

    version: str
    benefits_business_days: int = 1
    funding_business_days: int = 3
    placement_business_days: int = 2
    cost_business_days: int = 3
    authorisation_business_days: int = 3
    access_business_days: int = 10
    plan_draft_hours: int = 24
    iop_first_review_week: int = 6
    iop_last_review_week: int = 12
    op_review_days: int = 90
    step_up_hours: int = 24
    place_search_hours: int = 4
    interim_contact_hours: int = 24
    declined_review_hours: int = 72
    step_down_days: int = 7
    external_contact_days: int = 7
    discharge_business_days: int = 3
    follow_up_days: tuple[int, ...] = (7, 30)
    leave_days: int = 14
    acknowledged_hours: int = 4
    daily_rate: dict[LevelOfCare, Decimal] = {LevelOfCare.OP: Decimal(160), LevelOfCare.IOP: Decimal(350)}
    self_pay_rate: dict[LevelOfCare, Decimal] = {LevelOfCare.OP: Decimal(120), LevelOfCare.IOP: Decimal(275)}
    treatment_days: dict[LevelOfCare, int] = {LevelOfCare.OP: 18, LevelOfCare.IOP: 24}
    retention_years: int = 10
    majority_years: int = 18


CURRENT = "us-generic-1"
"""The version new journeys are opened under."""

_POLICIES = {CURRENT: Policy(version=CURRENT)}


def policy_named(version: str) -> Policy:
    """The policy a journey pinned.

    Raises:
        LookupError: No release ever had that version; the journey was opened by newer code than this.
    """
    try:
        return _POLICIES[version]
    except KeyError:
        raise LookupError(f"policy {version!r} is unknown here: deploy the release that opened the journey") from None
