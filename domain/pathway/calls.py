"""Calls to clinic systems and their answers. An answer that is no longer wanted settles its call and changes nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from domain.benefits import Benefits
from domain.commands import BaseCommand
from domain.effects import EHR_SLOT, CheckBenefits, Effect, HoldPlace, Notify, ehr_key
from domain.events import BaseEvent, EventContext
from domain.obligation_terms import Channel, ObligationKind, Priority
from domain.obligations import Obligation
from domain.part import Part, Slice
from domain.pathway import lost_place, place_search
from domain.pathway.coverage import BenefitsAnswered
from domain.pathway.notices import NoticeNotDelivered, not_delivered
from domain.pathway.obligation_changes import met_one, raised
from domain.pathway.place_search import FoundPlace
from domain.plans import SearchedFacility
from domain.refusal import Refused
from domain.values import CLINICAL, Instant, Key, Role, Stage, Value, Words

if TYPE_CHECKING:
    from domain.pathway.death import ClientDied
    from domain.state import JourneyState

part = Part("calls")

RESOLVE_EFFECT = ObligationKind(
    kind="resolve-effect",
    title="Do by hand what a clinic system would not do",
    completable_by=(Role.OPERATIONS, *CLINICAL),
    priority=Priority.ADMINISTRATIVE,
    waivable_by=(Role.OPERATIONS, *CLINICAL),
    outlives_care=True,
)


class Calls(Slice):
    """Calls not yet answered, by key; what the EHR is owed is derived, see `Ehr.wish`."""

    open: dict[str, Effect] = {}

    def adding(self, effect: Effect) -> Calls:
        """With one more to be made."""
        return self.changed(open={**self.open, effect.key: effect})


class EffectSettled(BaseEvent):
    """A clinic system answered.

    Attributes:
        call: The kind of call.
        revision: As of which event the EHR was told, for such a call.
        failure: The code with which it would not.
    """

    news: ClassVar[bool] = False

    type: Literal["effect.settled"] = "effect.settled"
    key: str
    call: str
    revision: int | None = None
    reference: str | None = None
    failure: str | None = None

    @property
    def is_bookkeeping(self) -> bool:
        """A call that failed is never skipped."""
        return self.failure is None

    def _sentence(self) -> str:
        if self.failure:
            return f"Clinic system refused: {self.key} ({self.failure})"
        return f"Clinic system answered: {self.key}"


class BenefitsAnswer(Value):
    """The payer's answer."""

    kind: Literal["benefits"] = "benefits"
    benefits: Benefits


class PlaceAnswer(Value):
    """A held place, or none (`facility` is None). `place_id` is its id in the scheduling system.

    `facilities` are those that were searched.
    """

    kind: Literal["place"] = "place"
    facility: Words | None = None
    starts_at: Instant | None = None
    place_id: Words | None = None
    facilities: tuple[SearchedFacility, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.facility is None) != (self.starts_at is None):
            raise ValueError("a held place has both a facility and a start; no place has neither")
        return self

    @property
    def found(self) -> FoundPlace | None:
        """The place that is held."""
        if self.facility is None or self.starts_at is None:
            return None
        return FoundPlace(self.facility, self.starts_at, self.place_id)


class Done(Value):
    """It was done; `reference` is its id over there."""

    kind: Literal["done"] = "done"
    reference: Words | None = None


class Failed(Value):
    """It was not done and will not be by itself. `code` names why, without client data."""

    kind: Literal["failed"] = "failed"
    code: Words


Answer = Annotated[BenefitsAnswer | PlaceAnswer | Done | Failed, Field(discriminator="kind")]


class SettleEffect(BaseCommand):
    """A clinic system's answer to the effect with this key.

    Attributes:
        revision: As of which event the EHR was told, if it is the EHR's answer.
    """

    kind: Literal["settle-effect"] = "settle-effect"
    key: Key
    answer: Answer
    revision: int | None = None

    @property
    def concurrency_key(self) -> str:
        """That of the call which it answers; see `BaseEffect.concurrency_key`."""
        return self.key if self.revision is None else EHR_SLOT

    def _answers_an_older_wish(self, state: JourneyState) -> bool:
        """Whether the EHR took a version that a newer one has replaced since, and had not answered for a later one."""
        told = self.revision
        return told is not None and self.key == ehr_key(told) and state.ehr.synced < told <= state.news

    def decide(self, state: JourneyState, when: EventContext) -> Iterator[BaseEvent]:
        """Takes the answer to a pending call, once."""
        effect = state.pending().get(self.key)
        if effect is None and not self._answers_an_older_wish(state):
            raise Refused("not-pending", "That call was already answered.")
        answer = self.answer
        yield EffectSettled(
            **when,
            key=self.key,
            call=effect.kind if effect else "sync-ehr",
            revision=effect.told if effect else self.revision,
            reference=answer.reference if isinstance(answer, Done) else None,
            failure=answer.code if isinstance(answer, Failed) else None,
        )
        if effect is not None:
            yield from _learnt(state, effect, answer, when)


def _learnt(state: JourneyState, effect: Effect, answer: Answer, when: EventContext) -> Iterator[BaseEvent]:
    if isinstance(effect, CheckBenefits) and isinstance(answer, BenefitsAnswer):
        newest = effect.number == state.coverage.checks  # an older one asked about another plan
        if newest and state.stage is Stage.BENEFITS_CHECK:
            yield BenefitsAnswered(**when, benefits=answer.benefits)
    elif isinstance(effect, HoldPlace):
        yield from _place(state, effect, answer, when)
    elif isinstance(effect, Notify) and isinstance(answer, Failed):
        yield not_delivered(state, effect, answer.code, when)


def _place(state: JourneyState, effect: HoldPlace, answer: Answer, when: EventContext) -> Iterator[BaseEvent]:
    move, found = state.moves.current, answer.found if isinstance(answer, PlaceAnswer) else None
    if move is None or effect.hold_key not in move.hold_keys:
        yield from place_search.give_up([effect.hold_key] if found else (), when)
    elif effect.hold_key == move.held_key:
        yield from lost_place.checked(state, move, found, when, answered=isinstance(answer, PlaceAnswer))
    else:
        facilities = answer.facilities if isinstance(answer, PlaceAnswer) else ()
        yield from place_search.searched(state, move, effect.hold_key, found, when, facilities)


@part.evolves
def settle(state: JourneyState, event: EffectSettled) -> Calls:
    """It is not made again."""
    held = state.calls
    if event.key not in held.open:
        return held
    return held.changed(open={key: effect for key, effect in held.open.items() if key != event.key})


@part.evolves
def stop_with_the_death(state: JourneyState, event: ClientDied) -> Calls:
    """The payer is asked no more, and nobody is told of a duty that is over. A search for a place must be answered, so
    that what it finds is given back.
    """
    held, owed = state.calls, state.obligations.open
    stopped = {key for key, call in held.open.items() if _ends_with_the_client(call, owed)}
    return held.changed(open={key: call for key, call in held.open.items() if key not in stopped})


def _ends_with_the_client(call: Effect, owed: Mapping[str, Obligation]) -> bool:
    if isinstance(call, Notify):
        return call.obligation not in owed or not owed[call.obligation].outlives_care
    return isinstance(call, CheckBenefits)


_ASKED_OTHERWISE = ("check-benefits", "notify")
"""Calls whose refusal is looked after in another way: admissions verify by hand, and a notice is told apart."""


@part.consequence
def ask_operations_after_a_refusal(state: JourneyState, event: EffectSettled) -> Iterator[BaseEvent]:
    """Once for each kind of call, until a person has resolved it, or the EHR takes a later version."""
    if event.failure is None and event.revision is not None:
        yield from (met_one(owed, event) for owed in _to_resolve(state, event.call))
    elif event.failure is not None and event.call not in _ASKED_OTHERWISE:
        yield from _resolve(state, event, event.call)


@part.consequence
def ask_operations_after_a_refused_mail(state: JourneyState, event: NoticeNotDelivered) -> Iterator[BaseEvent]:
    """A page is more urgent and has an obligation of its own."""
    if event.how is Channel.MAIL:
        yield from _resolve(state, event, "notify")


def _resolve(state: JourneyState, event: BaseEvent, call: str) -> Iterator[BaseEvent]:
    if not _to_resolve(state, call):
        counted = state.policy.counted("refused_call_hours", since=event.at)
        yield raised(state, event, RESOLVE_EFFECT, counted, about=call)


def _to_resolve(state: JourneyState, call: str) -> list[Obligation]:
    return [owed for owed in state.open_of(RESOLVE_EFFECT.kind) if owed.about == call]
