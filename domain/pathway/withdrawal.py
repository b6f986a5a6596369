"""Withdrawal: the way out before care, by the client or by staff, with a coded reason.

Where the client's risk is not known to be low, a clinician looks after them first, and the journey stays open until
then.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from domain.commands import ADMISSIONS, BEFORE_CARE, CARE_TEAM, Decision
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import ObligationKind, Priority
from domain.part import Part, Slice
from domain.pathway import crisis, death, reopening, suspension
from domain.pathway.obligation_changes import cancelled, met, raised, raised_within
from domain.pathway.screening import KnownRisk
from domain.plans import Actor, Initiator
from domain.refusal import require
from domain.values import CLINICAL, Instant, PrivateWords, Role, Stage, Words
from domain.wording import said_by

if TYPE_CHECKING:
    from domain.pathway.admission import AdmissionRepeated
    from domain.pathway.crisis import CrisisEnded
    from domain.pathway.death import DeathCorrected
    from domain.pathway.obligation_events import ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("withdrawal")

CHECK_WITHDRAWAL = ObligationKind(
    kind="check-withdrawal",
    title="Reach the client who withdrew and check that they are safe",
    ended_by="check-withdrawal",
    waivable_by=(Role.SUPERVISOR, Role.MEDICAL_DIRECTOR),
    priority=Priority.SAFETY,
)
RESOLVE_RETURN = ObligationKind(
    kind="resolve-return",
    title="Decide whether the client who withdrew is back: an admission came",
    ended_by="take-back-withdrawal",
    waivable_by=(Role.ADMISSIONS, *CLINICAL),
    priority=Priority.CLINICAL,
)
_BEFORE_THE_END = (CHECK_WITHDRAWAL.kind, RESOLVE_RETURN.kind)
_STAFF = tuple(dict.fromkeys((*ADMISSIONS, *CARE_TEAM)))


class WithdrawalReason(StrEnum):
    """Why the journey ends before care."""

    CLIENT_WITHDREW = "client-withdrew"
    CLIENT_DECLINED = "client-declined"  #: what was offered
    NOT_SUITABLE = "not-suitable"  #: a clinician's finding
    REFERRED_ELSEWHERE = "referred-elsewhere"
    MOVED_AWAY = "moved-away"
    NOT_REACHED = "not-reached"
    ADMINISTRATIVE = "administrative"  #: such as an admission made twice


class SafetyFinding(StrEnum):
    """How an attempt to check on a client who withdrew went."""

    SAFE = "safe"
    NOT_REACHED = "not-reached"


class Withdrawal(Slice):
    """The way out before care.

    Attributes:
        recorded_at: When the client, or staff, ended it; None if nobody did or it was taken back.
        reason: Why.
        ended_at: When nothing was left to check, and the journey ended.
    """

    recorded_at: Instant | None = None
    reason: WithdrawalReason | None = None
    ended_at: Instant | None = None

    @property
    def is_pending(self) -> bool:
        """Whether somebody must look after the client before it ends the journey."""
        return self.recorded_at is not None and self.ended_at is None


class WithdrawalRecorded(BaseEvent):
    """Care will not begin.

    Attributes:
        check_first: Whether a clinician must check on the client before the journey ends.
        referred_to: Who gives care instead.
    """

    type: Literal["withdrawal.recorded"] = "withdrawal.recorded"
    reason: WithdrawalReason
    initiator: Initiator
    risk: KnownRisk
    check_first: bool
    referred_to: PrivateWords | None = None
    note: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return (
            f"Withdrawn before care: {self.reason}, wished by the {self.initiator}"
            + ("; a clinician checks on the client first" if self.check_first else "")
            + said_by(self.by)
        )


class WithdrawalChecked(BaseEvent):
    """A clinician tried to check on the client who withdrew."""

    type: Literal["withdrawal.checked"] = "withdrawal.checked"
    finding: SafetyFinding
    note: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"Safety check after the withdrawal: {self.finding}{said_by(self.by)}"


class WithdrawalTakenBack(BaseEvent):
    """The client goes on where they were."""

    type: Literal["withdrawal.taken-back"] = "withdrawal.taken-back"
    reason: PrivateWords
    by: Actor

    def _sentence(self) -> str:
        return f"The withdrawal is taken back{said_by(self.by)}"


class WithdrawalCompleted(BaseEvent):
    """Nothing is left to check: the journey is over."""

    type: Literal["withdrawal.completed"] = "withdrawal.completed"

    def _sentence(self) -> str:
        return "Journey ended before care"


class RecordWithdrawal(Decision, label="Record a withdrawal", by=_STAFF, at=BEFORE_CARE, high_risk=True):
    """End the journey before care: withdrawn, declined, not suitable, referred elsewhere, moved or not reached."""

    kind: Literal["record-withdrawal"] = "record-withdrawal"
    reason: WithdrawalReason = Field(description="Why care will not begin.")
    initiator: Initiator = Field(description="Who wished it.")
    risk: KnownRisk | None = Field(
        default=None,
        description="What was last found of the client's risk; left out, it is what the screening found.",
    )
    referred_to: Words | None = Field(
        default=None, description="Who gives care instead; needed for a referral elsewhere."
    )
    note: Words | None = Field(default=None, description="What was said, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Risk that is not known to be low, and a crisis, are checked first."""
        require(not state.care.began, "care-began", "Care has begun. Discharge the client instead.")
        require(
            self.reason is not WithdrawalReason.NOT_SUITABLE or self.by.role in CLINICAL,
            "clinician-decides",
            "Only a clinician finds that care here does not suit the client. Ask one of them.",
        )
        require(
            self.reason is not WithdrawalReason.REFERRED_ELSEWHERE or self.referred_to is not None,
            "referral-missing",
            "Say who gives care instead, or choose another reason.",
        )
        risk = self.risk or state.screening.risk
        yield WithdrawalRecorded(
            **when,
            reason=self.reason,
            initiator=self.initiator,
            risk=risk,
            check_first=risk is not KnownRisk.LOW or state.screening.is_crisis or state.crisis.current is not None,
            referred_to=self.referred_to,
            note=self.note,
            by=self.by,
        )


class CheckWithdrawal(Decision, label="Record the check after a withdrawal", by=CLINICAL, at=(Stage.DISENGAGED,)):
    """Record an attempt to check on a client who withdrew; once they are found safe the journey ends."""

    kind: Literal["check-withdrawal"] = "check-withdrawal"
    finding: SafetyFinding = Field(description="Whether the client was reached and is safe.")
    note: Words = Field(description="What was found and done, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Not while the client is known to be in a crisis."""
        crisis.require_none(state)
        require(
            bool(state.open_of(CHECK_WITHDRAWAL.kind)),
            "nothing-to-check",
            "No check is owed any more. See what else is open on this journey.",
        )
        yield WithdrawalChecked(**when, finding=self.finding, note=self.note, by=self.by)


class TakeBackWithdrawal(Decision, label="Take back a withdrawal", by=_STAFF, at=(Stage.DISENGAGED, Stage.WITHDRAWN)):
    """Record that the client goes on after all, or that the withdrawal was a mistake; what was owed is owed again."""

    kind: Literal["take-back-withdrawal"] = "take-back-withdrawal"
    reason: Words = Field(description="Why, for the record.")

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Back to the stage before; once it has ended the journey, until that end is final."""
        if state.stage is Stage.WITHDRAWN:
            reopening.require_correctable(state)
        yield WithdrawalTakenBack(**when, reason=self.reason, by=self.by)


@part.evolves
def withdraw(state: JourneyState, event: WithdrawalRecorded) -> Withdrawal:
    """It ends once the client was checked on."""
    return Withdrawal(recorded_at=event.at, reason=event.reason)


@part.evolves
def go_on(state: JourneyState, event: WithdrawalTakenBack) -> Withdrawal:
    """As if nobody had withdrawn."""
    return Withdrawal()


@part.evolves
def end_before_care(state: JourneyState, event: WithdrawalCompleted) -> Withdrawal:
    """Once the end is final a return is a new journey."""
    return state.withdrawal.changed(ended_at=event.at)


@part.consequence
def owe_only_the_check(state: JourneyState, event: WithdrawalRecorded) -> Iterator[BaseEvent]:
    """The return from a crisis is owed on: the client is in it all the same."""
    yield from suspension.paused(event, state.obligations.of_care(but=(crisis.ARRANGE_RETURN.kind,)))
    if event.check_first:
        counted = state.policy.counted("withdrawal_check_hours", since=event.at)
        yield raised(state, event, CHECK_WITHDRAWAL, counted)
    else:
        yield WithdrawalCompleted(**event.context)


@part.consequence
def note_the_check(state: JourneyState, event: WithdrawalChecked) -> Iterator[BaseEvent]:
    """Only one that found the client safe."""
    if event.finding is SafetyFinding.SAFE:
        yield from met(state, event, CHECK_WITHDRAWAL)


@part.consequence
def end_once_nothing_is_left(state: JourneyState, event: ObligationMet | ObligationWaived) -> Iterator[BaseEvent]:
    """The check was done, or a supervisor decided to end without it."""
    ended = event.kind in _BEFORE_THE_END and state.withdrawal.is_pending
    if ended and not state.open_of(*_BEFORE_THE_END) and state.crisis.current is None:
        yield WithdrawalCompleted(**event.context)


@part.consequence
def owe_no_check_on_who_goes_on(state: JourneyState, event: WithdrawalTakenBack) -> Iterator[BaseEvent]:
    """They are in touch with us."""
    yield from cancelled(state, event, CHECK_WITHDRAWAL)
    yield from met(state, event, RESOLVE_RETURN)


@part.consequence
def check_after_the_crisis(state: JourneyState, event: CrisisEnded) -> Iterator[BaseEvent]:
    """Also where the check before it was waived."""
    if state.withdrawal.is_pending and not state.open_of(CHECK_WITHDRAWAL.kind):
        counted = state.policy.counted("withdrawal_check_hours", since=event.at)
        yield raised(state, event, CHECK_WITHDRAWAL, counted)


@part.consequence
def ask_whether_the_client_is_back(state: JourneyState, event: AdmissionRepeated) -> Iterator[BaseEvent]:
    """A client who withdrew and is admitted again is not dropped."""
    if state.stage is Stage.DISENGAGED and not state.open_of(RESOLVE_RETURN.kind):
        yield raised_within(state, event, RESOLVE_RETURN, "return_business_days")


@part.consequence
def ask_after_a_mistaken_death(state: JourneyState, event: DeathCorrected) -> Iterator[BaseEvent]:
    """An admission that came while the client was recorded as deceased says that they are back."""
    if death.an_admission_came(state) and state.stage is Stage.DISENGAGED and not state.open_of(RESOLVE_RETURN.kind):
        yield raised_within(state, event, RESOLVE_RETURN, "return_business_days")
