"""Answers of clinic systems. An answer that is no longer wanted settles its effect and changes nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.gate.old_core import commands as cmd
from tests.gate.old_core import events as ev
from tests.gate.old_core.clock import after_hours
from tests.gate.old_core.effects import CheckBenefits, Effect, HoldPlace
from tests.gate.old_core.refusal import Refused
from tests.gate.old_core.rules.common import Occasion
from tests.gate.old_core.state import JourneyState
from tests.gate.old_core.values import Stage


def settle(state: JourneyState, command: cmd.SettleEffect, when: Occasion) -> Iterator[ev.Event]:
    """Takes the answer to a pending effect, once."""
    effect = state.pending().get(command.key)
    if effect is None and not _is_older_wish(state, command.key):
        raise Refused("not-pending", "That call was already answered.")
    answer = command.answer
    yield ev.EffectSettled(
        **when,
        key=command.key,
        reference=answer.reference if isinstance(answer, cmd.Done) else None,
        failure=answer.code if isinstance(answer, cmd.Failed) else None,
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


def _learnt(state: JourneyState, effect: Effect, answer: cmd.Answer, when: Occasion) -> Iterator[ev.Event]:
    if isinstance(effect, CheckBenefits) and isinstance(answer, cmd.BenefitsAnswer):
        newest = effect.key == f"benefits-{state.benefit_checks}"  # an older one asked about another plan
        if newest and state.stage is Stage.BENEFITS_CHECK:
            yield ev.BenefitsAnswered(**when, benefits=answer.benefits)
    elif isinstance(effect, HoldPlace):
        yield from _place(state, effect, answer, when)


def _place(state: JourneyState, effect: HoldPlace, answer: cmd.Answer, when: Occasion) -> Iterator[ev.Event]:
    wanted = state.transition is not None and state.transition.hold_key == effect.hold_key
    found = isinstance(answer, cmd.PlaceAnswer) and answer.facility is not None and answer.starts_at is not None
    if found and not wanted:
        yield ev.PlaceGivenUp(**when, hold_key=effect.hold_key)
    elif isinstance(answer, cmd.PlaceAnswer) and answer.facility and answer.starts_at:
        yield ev.PlaceHeld(**when, facility=answer.facility, starts_at=answer.starts_at)
    elif wanted:
        again = after_hours(when["at"], state.policy.place_search_hours)
        yield ev.NoPlaceFound(**when, next_search_at=again)
