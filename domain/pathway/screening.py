"""Screening: the first contact, how urgent the need is and what risk was found; the client is asked for consents too.

It runs beside the question to the payer and never holds that up; it comes before the decision on the level of care.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, BEFORE_CARE, CARE_TEAM, Decision
from domain.due_times import Counted
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway.consents import Consents
from domain.pathway.obligation_changes import cancelled, met, raised, raised_within
from domain.plans import Actor, Contact
from domain.refusal import require
from domain.values import CLINICAL, Instant, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import JourneyOpened
    from domain.pathway.crisis import CrisisRecorded
    from domain.state import JourneyState

part = Part("screening")

SCREEN_CLIENT = ObligationKind(
    kind="screen-client",
    title="Reach the client and screen them",
    ended_by="complete-screening",
    priority=Priority.CLINICAL,
)
ASSESS_SAFETY = ObligationKind(
    kind="assess-safety",
    title="Assess the client's safety, and record a crisis if they are in one",
    completable_by=CLINICAL,
    waivable_by=CLINICAL,
    priority=Priority.SAFETY,
)
_STAFF = tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM)))
_WAITING = tuple(stage for stage in BEFORE_CARE if stage is not Stage.EXTERNAL)


class Urgency(StrEnum):
    """How soon the client needs care. As long as nobody has said, it is treated as urgent."""

    CRISIS = "crisis"
    URGENT = "urgent"
    ROUTINE = "routine"


class KnownRisk(StrEnum):
    """What was last found of the client's risk."""

    LOW = "low"
    RAISED = "raised"
    UNKNOWN = "unknown"


class Screening(Slice):
    """What is known of the client before care.

    Attributes:
        since: The admission, from which the time to screen counts.
        attempts: How often it was tried to reach the client.
        reached_at: When they were first reached.
        urgency: None until somebody said.
        completed_at: When the client was last screened.
    """

    since: Instant | None = None
    attempts: int = 0
    reached_at: Instant | None = None
    urgency: Urgency | None = None
    risk: KnownRisk = KnownRisk.UNKNOWN
    completed_at: Instant | None = None

    @property
    def is_known_low(self) -> bool:
        """Whether the client's risk was found to be low, and no crisis was heard of."""
        return self.risk is KnownRisk.LOW and not self.is_crisis

    @property
    def is_crisis(self) -> bool:
        """Whether a crisis was heard of."""
        return self.urgency is Urgency.CRISIS

    @property
    def shows_danger(self) -> bool:
        """Whether somebody said that the client is in a crisis or that their risk is raised."""
        return self.is_crisis or self.risk is KnownRisk.RAISED

    def contact_in_words(self) -> str:
        """Whether the client was reached."""
        tries = f"{self.attempts} attempt{'s' if self.attempts != 1 else ''}"
        return "reached" if self.reached_at else f"not reached yet, {tries}"

    def in_words(self) -> str:
        """How far it has come, in one line."""
        urgency = self.urgency or "urgency not known, so urgent"
        if self.completed_at is None:
            return f"not done, {self.contact_in_words()}; {urgency}"
        return f"done; {urgency}; risk {self.risk}"


class ContactRecorded(BaseEvent):
    """Somebody tried to reach the client. `urgency`: where it was heard."""

    type: Literal["contact.recorded"] = "contact.recorded"
    contact: Contact
    urgency: Urgency | None = None
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        heard = f"; urgency: {self.urgency}" if self.urgency else ""
        return f"First contact: {self.contact}{heard}{said_by(self.by)}"


class ScreeningCompleted(BaseEvent):
    """The client was screened; `again` if that corrects an earlier screening."""

    type: Literal["screening.completed"] = "screening.completed"
    urgency: Urgency
    risk: KnownRisk
    consents: Consents
    again: bool = False
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return f"Screened{' again' if self.again else ''}: {self.urgency}{said_by(self.by)}"


class RecordContact(Decision, label="Record an attempt to reach the client", by=_STAFF, at=_WAITING):
    """Record an attempt to reach a client who waits for care; the screening is owed until it is complete."""

    kind: Literal["record-contact"] = "record-contact"
    contact: Contact = Field(description="How it went.")
    urgency: Urgency | None = Field(default=None, description="How soon they need care, if that was heard.")
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """What is heard of the urgency moves the time in which the client must be screened."""
        _require_may_lower(state, self.urgency or state.screening.urgency, self.by)
        yield ContactRecorded(**when, contact=self.contact, urgency=self.urgency, note=self.note, by=self.by)


class CompleteScreening(
    Decision, label="Complete the screening", by=(Role.ADMISSIONS, *CLINICAL), at=_WAITING, high_risk=True
):
    """Record the client's urgency, risk and consents; until care begins it can be done again as a correction."""

    kind: Literal["complete-screening"] = "complete-screening"
    urgency: Urgency = Field(description="How soon the client needs care.")
    risk: KnownRisk = Field(description="What was found of the client's risk; unless low, a clinician assesses it.")
    consents: Consents = Field(default=Consents(), description="What the client consents to.")
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Consents that were not asked for this time stay as they were."""
        require(not state.care.began, "care-began", "Care has begun. Record a consent or a crisis by itself.")
        _require_may_lower(state, self.urgency, self.by)
        yield ScreeningCompleted(
            **when,
            urgency=self.urgency,
            risk=self.risk,
            consents=self.consents,
            again=state.screening.completed_at is not None,
            note=self.note,
            by=self.by,
        )


def _require_may_lower(state: JourneyState, urgency: Urgency | None, by: Actor) -> None:
    require(
        not state.screening.is_crisis or urgency is Urgency.CRISIS or by.role in CLINICAL,
        "crisis-stands",
        "A crisis was heard of. Only a clinician finds that it is none. Ask one of them.",
    )


def require_screened(state: JourneyState) -> None:
    """Refuses until the client was screened."""
    require(
        state.screening.completed_at is not None,
        "not-screened",
        "The client was not screened yet. Reach them and complete the screening, then decide the level of care.",
    )


def require_known_to_be_safe(state: JourneyState) -> None:
    """Refuses unless the client's risk was found to be low, and no crisis was heard of."""
    require(
        not state.screening.is_crisis and state.screening.risk is KnownRisk.LOW,
        "safety-first",
        "The client's risk is not known to be low. Record a withdrawal with the referral instead: a clinician then "
        "checks on them before the journey ends.",
    )


@part.evolves
def begin(state: JourneyState, event: JourneyOpened) -> Screening:
    """Nothing is known yet."""
    return Screening(since=event.admitted)


@part.evolves
def note_the_attempt(state: JourneyState, event: ContactRecorded) -> Screening:
    """What was heard before stays where nothing new was."""
    held = state.screening
    reached = event.at if event.contact is Contact.REACHED else None
    return held.changed(
        attempts=held.attempts + 1, reached_at=held.reached_at or reached, urgency=event.urgency or held.urgency
    )


@part.evolves
def note_what_was_found(state: JourneyState, event: ScreeningCompleted) -> Screening:
    """The latest counts."""
    held = state.screening
    return held.changed(
        reached_at=held.reached_at or event.at,
        urgency=event.urgency,
        risk=event.risk,
        completed_at=event.at,
    )


@part.consequence
def owe_the_screening(state: JourneyState, event: JourneyOpened) -> Iterator[BaseEvent]:
    """Beside the question to the payer; urgent as long as nobody knows better."""
    yield raised(state, event, SCREEN_CLIENT, _counted(state, event, event.admitted))


@part.consequence
def owe_it_as_urgency_demands(state: JourneyState, event: ContactRecorded) -> Iterator[BaseEvent]:
    """What was missed stays missed, unless it is a crisis: then a clinician is told at once."""
    is_crisis = state.screening.is_crisis
    for owed in state.open_of(SCREEN_CLIENT.kind):
        since = owed.counted.since if not owed.urgent else state.screening.since or event.at
        counted = _counted(state, event, since)
        same = (counted.kind, counted.amount) == (owed.counted.kind, owed.counted.amount)
        if not same and (is_crisis or not owed.is_overdue(event.at)):
            yield from cancelled(state, event, SCREEN_CLIENT)
            kind = SCREEN_CLIENT.changed(priority=Priority.SAFETY) if is_crisis else SCREEN_CLIENT
            yield raised(state, event, kind, counted, at_once=(Role.CLINICIAN,) if is_crisis else ())


@part.consequence
def note_the_screening(state: JourneyState, event: ScreeningCompleted) -> Iterator[BaseEvent]:
    """It was owed since the admission."""
    yield from met(state, event, SCREEN_CLIENT)


@part.consequence
def owe_an_assessment(state: JourneyState, event: ScreeningCompleted | ContactRecorded) -> Iterator[BaseEvent]:
    """By a clinician, unless the client is known to be safe. Until the screening is complete, that is owed instead."""
    held, is_crisis = state.screening, state.screening.is_crisis
    is_new = event.type == "screening.completed" or is_crisis
    doubtful = is_crisis or held.risk is not KnownRisk.LOW
    if held.completed_at and is_new and doubtful and not state.open_of(ASSESS_SAFETY.kind):
        number = "crisis_screening_hours" if is_crisis else "safety_assessment_hours"
        yield raised_within(state, event, ASSESS_SAFETY, number)


@part.consequence
def leave_safety_to_the_crisis(state: JourneyState, event: CrisisRecorded) -> Iterator[BaseEvent]:
    """Their safety is checked before they come back from it."""
    yield from cancelled(state, event, ASSESS_SAFETY)


def _counted(state: JourneyState, event: BaseEvent, since: Instant) -> Counted:
    """How the time to screen is counted: a crisis from `event` on, all else from `since`."""
    if state.screening.is_crisis:
        return state.policy.counted("crisis_screening_hours", since=event.at)
    is_routine = state.screening.urgency is Urgency.ROUTINE
    number = "routine_screening_business_days" if is_routine else "urgent_screening_business_days"
    return state.policy.counted(number, since=since)
