"""Answers of clinic systems. An answer that is no longer wanted settles its effect and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain import events as ev
from domain.benefits import Benefits
from domain.clock import after_hours
from domain.commands import BaseCommand, Occasion
from domain.effects import CheckBenefits, Effect, HoldPlace
from domain.refusal import Refused
from domain.state import JourneyState
from domain.values import Instant, Key, Stage, Value, Words


class BenefitsAnswer(Value):
    """The payer's answer."""

    kind: Literal["benefits"] = "benefits"
    benefits: Benefits


class PlaceAnswer(Value):
    """A held place, or none (`facility` is None)."""

    kind: Literal["place"] = "place"
    facility: Words | None = None
    starts_at: Instant | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.facility is None) != (self.starts_at is None):
            raise ValueError("a held place has both a facility and a start; no place has neither")
        return self


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
    """A clinic system's answer to the effect with this key."""

    kind: Literal["settle-effect"] = "settle-effect"
    key: Key
    answer: Answer

    def decide(self, state: JourneyState, when: Occasion) -> Iterator[ev.Event]:
        """Takes the answer to a pending effect, once."""
        effect = state.pending().get(self.key)
        if effect is None and not _is_older_wish(state, self.key):
            raise Refused("not-pending", "That call was already answered.")
        answer = self.answer
        yield ev.EffectSettled(
            **when,
            key=self.key,
            reference=answer.reference if isinstance(answer, Done) else None,
            failure=answer.code if isinstance(answer, Failed) else None,
        )
        if effect is not None:
            yield from _learnt(state, effect, answer, when)


def _is_older_wish(state: JourneyState, key: str) -> bool:
    revision = key.removeprefix("ehr-")
    return (
        revision != key
        and revision.isascii()
        and revision.isdecimal()
        and state.ehr_synced < int(revision) <= state.ehr_revision
    )


def _learnt(state: JourneyState, effect: Effect, answer: Answer, when: Occasion) -> Iterator[ev.Event]:
    if isinstance(effect, CheckBenefits) and isinstance(answer, BenefitsAnswer):
        newest = effect.key == f"benefits-{state.benefit_checks}"  # an older one asked about another plan
        if newest and state.stage is Stage.BENEFITS_CHECK:
            yield ev.BenefitsAnswered(**when, benefits=answer.benefits)
    elif isinstance(effect, HoldPlace):
        yield from _place(state, effect, answer, when)


def _place(state: JourneyState, effect: HoldPlace, answer: Answer, when: Occasion) -> Iterator[ev.Event]:
    wanted = state.transition is not None and state.transition.hold_key == effect.hold_key
    found = isinstance(answer, PlaceAnswer) and answer.facility is not None and answer.starts_at is not None
    if found and not wanted:
        yield ev.PlaceGivenUp(**when, hold_key=effect.hold_key)
    elif isinstance(answer, PlaceAnswer) and answer.facility and answer.starts_at:
        yield ev.PlaceHeld(**when, facility=answer.facility, starts_at=answer.starts_at)
    elif wanted:
        again = after_hours(when["at"], state.policy.place_search_hours)
        yield ev.NoPlaceFound(**when, next_search_at=again)
