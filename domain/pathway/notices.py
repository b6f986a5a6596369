"""A notice about an obligation that was not delivered: the next person is told at once, and operations act on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from domain.clock import after_hours
from domain.effects import Notify
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import Channel, ObligationKind, Priority
from domain.obligations import Obligation
from domain.part import Part
from domain.pathway.obligation_changes import cancel_these, escalated, raised
from domain.pathway.obligations import Obligations
from domain.values import CLINICAL, Instant, Role
from domain.wording import in_sentence, named

if TYPE_CHECKING:
    from domain.pathway.obligation_events import ObligationCancelled, ObligationMet, ObligationWaived
    from domain.state import JourneyState

part = Part("obligations")

DELIVER_PAGE = ObligationKind(
    kind="deliver-page",
    title="Telephone those whom a page did not reach",
    completable_by=(Role.OPERATIONS, *CLINICAL),
    waivable_by=(Role.OPERATIONS, *CLINICAL),
    priority=Priority.SAFETY,
    outlives_care=True,
)


class NoticeNotDelivered(BaseEvent):
    """Nobody got a mail or a page about an obligation: it was refused, or not taken in time.

    Attributes:
        step: The step of the escalation it was for; 0 where it told a person that the obligation is theirs now.
        code: Why, in the words of the mail system's adapter.
        again_at: The last step of the escalation is repeated then, if it was to be later; None: as it was to be.
    """

    news: ClassVar[bool] = False

    type: Literal["notice.not-delivered"] = "notice.not-delivered"
    obligation: str
    title: str
    step: int
    to: Role
    person: str | None = None
    how: Channel
    code: str
    again_at: Instant | None = None

    def _sentence(self) -> str:
        about = f"{in_sentence(self.title)} ({self.obligation})"
        return f"The {self.how} to {named(self.to, self.person)} was not delivered: {about}, {self.code}"


def not_delivered(state: JourneyState, call: Notify, code: str, when: EventContext) -> NoticeNotDelivered:
    """The call to tell someone has failed for good."""
    owed = state.obligations.open.get(call.obligation)
    again_at = None
    if call.how is Channel.PAGE and owed is not None and owed.steps_taken >= len(owed.escalation):
        soon = after_hours(when["at"], state.policy.undelivered_page_hours)
        again_at = min(owed.at_a_time_to_tell(soon, state.calendar), owed.next_at())
    return NoticeNotDelivered(
        **when,
        obligation=call.obligation,
        title=call.title,
        step=call.step,
        to=call.to,
        person=call.person,
        how=call.how,
        code=code,
        again_at=again_at,
    )


@part.evolves
def repeat_sooner(state: JourneyState, event: NoticeNotDelivered) -> Obligations:
    """Once every step is taken, the last one does not wait for its usual repeat."""
    held = state.obligations
    owed = held.open.get(event.obligation)
    if owed is None or event.again_at is None:
        return held
    return held.changed(open={**held.open, owed.id: owed.changed(again_at=event.again_at)})


@part.consequence
def tell_the_next_person(state: JourneyState, event: NoticeNotDelivered) -> Iterator[BaseEvent]:
    """Whose page was not delivered does not hold up the others, unless a later step told them meanwhile."""
    owed = state.obligations.open.get(event.obligation)
    if event.how is not Channel.PAGE or owed is None:
        return
    following = owed.steps_taken + 1
    if following <= len(owed.escalation) and event.step in (0, owed.steps_taken):
        yield escalated(state, owed, following, event.context)


@part.consequence
def ask_operations_to_telephone(state: JourneyState, event: NoticeNotDelivered) -> Iterator[BaseEvent]:
    """Once for each obligation until they have; not again where it is their own page that fails."""
    owed = state.obligations.open.get(event.obligation)
    if event.how is not Channel.PAGE or owed is None or owed.kind == DELIVER_PAGE.kind:
        return
    if not _about(state, owed.id):
        counted = state.policy.counted("undelivered_page_hours", since=event.at)
        yield raised(state, event, DELIVER_PAGE, counted, about=owed.id)


@part.consequence
def telephone_nobody_about_what_has_ended(
    state: JourneyState, event: ObligationMet | ObligationWaived | ObligationCancelled
) -> Iterator[BaseEvent]:
    """There is nothing left to tell them."""
    yield from cancel_these(_about(state, event.obligation), event)


def _about(state: JourneyState, obligation_id: str) -> list[Obligation]:
    return [owed for owed in state.open_of(DELIVER_PAGE.kind) if owed.about == obligation_id]
