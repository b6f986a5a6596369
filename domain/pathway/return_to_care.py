"""A return to care after discharge: until the journey is closed the client goes on with it, without a new admission.

A clinician decides, at the level that fits now. What belonged to the care before is over; cost and authorisation are
looked at anew, since nobody knows whether what was agreed then still holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, AFTER_CARE, CARE_TEAM, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part
from domain.pathway import crisis, death, discharge
from domain.pathway.obligation_changes import cancelled, met, raised_within
from domain.plans import Actor
from domain.refusal import require
from domain.values import CLINICAL, LevelOfCare, PrivateWords, Role, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionRepeated
    from domain.pathway.corrections import DischargeCorrected
    from domain.pathway.death import DeathCorrected
    from domain.state import JourneyState

part = Part("return_to_care", optional=True)

DECIDE_RETURN = ObligationKind(
    kind="decide-return",
    title="An admission came after discharge: find out whether the client returns to care",
    ended_by="resume-care",
    completable_by=tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM))),
    waivable_by=CLINICAL,
    priority=Priority.CLINICAL,
)
CHECK_RETURN_COST = ObligationKind(
    kind="check-return-cost",
    title="Check benefits, authorisation and cost for the client who came back, and tell them",
    completable_by=tuple(dict.fromkeys((*ADMISSIONS, Role.UTILISATION_REVIEW, Role.SUPERVISOR))),
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.COVERAGE,
)


class CareResumed(BaseEvent):
    """A client who was discharged is in care again, at this level."""

    type: Literal["care.resumed"] = "care.resumed"
    level: LevelOfCare
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Back in care at {self.level} after the discharge{said_by(self.by)}"


class ResumeCare(Decision, label="Take the client back into care", by=CLINICAL, at=AFTER_CARE, high_risk=True):
    """Take a client who was discharged back into care on the same journey, at the level that fits now."""

    kind: Literal["resume-care"] = "resume-care"
    to: LevelOfCare = Field(description="The level of care at which they go on.")
    reason: Words = Field(description="Why they return, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """At a level that the centre gives; a discharge that was a mistake is corrected instead."""
        crisis.require_none(state)
        require(
            state.policy.level(self.to).is_ours,
            "level-not-ours",
            f"Choose a level that is given here: {state.policy.ours()}. For another, refer the client there.",
        )
        since = state.care.stays[-1].until
        require(
            since is None or when["at"] >= since,
            "before-the-discharge",
            "The client was still in care then. Give a time after the discharge.",
        )
        yield CareResumed(**when, level=self.to, reason=self.reason, by=self.by)


@part.consequence
def ask_whether_they_return(state: JourneyState, event: AdmissionRepeated) -> Iterator[BaseEvent]:
    """An admission of a client who was discharged, and has not been found out about yet."""
    if event.admits and state.stage in AFTER_CARE and not state.open_of(DECIDE_RETURN.kind):
        yield raised_within(state, event, DECIDE_RETURN, "return_decision_business_days")


@part.consequence
def ask_after_a_mistaken_death(state: JourneyState, event: DeathCorrected) -> Iterator[BaseEvent]:
    """An admission that came while the client was recorded as deceased may have been their return."""
    if death.an_admission_came(state) and state.stage in AFTER_CARE and not state.open_of(DECIDE_RETURN.kind):
        yield raised_within(state, event, DECIDE_RETURN, "return_decision_business_days")


@part.consequence
def ask_nothing_in_care(state: JourneyState, event: DischargeCorrected) -> Iterator[BaseEvent]:
    """They had never left."""
    yield from cancelled(state, event, DECIDE_RETURN)


@part.consequence
def note_the_return(state: JourneyState, event: CareResumed) -> Iterator[BaseEvent]:
    """What it costs is found out, and a plan that nobody began is owed from this day on."""
    yield from met(state, event, DECIDE_RETURN)
    yield raised_within(state, event, CHECK_RETURN_COST, "return_cost_business_days")
    if not state.discharge.plan.is_begun():
        yield raised_within(state, event, discharge.DRAFT_DISCHARGE_PLAN, "plan_draft_hours")
