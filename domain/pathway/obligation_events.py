"""What happens to obligations, as events."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal, TypedDict

from domain.escalation import EscalationStep
from domain.events import BaseEvent
from domain.obligation_terms import Channel
from domain.obligations import Obligation
from domain.part import Part
from domain.plans import Actor
from domain.values import Instant, PrivateWords, Role
from domain.wording import in_sentence, moment, named, said_by

part = Part("obligations")


class ObligationRaised(BaseEvent):
    """Something is owed from now on."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.raised"] = "obligation.raised"
    obligation: Obligation

    def _sentence(self) -> str:
        owed = self.obligation
        return f"Owed: {owed.title} — {named(owed.owner, owed.assignee)}, due {moment(owed.due_at)}"


class OneObligation(TypedDict):
    """What events say of the obligation they are about."""

    obligation: str
    kind: str
    title: str


def of(owed: Obligation) -> OneObligation:
    """Names `owed` in an event."""
    return OneObligation(obligation=owed.id, kind=owed.kind, title=owed.title)


class OfOne(BaseEvent):
    """What happened to one obligation, by its id, its kind's name and its title."""

    obligation: str
    kind: str
    title: str

    def _duty(self) -> str:
        return f"{in_sentence(self.title)} ({self.obligation})"


class ObligationEscalated(OfOne):
    """A person is told, as the escalation steps say.

    Attributes:
        person: The one whose obligation it is, where they are told as its owner.
        planned_at: When they should have been told; a difference is the outage that delayed it.
        again_at: When the last step is repeated, if no step is left.
    """

    news: ClassVar[bool] = False

    type: Literal["obligation.escalated"] = "obligation.escalated"
    steps_taken: int
    to: Role
    person: str | None = None
    how: Channel
    planned_at: Instant
    again_at: Instant | None = None
    overdue: bool

    def _sentence(self) -> str:
        return f"{'OVERDUE' if self.overdue else 'Reminder'}: {self._duty()} → {named(self.to, self.person)}"


class ObligationAssigned(OfOne):
    """Another person owes it from now on, or the person on call for the role again.

    Attributes:
        assignee: Staff id, or None for the role.
        before: Whose it was, or None for the role.
    """

    news: ClassVar[bool] = False

    type: Literal["obligation.assigned"] = "obligation.assigned"
    owner: Role
    assignee: str | None = None
    before: str | None = None
    reason: PrivateWords | None = None
    by: Actor

    def _sentence(self) -> str:
        return f"Assigned: {self._duty()} → {named(self.owner, self.assignee)}{said_by(self.by)}"


class ObligationAcknowledged(OfOne):
    """Someone has it in hand; reminders pause until then."""

    type: Literal["obligation.acknowledged"] = "obligation.acknowledged"
    quiet_until: Instant
    by: Actor

    def _sentence(self) -> str:
        return f"In hand: {self._duty()}, quiet until {moment(self.quiet_until)}{said_by(self.by)}"


class ObligationMoved(OfOne):
    """Its due time was counted anew by another calendar of the site."""

    type: Literal["obligation.moved"] = "obligation.moved"
    was_due_at: Instant
    due_at: Instant
    calendar: int
    counts_from: date | None = None
    escalation: tuple[EscalationStep, ...]

    def _sentence(self) -> str:
        return f"Moved: {self._duty()}, due {moment(self.due_at)} instead of {moment(self.was_due_at)}"


class ObligationMet(OfOne):
    """What was owed was done; `late` if after its due time."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.met"] = "obligation.met"
    late: bool
    by: Actor | None = None
    note: PrivateWords | None = None

    def _sentence(self) -> str:
        return f"Done{' late' if self.late else ''}: {self._duty()}"


class ObligationWaived(OfOne):
    """A named person decided it need not be done."""

    type: Literal["obligation.waived"] = "obligation.waived"
    about: str | None = None
    reason: PrivateWords
    by: Actor

    @property
    def is_news(self) -> bool:
        """That the EHR itself need not be told by hand is none to it."""
        return self.about != "sync-ehr"

    def _sentence(self) -> str:
        return f"Waived: {self._duty()}{said_by(self.by)}"


class Reopening(StrEnum):
    """Why something waived is owed again."""

    WAIVER_ENDED = "waiver-ended"
    WAIVER_UNDONE = "waiver-undone"
    DECIDED_SINCE = "decided-since"  #: a later decision needs it done


class ObligationReopened(OfOne):
    """What was waived is owed again, as `owed` says."""

    type: Literal["obligation.reopened"] = "obligation.reopened"
    owed: Obligation
    why: Reopening
    reason: PrivateWords | None = None
    by: Actor | None = None

    def _sentence(self) -> str:
        said = said_by(self.by) if self.by else ""
        return f"Owed again: {self._duty()}, due {moment(self.owed.due_at)}; {self.why.replace('-', ' ')}{said}"


class ObligationCancelled(OfOne):
    """It can no longer be owed; `because` is the event that ended its reason."""

    bookkeeping: ClassVar[bool] = True

    type: Literal["obligation.cancelled"] = "obligation.cancelled"
    because: str

    def _sentence(self) -> str:
        return f"No longer owed: {self._duty()}; {self.because}"
