"""Enrolment: a place in a track, and care begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part
from domain.pathway import authorisation, consents
from domain.pathway.obligation_changes import met, raised
from domain.plans import Actor
from domain.refusal import require
from domain.values import LevelOfCare, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import JourneyOpened
    from domain.pathway.corrections import EnrolmentCorrected
    from domain.state import JourneyState

part = Part("enrolment")

ENROL = ObligationKind(
    kind="enrol", ended_by="confirm-enrolment", title="Enrol the client", priority=Priority.ADMINISTRATIVE
)


class Enrolled(BaseEvent):
    """The client has a place in a track and a first session."""

    type: Literal["client.enrolled"] = "client.enrolled"
    level: LevelOfCare
    track: str
    by: Actor

    def _sentence(self) -> str:
        return f"Enrolled in {self.level}, {self.track} track{said_by(self.by)}"


class ConfirmEnrolment(Decision, label="Enrol the client", by=ADMISSIONS, at=(Stage.ENROLLING,)):
    """Record that the client is enrolled in a track; care begins."""

    kind: Literal["confirm-enrolment"] = "confirm-enrolment"
    track: Words = Field(description="The group or schedule, for example evening.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """An authorisation still owed and consent to treatment come first."""
        require(
            all(owed.waiver for owed in state.open_of(authorisation.OBTAIN_AUTHORISATION.kind)),
            "authorisation-open",
            "The payer has not authorised this level. Complete that obligation, or waive it with a reason.",
        )
        consents.require_consent_to_treatment(state)
        level = state.placement.level
        assert level is not None, "a journey is at ENROLLING once its level is decided"
        yield Enrolled(**when, level=level, track=self.track, by=self.by)


@part.consequence
def owe_access(state: JourneyState, event: JourneyOpened) -> Iterator[BaseEvent]:
    """From the admission to enrolment; CCBHC criteria: routine needs within 10 business days."""
    yield raised(state, event, ENROL, state.policy.counted("access_business_days", since=event.admitted))


@part.consequence
def owe_access_again(state: JourneyState, event: EnrolmentCorrected) -> Iterator[BaseEvent]:
    """By the same time as before: the client still waits since the admission."""
    since = state.admission.begins_at or event.at
    yield raised(state, event, ENROL, state.policy.counted("access_business_days", since=since))


@part.consequence
def note_the_enrolment(state: JourneyState, event: Enrolled) -> Iterator[BaseEvent]:
    """It was owed since the admission."""
    yield from met(state, event, ENROL)
