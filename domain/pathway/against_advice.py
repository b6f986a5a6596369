"""Leaving against advice: a client who wants to leave is talked to first, and cared for afterwards all the same.

The report pages a clinician at once. It ends with a discharge, or with the client staying. Nothing keeps a client who
wants to leave: what was not done before is on record as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import CARE_TEAM, IN_CARE, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.moves import require_since_the_level_began
from domain.pathway.obligation_changes import cancelled, met, raised_within, require_owed_by_then
from domain.plans import Actor, DischargeReason
from domain.refusal import require
from domain.values import Instant, PrivateWords, Role, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.care import CareStartTakenBack
    from domain.pathway.corrections import DischargeCorrected, EnrolmentCorrected
    from domain.pathway.discharge import Discharged
    from domain.pathway.return_to_care import CareResumed
    from domain.state import JourneyState

part = Part("against_advice", optional=True)

TALK_BEFORE_LEAVING = ObligationKind(
    kind="talk-before-leaving",
    title="Talk to the client who wants to leave against advice: check their risk, offer a plan",
    ended_by="record-staying",
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.SAFETY,
)


class AgainstAdvice(Slice):
    """Since when a client in care has wanted to leave against advice; None if they do not.

    Attributes:
        at_discharge: The same as it was at a discharge against advice, should that be a mistake.
    """

    reported_at: Instant | None = None
    at_discharge: Instant | None = None


class LeavingAgainstAdviceReported(BaseEvent):
    """A client in care wants to leave against advice."""

    type: Literal["leaving-against-advice.reported"] = "leaving-against-advice.reported"
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The client wants to leave against advice{said_by(self.by)}"


class ClientStayed(BaseEvent):
    """A client who wanted to leave stays in care."""

    type: Literal["client.stayed"] = "client.stayed"
    note: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The client stays in care{said_by(self.by)}"


class ReportLeavingAgainstAdvice(Decision, label="Report a wish to leave against advice", by=CARE_TEAM, at=IN_CARE):
    """Record that the client wants to leave against advice; a clinician is paged at once to talk to them."""

    kind: Literal["report-leaving"] = "report-leaving"
    reason: Words = Field(description="Why they want to leave, as they say it.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Once, until they stay or have left."""
        require(
            state.against_advice.reported_at is None,
            "leaving-reported",
            "It is on record that the client wants to leave. Record that they stay, or discharge them.",
        )
        require_since_the_level_began(state, when)
        yield LeavingAgainstAdviceReported(**when, reason=self.reason, by=self.by)


class RecordStaying(Decision, label="Record that the client stays", by=CARE_TEAM, at=IN_CARE):
    """Record that a client who wanted to leave against advice stays; they are reviewed soon."""

    kind: Literal["record-staying"] = "record-staying"
    note: Words = Field(description="What was found of their risk and agreed, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """After a report."""
        require(
            state.against_advice.reported_at is not None,
            "no-wish-to-leave",
            "Nobody has reported that the client wants to leave. Report it first.",
        )
        require_owed_by_then(state.open_of(TALK_BEFORE_LEAVING.kind), when)
        yield ClientStayed(**when, note=self.note, by=self.by)


@part.evolves
def note_the_wish(state: JourneyState, event: LeavingAgainstAdviceReported) -> AgainstAdvice:
    """From then on."""
    return AgainstAdvice(reported_at=event.at)


@part.evolves
def forget_the_wish(
    state: JourneyState, event: ClientStayed | CareResumed | EnrolmentCorrected | CareStartTakenBack
) -> AgainstAdvice:
    """They stay, or were not in care."""
    return AgainstAdvice()


@part.evolves
def follow_the_wish(state: JourneyState, event: Discharged) -> AgainstAdvice:
    """A discharge for another reason may be a mistake, and the wish stands."""
    left = event.reason is DischargeReason.AGAINST_ADVICE
    return AgainstAdvice(at_discharge=state.against_advice.reported_at) if left else state.against_advice


@part.evolves
def wish_it_all_the_same(state: JourneyState, event: DischargeCorrected) -> AgainstAdvice:
    """The client had not left."""
    held = state.against_advice
    return AgainstAdvice(reported_at=held.reported_at or held.at_discharge)


@part.consequence
def talk_to_the_client(state: JourneyState, event: LeavingAgainstAdviceReported) -> Iterator[BaseEvent]:
    """A clinician is told at once."""
    yield raised_within(state, event, TALK_BEFORE_LEAVING, "against_advice_hours")


@part.consequence
def note_that_they_stay(state: JourneyState, event: ClientStayed) -> Iterator[BaseEvent]:
    """Somebody talked to them."""
    yield from met(state, event, TALK_BEFORE_LEAVING)


@part.consequence
def note_that_they_left(state: JourneyState, event: Discharged) -> Iterator[BaseEvent]:
    """If somebody checked the risk and offered a plan, as the discharge says; else it ends undone."""
    if event.reason is DischargeReason.AGAINST_ADVICE and event.risk_checked and event.plan_offered:
        yield from met(state, event, TALK_BEFORE_LEAVING)


@part.consequence
def talk_to_nobody_before_care(
    state: JourneyState, event: EnrolmentCorrected | CareStartTakenBack
) -> Iterator[BaseEvent]:
    """Care has not begun."""
    yield from cancelled(state, event, TALK_BEFORE_LEAVING)
